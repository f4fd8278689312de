package rueidis

import (
	"context"
	"fmt"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/session"
)

// Revoker is a [session.Revoker] that keeps its marks on the servers of a
// [Store], for sessions that the client holds: pass it to a Manager whose store
// is of package cookie. The Store itself needs none. It ends with its Store.
type Revoker struct{ st *Store }

var _ session.Revoker = (*Revoker)(nil)

// Revoker returns a Revoker that uses the Store's client and Options.
func (st *Store) Revoker() *Revoker { return &Revoker{st} }

// revokeScript keeps the later of two marks, for the longer of two times. ARGV:
// mark, lifetime. Milliseconds have few enough digits for Lua's numbers.
const revokeScript = `local mark,life=ARGV[1],tonumber(ARGV[2])
local old=redis.call('GET',KEYS[1])
if old and tonumber(old)>tonumber(mark) then mark=old end
redis.call('SET',KEYS[1],mark,'PX',string.format('%.0f',math.max(life,redis.call('PTTL',KEYS[1]))))
return 1`

// Revoke implements [session.Revoker].
func (r *Revoker) Revoke(ctx context.Context, key string, before, until time.Time) error {
	err := r.st.note(ctx, r.key(key), revokeScript, milliseconds(before.UnixMilli()), lifetime(until))
	if err != nil {
		return fmt.Errorf("rueidis: revoke: %w", err)
	}
	return nil
}

// RevokedBefore implements [session.Revoker].
func (r *Revoker) RevokedBefore(ctx context.Context, keys ...string) ([]time.Time, error) {
	marks, err := ask(ctx, r.st, func(op context.Context) ([]time.Time, error) {
		var commands client.Commands
		for _, key := range keys {
			// An arbitrary command, so that it is not sent to a replica: see get.
			commands = append(commands, r.st.client.B().Arbitrary("GET").Keys(r.key(key)).Build())
		}
		marks := make([]time.Time, len(keys))
		for i, result := range r.st.client.DoMulti(op, commands...) {
			mark, err := result.AsInt64()
			switch {
			case client.IsRedisNil(err):
			case err != nil:
				return nil, err
			default:
				marks[i] = time.UnixMilli(mark)
			}
		}
		return marks, nil
	})
	if err != nil {
		return nil, fmt.Errorf("rueidis: revoked before: %w", err)
	}
	return marks, nil
}

func (r *Revoker) key(key string) string { return r.st.opts.Prefix + "revoked:" + key }
