package rueidis

import (
	"context"
	"fmt"
	"strings"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/store"
)

// change is one write of one record.
type change struct {
	id     store.ID
	rev    store.Rev // zero if it deletes
	script script
	args   []string
	entry  *entry // nil if the write does not concern an index
}

// reply is what a script has answered.
type reply struct {
	written  bool   // the write is in place
	revoked  bool   // it is a login that was revoked
	subject  string // of a deleted record
	held     []byte // the value that is there instead, if any
	repeated bool   // an earlier attempt may have been made already
}

// write makes a change, which it repeats until the server says what became of
// it or the time is up.
func (st *Store) write(ctx context.Context, c *change) (reply, error) {
	r, err := call(ctx, st, st.opts.WaitReplicas > 0, func(op context.Context) (reply, error) {
		if c.entry == nil {
			return st.writeRecord(op, c)
		}
		return st.writeIndexed(op, c)
	})
	if st.recent != nil {
		st.recent.add(c.id) // whatever came of it
	}
	return r, err
}

// writeRecord makes a change that concerns no index.
func (st *Store) writeRecord(op context.Context, c *change) (reply, error) {
	return st.settle(op, c, func() (reply, error) {
		return st.run(op, c.script.alone, c.args, st.key(c.id))
	})
}

// settle makes attempts at a change until the server has answered one.
func (st *Store) settle(op context.Context, c *change, attempt func() (reply, error)) (reply, error) {
	var r reply
	repeated := false
	err := st.persist(op, func() (err error) {
		r, err = attempt()
		r.repeated = repeated
		repeated = repeated || err != nil && !isRefusal(err)
		return err
	})
	if err != nil || !r.isOwn(c) {
		return r, err
	}
	r.written = true
	if st.opts.WaitReplicas > 0 {
		err = st.persist(op, func() error {
			_, err := st.run(op, rewriteScript, nil, st.key(c.id))
			return err
		})
	}
	return r, err
}

// isOwn reports whether the value in place has come of the change: by it, or,
// where it was repeated, upon it.
func (r reply) isOwn(c *change) bool {
	if r.held == nil || c.rev == 0 {
		return false
	}
	held, err := decode(c.id, r.held)
	return err == nil && (held.Rev == c.rev || r.repeated && held.follows(c.rev))
}

// run makes one attempt at a script that writes.
func (st *Store) run(ctx context.Context, s lua, args []string, keys ...string) (reply, error) {
	m, err := st.eval(ctx, s, args, keys...)
	if err != nil {
		return reply{}, err
	}
	return parseReply(m)
}

// eval makes one attempt at a script: by its hash, and by its text if the server
// does not have it.
func (st *Store) eval(ctx context.Context, s lua, args []string, keys ...string) (client.RedisMessage, error) {
	n := int64(len(keys))
	m, err := st.acknowledged(ctx, st.client.B().Evalsha().Sha1(s.hash).Numkeys(n).Key(keys...).Arg(args...).Build())
	if isRefusalWith(err, "NOSCRIPT") {
		return st.acknowledged(ctx, st.client.B().Eval().Script(s.text).Numkeys(n).Key(keys...).Arg(args...).Build())
	}
	return m, err
}

// invocation is a script that is run together with others.
type invocation struct {
	script lua
	args   []string
	key    string
}

// evalAll makes one attempt at scripts that need no acknowledgement, in one
// pipeline: by their hashes, and again by text those that a server does not have.
func (st *Store) evalAll(ctx context.Context, calls []invocation) []client.RedisResult {
	commands := make(client.Commands, len(calls))
	for i, c := range calls {
		commands[i] = st.client.B().Evalsha().Sha1(c.script.hash).Numkeys(1).Key(c.key).Arg(c.args...).Build()
	}
	results := st.client.DoMulti(ctx, commands...)
	var missing []int
	commands = commands[:0]
	for i, c := range calls {
		if isRefusalWith(results[i].Error(), "NOSCRIPT") {
			missing = append(missing, i)
			commands = append(commands, st.client.B().Eval().Script(c.script.text).Numkeys(1).Key(c.key).Arg(c.args...).Build())
		}
	}
	if len(missing) > 0 {
		for i, result := range st.client.DoMulti(ctx, commands...) {
			results[missing[i]] = result
		}
	}
	return results
}

// acknowledged runs a script. With [Options.WaitReplicas] the replicas must
// acknowledge it, unless it answers with a string or nil: then it has written
// nothing.
func (st *Store) acknowledged(ctx context.Context, eval client.Completed) (client.RedisMessage, error) {
	if st.opts.WaitReplicas == 0 {
		return message(st.client.Do(ctx, eval))
	}
	// WAIT speaks of the writes of its own connection. DoMulti on the client
	// itself would do where a server stands alone, but send the script after a
	// slot that has moved, and WAIT to where it was.
	conn, release := st.client.Dedicate()
	defer release()
	// Half of the time that is left, so that the answer is not cut off by the
	// deadline. Zero would mean for ever.
	deadline, _ := ctx.Deadline()
	patience := max(time.Until(deadline)/2, time.Millisecond)
	results := conn.DoMulti(ctx, eval, conn.B().Wait().Numreplicas(int64(st.opts.WaitReplicas)).
		Timeout(patience.Milliseconds()).Build())
	m, err := message(results[0])
	if err != nil || m.IsNil() || m.IsString() {
		return m, err
	}
	switch n, err := results[1].AsInt64(); {
	case err != nil:
		return m, err
	case n < int64(st.opts.WaitReplicas):
		return m, &replicasError{got: int(n), want: st.opts.WaitReplicas, patience: patience}
	}
	return m, nil
}

// message returns the answer to a command. That it is nil is no error.
func message(result client.RedisResult) (client.RedisMessage, error) {
	m, err := result.ToMessage()
	if client.IsRedisNil(err) {
		err = nil
	}
	return m, err
}

// replicasError means that a write was made but may be lost in a fail-over.
type replicasError struct {
	got, want int
	patience  time.Duration
}

func (e *replicasError) Error() string {
	return fmt.Sprintf("written, but acknowledged by %d replicas of %d within %v", e.got, e.want, e.patience.Round(time.Millisecond))
}

// parseReply reads the answer of a script that writes.
func parseReply(m client.RedisMessage) (reply, error) {
	switch {
	case m.IsNil():
		return reply{}, nil
	case m.IsInt64():
		n, err := m.AsInt64()
		return reply{written: n == 1, revoked: n == 2}, err
	case m.IsArray():
		parts, err := m.ToArray()
		if err != nil || len(parts) != 2 {
			return reply{}, fmt.Errorf("unexpected answer of %d parts: %w", len(parts), err)
		}
		subject, err := parts[1].ToString()
		return reply{written: true, subject: subject}, err
	}
	held, err := m.AsBytes()
	return reply{held: held}, err
}

// isWrongType reports whether a key held something else than was expected. Redis
// 6 puts words about the script before those that count.
func isWrongType(err error) bool { return isRefusalWith(err, "WRONGTYPE") }

// isFull reports whether the server has no memory for more.
func isFull(err error) bool { return isRefusalWith(err, "OOM") }

// isReadOnly reports whether the server is a replica.
func isReadOnly(err error) bool { return isRefusalWith(err, "READONLY") }

// isCrossSlot reports whether the keys of a script belong to different nodes.
func isCrossSlot(err error) bool { return isRefusalWith(err, "CROSSSLOT") }

func isRefusalWith(err error, code string) bool {
	refusal, ok := client.IsRedisErr(err)
	return ok && strings.Contains(refusal.Error(), code)
}
