package rueidis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/session"
)

// Every write is one script on one key, run by the server in one step. It
// answers 1 when it has written, nil when it has found no session, and
// otherwise with the value in place.
//
// The scripts are sent as text. Their hashes would save less than the server's
// processor time varies by between two runs, need a second round trip after
// every restart and fail-over, and need SHA-1, which a program that is confined
// to FIPS 140 algorithms does not have.
const (
	// ARGV: value, lifetime.
	createScript = `local v=redis.call('GET',KEYS[1])
if v then return v end
redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2])
return 1`

	// ARGV: kind and revision to be replaced; what is to stand before the
	// earlier revisions; subject and payload; lifetime; the present time. The
	// revision that is replaced becomes the newest of the earlier ones, which
	// are kept while writes come within ten seconds of each other, which is
	// longer than a write is repeated. A record that ends before its subject
	// is damaged, and told so by what reads the answer.
	updateScript = `local h=redis.call('GETRANGE',KEYS[1],0,281)
if h=='' then return false end
if #h<26 or #h<26+8*string.byte(h,26) or string.sub(h,1,9)~=ARGV[1] then return redis.call('GET',KEYS[1]) end
local now=tonumber(ARGV[5])
if struct.unpack('>I8',h,10)<=now then return false end
local n=0
if now-struct.unpack('>I8',h,18)<10000 then n=math.min(string.byte(h,26),31) end
redis.call('SET',KEYS[1],ARGV[2]..string.char(n+1)..string.sub(h,2,9)..string.sub(h,27,26+8*n)..ARGV[3],'PX',ARGV[4])
return 1`

	// ARGV: lifetime of the tombstone. DEL comes first because a server at its
	// memory limit refuses a script that begins with SET, and nobody could log
	// out.
	deleteScript = `local k=redis.call('GETRANGE',KEYS[1],0,0)
if k~='' and k~='\193' and k~='\192' then return k end
redis.call('DEL',KEYS[1])
redis.call('SET',KEYS[1],'\192','PX',ARGV[1])
return 1`

	// Writes what is there once more, so that replicas have something to
	// acknowledge.
	rewriteScript = `local v=redis.call('GET',KEYS[1])
if v then redis.call('SET',KEYS[1],v,'KEEPTTL') end
return 1`
)

// tombstoneLife is how long a deleted ID stays in use. It is to outlast any
// Create that was under way. Its Store has given that up within seconds, but a
// proxy may hold it for as long as its connection to the server lives, which by
// the defaults of Linux is a quarter of an hour when nothing gets through.
const tombstoneLife = 15 * time.Minute

// lifetime returns the time until expires as scripts take it. The server is
// told how long a key is to live, not until when: its clock may differ, and
// every record has its expiry in it. A key must live for a positive time.
func lifetime(expires time.Time) string {
	return milliseconds(max(time.Until(expires).Milliseconds(), 1))
}

func milliseconds(n int64) string { return strconv.FormatInt(n, 10) }

// reply is what a script has answered.
type reply struct {
	written  bool   // the write is in place
	held     []byte // the value that is there instead, if any
	repeated bool   // an earlier attempt may have been made already
}

// write runs a script that writes revision rev.
func (st *Store) write(ctx context.Context, id session.ID, rev session.Rev, script string, args ...string) (reply, error) {
	op := st.timeout.Within(ctx)
	r, err := call(st, op, st.opts.Replicas > 0, func() (reply, error) {
		var r reply
		repeated := false
		err := persist(op, func() (err error) {
			r, err = st.run(op, st.key(id), script, args)
			r.repeated = repeated
			repeated = repeated || err != nil && !isRefusal(err)
			return err
		})
		if err != nil || !r.isOwn(id, rev) {
			return r, err
		}
		r.written = true
		if st.opts.Replicas > 0 {
			err = persist(op, func() error {
				_, err := st.run(op, st.key(id), rewriteScript, nil)
				return err
			})
		}
		return r, err
	})
	if st.recent != nil {
		st.recent.add(id) // whatever came of it
	}
	return r, err
}

// isOwn reports whether the value in place has come of the write of rev: by it,
// or, where the write was repeated, upon it.
func (r reply) isOwn(id session.ID, rev session.Rev) bool {
	if r.held == nil {
		return false
	}
	held, err := decode(id, r.held)
	return err == nil && (held.Rev == rev || r.repeated && held.follows(rev))
}

// run makes one attempt.
func (st *Store) run(ctx context.Context, key, script string, args []string) (reply, error) {
	eval := st.client.B().Eval().Script(script).Numkeys(1).Key(key).Arg(args...).Build()
	if st.opts.Replicas == 0 {
		return parseReply(st.client.Do(ctx, eval))
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
	results := conn.DoMulti(ctx, eval, conn.B().Wait().Numreplicas(int64(st.opts.Replicas)).
		Timeout(patience.Milliseconds()).Build())
	r, err := parseReply(results[0])
	if err != nil || !r.written {
		return r, err
	}
	switch n, err := results[1].AsInt64(); {
	case err != nil:
		return r, err
	case n < int64(st.opts.Replicas):
		return r, &replicasError{got: int(n), want: st.opts.Replicas, patience: patience}
	}
	return r, nil
}

// replicasError means that a write was made but may be lost in a fail-over.
type replicasError struct {
	got, want int
	patience  time.Duration
}

func (e *replicasError) Error() string {
	return fmt.Sprintf("written, but acknowledged by %d replicas of %d within %v", e.got, e.want, e.patience.Round(time.Millisecond))
}

func parseReply(result client.RedisResult) (reply, error) {
	message, err := result.ToMessage()
	switch {
	case client.IsRedisNil(err):
		return reply{}, nil
	case err != nil:
		return reply{}, err
	case message.IsInt64():
		return reply{written: true}, nil
	}
	held, err := message.AsBytes()
	return reply{held: held}, err
}
