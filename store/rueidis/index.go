package rueidis

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/store"
)

// The index of a subject is one sorted set. A member is a session's ID, its score
// the time at which the entry is removed. One more member is the subject's
// latest revocation: see refuseRevoked. Since it is in the same key as the
// entries, one script on one key can look at it and add an entry, also in a
// cluster. There, members are pending logins as well: see [entry.pending].
//
// Every entry is added with the write that makes the session the subject's, or
// before it, and is removed after the session has been deleted. So the index
// covers the live sessions at all times. It may also name a session of another
// subject, which its record tells.

var _ store.SubjectIndex = (*Store)(nil)

// batch is how many records are asked for, or ended, by one pipeline.
const batch = 500

// entry is the entry of one session in the index of its subject.
type entry struct {
	index string // key
	id    store.ID
	until time.Time
	since time.Time // when the request of a login arrived; zero for no login
}

// entryOf returns the entry that a write of rec has to add, or nil. An update
// that neither logs in nor extends the session leaves the index alone.
func (st *Store) entryOf(rec *store.Record, creates bool) *entry {
	if rec.Subject == "" || !creates && rec.IndexUntil.IsZero() && rec.LoginSince.IsZero() {
		return nil
	}
	e := &entry{index: st.indexKey(rec.Subject), id: rec.ID, until: rec.Expires, since: rec.LoginSince}
	if rec.IndexUntil.After(e.until) {
		e.until = rec.IndexUntil
	}
	return e
}

// args returns the arguments of the scripts that add an entry: ID; until when;
// the login's time, empty for none; the present time; the lifetime.
func (e *entry) args() []string {
	since := ""
	if !e.since.IsZero() {
		since = milliseconds(e.since.UnixMilli())
	}
	return []string{
		string(e.id[:]), milliseconds(e.until.UnixMilli()), since,
		milliseconds(time.Now().UnixMilli()), lifetime(e.until),
	}
}

// pendingMark begins the member of a pending login.
const pendingMark = "p"

// pending returns the member for a login that updates a record by a command of
// its own after the entry was added. A revocation that comes in between finds it,
// and writes its refusal into the record. It stays for [store.TombstoneLife],
// because it does no harm after the update.
func (e *entry) pending(rev store.Rev) string {
	return string(binary.BigEndian.AppendUint64(append([]byte(pendingMark), e.id[:]...), uint64(rev)))
}

// refusal is what refuses the pending write of a revision. It is not the revision
// itself, which would say that the write was made and replaced.
func refusal(rev uint64) string {
	return string(binary.BigEndian.AppendUint64(nil, ^rev))
}

func (st *Store) indexKey(subject string) string { return st.opts.Prefix + "subject:" + subject }

// writeIndexed makes a change together with its index entry: in one step where
// one server has both keys, and with two commands where they may be on different
// nodes.
func (st *Store) writeIndexed(op context.Context, c *change) (reply, error) {
	if !st.sharded.Load() && st.client.Mode() != client.ClientModeCluster {
		r, err := st.settle(op, c, func() (reply, error) {
			return st.run(op, c.script.indexed, slices.Concat(c.args, c.entry.args()), st.key(c.id), c.entry.index)
		})
		switch {
		case isCrossSlot(err): // a cluster behind a proxy
			st.sharded.Store(true)
		case !isWrongType(err): // else two commands tell which key it is
			return r, err
		}
	}
	if c.entry.since.IsZero() && st.opts.WaitReplicas == 0 {
		return st.writeBoth(op, c)
	}
	return st.writePending(op, c)
}

// writePending adds the index entry of a login and then writes the record.
func (st *Store) writePending(op context.Context, c *change) (reply, error) {
	args, updates := c.entry.args(), c.script != createScript
	if updates {
		until := time.Now().Add(store.TombstoneLife)
		if c.entry.until.Before(until) {
			until = c.entry.until
		}
		args = slices.Concat([]string{c.entry.pending(c.rev), milliseconds(until.UnixMilli())}, args)
	}
	var r reply
	err := st.persist(op, func() (err error) {
		r, err = st.run(op, entryScript, args, c.entry.index)
		return err
	})
	switch {
	case err != nil:
		return r, fmt.Errorf("index: %w", err) // so that it is not taken for the record's
	case r.revoked:
		// The revocation may be a later one than the write, repeated by the
		// caller, and have spared it.
		held, err := st.fetch(op, c.id)
		return reply{written: err == nil && held.Rev == c.rev, revoked: true}, nil
	case updates:
		r, err = st.settle(op, c, func() (reply, error) {
			return st.run(op, c.script.pending, append(slices.Clip(c.args), refusal(uint64(c.rev))), st.key(c.id))
		})
	default:
		if r, err = st.writeRecord(op, c); err == nil && isTombstone(r.held) {
			r.revoked, err = st.isRevoked(op, c.entry)
		}
	}
	st.dropStale(op, c, r, err)
	return r, err
}

// isRevoked reports whether a login is covered by a revocation.
func (st *Store) isRevoked(op context.Context, e *entry) (bool, error) {
	var before float64
	err := st.persist(op, func() (err error) {
		// An arbitrary command, so that it is not sent to a replica: see get.
		before, err = st.client.Do(op, st.client.B().Arbitrary("ZSCORE").Keys(e.index).Args("revoked").Build()).AsFloat64()
		return err
	})
	if client.IsRedisNil(err) {
		return false, nil
	}
	return err == nil && float64(e.since.UnixMilli()) <= -before, err
}

// writeBoth sends a change and its index entry together, to two nodes. It is for
// changes that no revocation refuses, so that the order does not matter.
func (st *Store) writeBoth(op context.Context, c *change) (reply, error) {
	var indexErr error
	r, err := st.settle(op, c, func() (reply, error) {
		results := st.client.DoMulti(op,
			st.client.B().Eval().Script(c.script.alone.text).Numkeys(1).Key(st.key(c.id)).Arg(c.args...).Build(),
			st.client.B().Eval().Script(entryScript.text).Numkeys(1).Key(c.entry.index).Arg(c.entry.args()...).Build())
		m, err := message(results[0])
		_, indexErr = message(results[1])
		if err = cmp.Or(err, indexErr); err != nil {
			return reply{}, err
		}
		return parseReply(m)
	})
	if err != nil && err == indexErr { //nolint:errorlint // it is the same one or another's
		err = fmt.Errorf("index: %w", err) // so that it is not taken for the record's
	}
	st.dropStale(op, c, r, err)
	return r, err
}

// dropStale removes the entry that was added for a change which came to nothing,
// if that is certain and will stay so. In any other case another write may need
// the entry, and its time removes it.
func (st *Store) dropStale(op context.Context, c *change, r reply, err error) {
	refused := isFull(err) && !r.repeated && c.script == createScript
	gone := err == nil && !r.written && (isTombstone(r.held) || r.held == nil)
	if refused || gone {
		_ = st.drop(op, c.entry.index, c.id)
	}
}

// drop removes sessions that are deleted from an index. If that fails the index
// names too many until their time has come, which does no harm: callers ignore
// the error, and replicas are not waited for.
func (st *Store) drop(op context.Context, index string, ids ...store.ID) error {
	if len(ids) == 0 {
		return nil
	}
	members := make([]string, len(ids))
	for i, id := range ids {
		members[i] = string(id[:])
	}
	return st.client.Do(op, st.client.B().Zrem().Key(index).Member(members...).Build()).Error()
}

// ListSessions implements [store.SubjectIndex].
func (st *Store) ListSessions(ctx context.Context, subject string) ([]store.Record, error) {
	records, err := call(ctx, st, false, func(op context.Context) ([]store.Record, error) {
		ids, err := st.indexed(op, subject)
		if err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		var records []store.Record
		for ids := range slices.Chunk(ids, batch) {
			found, err := st.fetchAll(op, ids)
			if err != nil {
				return nil, err
			}
			for _, rec := range found {
				if rec.Subject == subject {
					records = append(records, rec)
				}
			}
		}
		return records, nil
	})
	if err != nil {
		return nil, fmt.Errorf("rueidis: list sessions: %w", err)
	}
	return records, nil
}

// indexed returns the IDs in the index of a subject.
func (st *Store) indexed(op context.Context, subject string) ([]store.ID, error) {
	var ids []store.ID
	key, now := st.indexKey(subject), milliseconds(time.Now().UnixMilli())
	err := st.persist(op, func() error {
		// An arbitrary command, so that it is not sent to a replica: see get.
		// The second one clears the index. That it may fail, on a server that
		// takes no writes at present, does not matter.
		results := st.client.DoMulti(op,
			st.client.B().Arbitrary("ZRANGEBYSCORE").Keys(key).Args("("+now, "+inf").Build(),
			st.client.B().Zremrangebyscore().Key(key).Min("0").Max(now).Build())
		members, err := results[0].AsStrSlice()
		ids = parseMembers(members)
		return err
	})
	return ids, err
}

// parseMembers returns the IDs among the members of an index.
func parseMembers(members []string) []store.ID {
	ids := make([]store.ID, 0, len(members))
	for _, member := range members {
		var id store.ID
		if copy(id[:], member) == len(id) && len(member) == len(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// fetchAll returns those of the records that are there.
func (st *Store) fetchAll(op context.Context, ids []store.ID) ([]store.Record, error) {
	var records []store.Record
	err := st.persist(op, func() error {
		commands := make(client.Commands, len(ids))
		for i, id := range ids {
			commands[i] = st.get(id)
		}
		records = records[:0]
		for i, result := range st.client.DoMulti(op, commands...) {
			value, err := result.AsBytes()
			if err == nil {
				if s, err := st.decodeLive(ids[i], value); err == nil {
					records = append(records, s.Record)
				}
			} else if !client.IsRedisNil(err) && !isWrongType(err) {
				return err
			}
		}
		return nil
	})
	return records, err
}
