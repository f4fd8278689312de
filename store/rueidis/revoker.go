package rueidis

import (
	"context"
	"fmt"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/store"
)

// Revoker is a [store.Revoker] on the servers of a [Store], for sessions that
// clients hold: pass it to a Manager whose store is of package cookie. The Store
// itself needs none. A Revoker must not be used after its Store is closed.
type Revoker struct{ st *Store }

var _ store.Revoker = (*Revoker)(nil)

// Revoker returns a Revoker that uses the Store's client and Options.
func (st *Store) Revoker() *Revoker { return &Revoker{st} }

// keepLaterScript keeps the later of two revocations, for the longer of two
// times. ARGV: time, lifetime. Milliseconds have few enough digits for Lua's
// numbers.
var keepLaterScript = lua{`local time,life=ARGV[1],tonumber(ARGV[2])
local old=redis.call('GET',KEYS[1])
if old and tonumber(old)>tonumber(time) then time=old end
redis.call('SET',KEYS[1],time,'PX',string.format('%.0f',math.max(life,redis.call('PTTL',KEYS[1]))))
return 1`, "8542c355af6b6199b016e631ef8a37f7ac9537fd"}

// Revoke implements [store.Revoker].
func (r *Revoker) Revoke(ctx context.Context, key string, before, until time.Time) error {
	st := r.st
	_, err := call(ctx, st, st.opts.WaitReplicas > 0, func(op context.Context) (reply, error) {
		return reply{}, st.persist(op, func() error {
			_, err := st.run(op, keepLaterScript,
				[]string{milliseconds(before.UnixMilli()), lifetime(until)}, r.key(key))
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("rueidis: revoke: %w", err)
	}
	return nil
}

// RevokedBefore implements [store.Revoker].
func (r *Revoker) RevokedBefore(ctx context.Context, keys ...string) ([]time.Time, error) {
	st := r.st
	times, err := call(ctx, st, false, func(op context.Context) (times []time.Time, err error) {
		err = st.persist(op, func() error {
			times, err = r.ask(op, keys)
			return err
		})
		return times, err
	})
	if err != nil {
		return nil, fmt.Errorf("rueidis: revoked before: %w", err)
	}
	return times, nil
}

// ask makes one attempt at reading the revocations of keys.
func (r *Revoker) ask(op context.Context, keys []string) ([]time.Time, error) {
	var commands client.Commands
	for _, key := range keys {
		// An arbitrary command, so that it is not sent to a replica: see get.
		commands = append(commands, r.st.client.B().Arbitrary("GET").Keys(r.key(key)).Build())
	}
	times := make([]time.Time, len(keys))
	for i, result := range r.st.client.DoMulti(op, commands...) {
		at, err := result.AsInt64()
		switch {
		case client.IsRedisNil(err):
		case err != nil:
			return nil, err
		default:
			times[i] = time.UnixMilli(at)
		}
	}
	return times, nil
}

func (r *Revoker) key(key string) string { return r.st.opts.Prefix + "revoked:" + key }
