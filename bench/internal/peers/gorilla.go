package peers

import (
	"context"
	"crypto/rand"
	"net/http"
	"runtime"
	"time"

	"github.com/gorilla/sessions"
	"github.com/rbcervilla/redisstore/v9"
	"github.com/redis/go-redis/v9"
)

func gorillaCookie() Contender {
	return Contender{
		Name: "gorilla", Store: Cookie, Role: Peer,
		Note: "CookieStore, encrypted and authenticated; it has no middleware, so that an untouched session costs nothing",
		Open: func(env Env) (*Site, error) {
			// As its documentation recommends: 64 bytes to authenticate, 32
			// to encrypt with AES-256.
			authenticate, encrypt := make([]byte, 64), make([]byte, 32)
			rand.Read(authenticate)
			rand.Read(encrypt)
			store := sessions.NewCookieStore(authenticate, encrypt)
			store.Options.Secure = true
			store.Options.HttpOnly = true
			store.Options.SameSite = http.SameSiteLaxMode
			return openGorilla(store, env), nil
		},
	}
}

func gorillaRedis() Contender {
	return Contender{
		Name: "gorilla", Store: Redis, Role: Peer,
		Note:  "rbcervilla/redisstore; it has no middleware, so that an untouched session costs nothing",
		Lacks: map[Action]string{Login: "it cannot renew the credential of a session"},
		Open: func(env Env) (*Site, error) {
			client := redis.NewClient(&redis.Options{Addr: env.RedisAddr})
			store, err := redisstore.NewRedisStore(context.Background(), client)
			if err != nil {
				return nil, err
			}
			store.KeyPrefix("gorilla:")
			store.Options(sessions.Options{
				Path: "/", MaxAge: 86400, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
			})
			site := openGorilla(store, env)
			site.closers = append(site.closers, func() { _ = client.Close() })
			return site, nil
		},
	}
}

const gorillaName = "session"

func openGorilla(store sessions.Store, env Env) *Site {
	sample := env.sample()
	// with gets the session, has it changed and saves it, as each handler of
	// a program with gorilla/sessions does.
	with := func(change func(values map[any]any)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			s, err := store.Get(r, gorillaName)
			if err == nil {
				change(s.Values)
				err = s.Save(r, w)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_, _ = w.Write(bodyOK)
		}
	}
	site := &Site{}
	for action, handler := range map[Action]http.HandlerFunc{
		Untouched: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bodyOK)
		},
		Read: func(w http.ResponseWriter, r *http.Request) {
			s, err := store.Get(r, gorillaName)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			name, _ := s.Values["name"].(string)
			_, _ = w.Write(verdict(name))
		},
		Write: with(count),
		Login: with(func(values map[any]any) {
			id, _ := values["userID"].(string)
			values["userID"] = otherUser(id)
		}),
		Create: with(func(values map[any]any) {
			values["userID"] = sample.UserID
			values["name"] = sample.Name
			values["roles"] = sample.Roles
			values["cart"] = sample.Cart
			values["theme"] = sample.Theme
			values["lastSeen"] = sample.LastSeen
			values["counter"] = sample.Counter
		}),
		Slow: with(func(values map[any]any) {
			count(values)
			runtime.Gosched()
		}),
		Dump: func(w http.ResponseWriter, r *http.Request) {
			s, err := store.Get(r, gorillaName)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			state := fromValues(func(key string) any { return s.Values[key] })
			_, _ = w.Write(dump(&state))
		},
	} {
		site.Handlers[action] = handler
	}
	return site
}

func count(values map[any]any) {
	n, _ := values["counter"].(int)
	values["counter"] = n + 1
}

// fromValues collects a State from values that have a key each.
func fromValues(get func(key string) any) State {
	var s State
	s.UserID, _ = get("userID").(string)
	s.Name, _ = get("name").(string)
	s.Roles, _ = get("roles").([]string)
	s.Cart, _ = get("cart").([]Item)
	s.Theme, _ = get("theme").(string)
	s.LastSeen, _ = get("lastSeen").(time.Time)
	s.Counter, _ = get("counter").(int)
	return s
}
