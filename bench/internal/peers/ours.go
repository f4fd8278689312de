package peers

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
	"github.com/typedsession/typedsession/store/rueidis"
)

// cachedDelay is for how long the cached contender may, at worst, take a
// session for live that was ended elsewhere.
const cachedDelay = time.Second

// opener opens a site of typedsession, for one state type.
type opener func(store.Store, Env, subjects) (*Site, error)

// subjects says whether sessions belong to their users. Then a login renews the
// secret by itself, and a store keeps an index, by which a user's sessions can be
// listed and ended: work that no peer does. Otherwise a login calls Renew.
type subjects bool

const (
	noSubjects   subjects = false
	withSubjects subjects = true
)

func oursMemory(name string, open opener) Contender {
	return Contender{
		Name: name, Store: Memory, Role: Ours,
		Open: func(env Env) (*Site, error) { return open(memory.New(), env, noSubjects) },
	}
}

func oursCookie(name string, open opener) Contender {
	return Contender{
		Name: name, Store: Cookie, Role: Ours,
		Open: func(env Env) (*Site, error) { return open(cookie.New(), env, noSubjects) },
	}
}

func oursRedis(name string, delay time.Duration, subjects subjects) Contender {
	note := ""
	if subjects {
		note = "with an index of each user's sessions"
	}
	if delay > 0 {
		note = fmt.Sprintf("client-side caching, ClientCacheTTL %v, of sessions that were not written for as long", delay)
	}
	return Contender{
		Name: name, Store: Redis, Role: Ours, Note: note, Settle: delay + delay/10,
		Open: func(env Env) (*Site, error) {
			st, err := rueidis.Open(context.Background(), "redis://"+env.RedisAddr,
				rueidis.Options{ClientCacheTTL: delay})
			if err != nil {
				return nil, err
			}
			site, err := open[State](st, env, subjects)
			if err != nil {
				_ = st.Close()
				return nil, err
			}
			site.closers = append(site.closers, func() { _ = st.Close() })
			return site, nil
		},
	}
}

// open is the application with T as its state.
func open[T reader, P holder[T]](st store.Store, env Env, subjects subjects) (*Site, error) {
	var conflicts atomic.Int64
	cfg := session.Config[T]{
		Keys:    []session.Key{session.NewKey()},
		Subject: session.Anonymous[T],
	}
	if subjects {
		cfg.Subject = func(state *T) string { return P(state).state().UserID }
	}
	if env.CountConflicts {
		cfg.Observer = func(_ context.Context, e session.Event) {
			if e.Kind == session.EventConflict {
				conflicts.Add(1)
			}
		}
	}
	if env.Size > 2500 {
		cfg.Cookie.MaxChunks = 8
	}
	m, err := session.NewManager(st, cfg)
	if err != nil {
		return nil, err
	}
	sample := env.sample()
	site := &Site{}
	if env.CountConflicts {
		site.Conflicts = conflicts.Load
	}
	for action, handler := range map[Action]http.HandlerFunc{
		Untouched: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bodyOK)
		},
		Read: func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(verdict(session.From[T](r.Context()).State().read().Name))
		},
		Write: func(w http.ResponseWriter, r *http.Request) {
			session.From[T](r.Context()).Update(func(state *T) { P(state).state().Counter++ })
			_, _ = w.Write(bodyOK)
		},
		Login: func(w http.ResponseWriter, r *http.Request) {
			s := session.From[T](r.Context())
			s.Update(func(state *T) {
				s := P(state).state()
				s.UserID = otherUser(s.UserID)
			})
			if !subjects {
				s.Renew()
			}
			_, _ = w.Write(bodyOK)
		},
		Create: func(w http.ResponseWriter, r *http.Request) {
			session.From[T](r.Context()).Update(func(state *T) { *P(state).state() = sample })
			_, _ = w.Write(bodyOK)
		},
		Slow: func(w http.ResponseWriter, r *http.Request) {
			session.From[T](r.Context()).Update(func(state *T) { P(state).state().Counter++ })
			runtime.Gosched()
			_, _ = w.Write(bodyOK)
		},
		Dump: func(w http.ResponseWriter, r *http.Request) {
			state := session.From[T](r.Context()).State().read()
			_, _ = w.Write(dump(&state))
		},
	} {
		site.Handlers[action] = m.Wrap(handler)
	}
	return site, nil
}
