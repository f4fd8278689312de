package peers

import (
	"net/http"
	"runtime"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/session"
	"github.com/gofiber/storage/redis/v3"
)

const fiberNote = "in its own host, fasthttp, on a request that is parsed already; " +
	"it stores a session for every visitor, and stores it again in every request"

func fiberMemory() Contender {
	return Contender{
		Name: "fiber", Store: Memory, Role: Peer, Note: fiberNote,
		Open: func(env Env) (*Site, error) { return openFiber(nil, env), nil },
	}
}

func fiberRedis() Contender {
	return Contender{
		Name: "fiber", Store: Redis, Role: Peer, Note: "gofiber/storage/redis; " + fiberNote,
		Open: func(env Env) (*Site, error) {
			return openFiber(redis.New(redis.Config{Addrs: []string{env.RedisAddr}}), env), nil
		},
	}
}

// openFiber is the application with Fiber's session middleware. A nil storage
// is Fiber's own, in memory.
func openFiber(storage fiber.Storage, env Env) *Site {
	app := fiber.New()
	handler, store := session.NewWithStore(session.Config{
		Storage:         storage,
		IdleTimeout:     time.Hour,
		AbsoluteTimeout: 24 * time.Hour,
		CookieSecure:    true,
		CookieHTTPOnly:  true,
		CookieSameSite:  "Lax",
	})
	store.RegisterType([]string(nil))
	store.RegisterType([]Item(nil))
	app.Use(handler)

	sample := env.sample()
	count := func(s *session.Middleware) {
		n, _ := s.Get("counter").(int)
		s.Set("counter", n+1)
	}
	for action, h := range map[Action]func(fiber.Ctx, *session.Middleware) error{
		Untouched: func(c fiber.Ctx, _ *session.Middleware) error {
			return c.Send(bodyOK)
		},
		Read: func(c fiber.Ctx, s *session.Middleware) error {
			name, _ := s.Get("name").(string)
			return c.Send(verdict(name))
		},
		Write: func(c fiber.Ctx, s *session.Middleware) error {
			count(s)
			return c.Send(bodyOK)
		},
		Login: func(c fiber.Ctx, s *session.Middleware) error {
			if err := s.Regenerate(); err != nil {
				return err
			}
			id, _ := s.Get("userID").(string)
			s.Set("userID", otherUser(id))
			return c.Send(bodyOK)
		},
		Create: func(c fiber.Ctx, s *session.Middleware) error {
			s.Set("userID", sample.UserID)
			s.Set("name", sample.Name)
			s.Set("roles", sample.Roles)
			s.Set("cart", sample.Cart)
			s.Set("theme", sample.Theme)
			s.Set("lastSeen", sample.LastSeen)
			s.Set("counter", sample.Counter)
			return c.Send(bodyOK)
		},
		Slow: func(c fiber.Ctx, s *session.Middleware) error {
			count(s)
			runtime.Gosched()
			return c.Send(bodyOK)
		},
		Dump: func(c fiber.Ctx, s *session.Middleware) error {
			state := fromValues(func(key string) any { return s.Get(key) })
			return c.Status(http.StatusOK).Send(dump(&state))
		},
	} {
		app.Get(actionPaths[action], func(c fiber.Ctx) error { return h(c, session.FromContext(c)) })
	}
	return &Site{fast: app.Handler(), closers: []func(){func() { _ = store.Storage.Close() }}}
}
