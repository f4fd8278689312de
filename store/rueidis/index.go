package rueidis

import (
	"context"
	"fmt"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/session"
)

// The sessions of a subject are one sorted set, whose members are IDs and whose
// scores are when each is forgotten. It is asked at logins and by account pages
// only; reading and saving a session leave it alone.

var _ session.SubjectIndex = (*Store)(nil)

// indexScript adds a member, drops those whose time has passed, and keeps the set
// for as long as the one that stays longest. ARGV: ID, until, the present time,
// time until then.
const indexScript = `redis.call('ZREMRANGEBYSCORE',KEYS[1],'-inf',ARGV[3])
redis.call('ZADD',KEYS[1],ARGV[2],ARGV[1])
redis.call('PEXPIRE',KEYS[1],string.format('%.0f',math.max(tonumber(ARGV[4]),redis.call('PTTL',KEYS[1]))))
return 1`

// Index implements [session.SubjectIndex].
func (st *Store) Index(ctx context.Context, subject string, id session.ID, until time.Time) error {
	err := st.note(ctx, st.subjectKey(subject), indexScript,
		string(id[:]), milliseconds(until.UnixMilli()), milliseconds(time.Now().UnixMilli()), lifetime(until))
	if err != nil {
		return fmt.Errorf("rueidis: index: %w", err)
	}
	return nil
}

// Unindex implements [session.SubjectIndex]. It does not wait for replicas: an
// entry that comes back leads to a session that has ended, and so to nothing.
func (st *Store) Unindex(ctx context.Context, subject string, id session.ID) error {
	_, err := ask(ctx, st, func(op context.Context) (int64, error) {
		return st.client.Do(op, st.client.B().Zrem().Key(st.subjectKey(subject)).Member(string(id[:])).Build()).AsInt64()
	})
	if err != nil {
		return fmt.Errorf("rueidis: unindex: %w", err)
	}
	return nil
}

// Indexed implements [session.SubjectIndex].
func (st *Store) Indexed(ctx context.Context, subject string) ([]session.Indexed, error) {
	scores, err := ask(ctx, st, func(op context.Context) ([]client.ZScore, error) {
		// An arbitrary command, so that it is not sent to a replica: see get.
		return st.client.Do(op, st.client.B().Arbitrary("ZRANGEBYSCORE").Keys(st.subjectKey(subject)).
			Args("("+milliseconds(time.Now().UnixMilli()), "+inf", "WITHSCORES").Build()).AsZScores()
	})
	if err != nil {
		return nil, fmt.Errorf("rueidis: indexed: %w", err)
	}
	indexed := make([]session.Indexed, 0, len(scores))
	for _, score := range scores {
		var id session.ID
		if copy(id[:], score.Member) == len(id) && len(score.Member) == len(id) {
			indexed = append(indexed, session.Indexed{ID: id, Until: time.UnixMilli(int64(score.Score))})
		}
	}
	return indexed, nil
}

func (st *Store) subjectKey(subject string) string { return st.opts.Prefix + "subject:" + subject }

// note runs a script that writes each time, and may as well run twice, until it
// is answered and acknowledged or the time is up.
func (st *Store) note(ctx context.Context, key, script string, args ...string) error {
	op := st.timeout.Within(ctx)
	_, err := call(st, op, st.opts.Replicas > 0, func() (reply, error) {
		return reply{}, persist(op, func() error {
			_, err := st.run(op, key, script, args)
			return err
		})
	})
	return err
}

// ask makes a command that may as well be made twice, until it is answered or
// the time is up.
func ask[T any](ctx context.Context, st *Store, attempt func(context.Context) (T, error)) (T, error) {
	op := st.timeout.Within(ctx)
	return call(st, op, false, func() (value T, err error) {
		err = persist(op, func() error {
			value, err = attempt(op)
			return err
		})
		return value, err
	})
}
