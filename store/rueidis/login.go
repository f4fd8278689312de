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
		results := st.evalAll(op, []invocation{
			{c.script.alone, c.args, st.key(c.id)},
			{entryScript, c.entry.args(), c.entry.index},
		})
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
	gone := err == nil && !r.written && (isTombstone(r.held) || r.held == nil && !r.revoked)
	if refused || gone {
		_ = st.drop(op, c.entry.index, c.id)
	}
}
