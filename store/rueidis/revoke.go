package rueidis

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/store"
)

// RevokeSubject implements [store.SubjectIndex].
//
// It records the revocation and reads the index in one step. A login that comes
// to the index later is refused by the revocation. One that came earlier is in
// what was read: its record is deleted, or, if that is not written yet, kept
// from being written: see endScript.
//
// A subject with very many sessions may take several calls: each deletes for up
// to [Options.Timeout].
func (st *Store) RevokeSubject(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
	ended := new(idList)
	_, err := call(ctx, st, true, func(op context.Context) (struct{}, error) {
		return struct{}{}, st.revokeSubject(op, subject, before, except, ended)
	})
	ids := ended.all()
	if st.recent != nil {
		for _, id := range ids {
			st.recent.add(id)
		}
	}
	if err != nil {
		return ids, fmt.Errorf("rueidis: revoke subject: %w", err)
	}
	return ids, nil
}

func (st *Store) revokeSubject(op context.Context, subject string, before time.Time, except []store.ID, ended *idList) error {
	index := st.indexKey(subject)
	members, err := st.recordRevocation(op, index, before)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	listed, refusals := parseMembers(members), parsePending(members)
	listed = slices.DeleteFunc(listed, func(id store.ID) bool { return slices.Contains(except, id) })
	for ids := range slices.Chunk(listed, batch) {
		if err := st.endAll(op, subject, ids, refusals, ended); err != nil {
			return err
		}
	}
	return nil
}

// parsePending returns the refusals of the pending logins among the members of an
// index, by session.
func parsePending(members []string) map[store.ID]string {
	var refusals map[store.ID]string
	for _, member := range members {
		var id store.ID
		if len(member) != len(pendingMark)+len(id)+revSize || member[:1] != pendingMark {
			continue
		}
		if refusals == nil {
			refusals = make(map[store.ID]string)
		}
		rev := member[1+copy(id[:], member[1:]):]
		refusals[id] += refusal(binary.BigEndian.Uint64([]byte(rev)))
	}
	return refusals
}

// recordRevocation keeps the time of the revocation and returns the members of
// the index.
func (st *Store) recordRevocation(op context.Context, index string, before time.Time) ([]string, error) {
	var members []string
	err := st.persist(op, func() error {
		m, err := st.eval(op, revokeScript, []string{
			milliseconds(max(before.UnixMilli(), 1)),
			milliseconds(store.TombstoneLife.Milliseconds()),
			milliseconds(time.Now().UnixMilli()),
		}, index)
		if err != nil {
			return err
		}
		members, err = m.AsStrSlice()
		return err
	})
	return members, err
}

// The answers of endScript that matter.
const (
	wasEnded       = 1
	wasEndedBefore = 2 // by this call
	wasLeft        = 3
)

// idList collects IDs, also while a caller that has given up reads them.
type idList struct {
	mu  sync.Mutex
	ids []store.ID
}

func (l *idList) add(id store.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = append(l.ids, id)
}

func (l *idList) all() []store.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ids)
}

// endAll ends sessions that the index of a revoked subject names.
func (st *Store) endAll(op context.Context, subject string, ids []store.ID, refusals map[store.ID]string, ended *idList) error {
	pending, repeated := ids, false
	now := time.Now()
	args := func(id store.ID) []string {
		return []string{
			subject, client.BinaryString(newTombstone(now)), milliseconds(store.TombstoneLife.Milliseconds()),
			milliseconds(now.UnixMilli()), refusals[id],
			client.BinaryString(binary.BigEndian.AppendUint64(nil, uint64(store.NewRev()))),
		}
	}
	var gone []store.ID
	err := st.persist(op, func() error {
		answers, errs := st.endEach(op, pending, args)
		var failed []store.ID
		var failure error
		for i, id := range pending {
			switch {
			case isWrongType(errs[i]): // no session
				continue
			case errs[i] != nil:
				failed, failure = append(failed, id), errs[i]
				continue
			case answers[i] == wasEnded, repeated && answers[i] == wasEndedBefore:
				ended.add(id)
			}
			if answers[i] != wasLeft {
				gone = append(gone, id)
			}
		}
		pending, repeated = failed, true
		return failure
	})
	if err != nil {
		return err
	}
	_ = st.drop(op, st.indexKey(subject), gone...)
	return nil
}

// endEach makes one attempt at ending each session. They go out together, unless
// replicas have to acknowledge each.
func (st *Store) endEach(op context.Context, ids []store.ID, args func(store.ID) []string) ([]int64, []error) {
	answers, errs := make([]int64, len(ids)), make([]error, len(ids))
	if st.opts.WaitReplicas > 0 {
		for i, id := range ids {
			var m client.RedisMessage
			if m, errs[i] = st.eval(op, endScript, args(id), st.key(id)); errs[i] == nil {
				answers[i], errs[i] = m.AsInt64()
			}
		}
		return answers, errs
	}
	calls := make([]invocation, len(ids))
	for i, id := range ids {
		calls[i] = invocation{endScript, args(id), st.key(id)}
	}
	for i, result := range st.evalAll(op, calls) {
		answers[i], errs[i] = result.AsInt64()
	}
	return answers, errs
}
