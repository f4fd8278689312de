package rueidis

import (
	"context"
	"fmt"
	"slices"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/store"
)

// batch is how many records are asked for, or ended, by one pipeline.
const batch = 500

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
