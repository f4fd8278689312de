package frameworks_test

import (
	"crypto/tls"
	"net/http"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/gofiber/fiber/v3/middleware/compress"
	recoverfiber "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/fiber/v3/middleware/static"
)

const (
	noHTTP2  = "fasthttp, which Fiber is made of, speaks HTTP/1.1 only"
	outlives = "its goroutines outlive the request, and fasthttp gives their context to the next one: a data race"
)

var (
	// fiberHost has the session as a middleware of Fiber's own.
	fiberHost = host{
		name: "fiber",
		serve: func(s *site, a *app) {
			server := fiber.New()
			server.Use(fiberLayer(a.outside))
			server.Use(fiberSession(a.m.Wrap))
			server.Use(fiberLayer(a.inside))
			fiberRoutes(server, a)
			s.serveFiber(server)
		},
		holes: map[string]string{
			"HTTP/2":         noHTTP2,
			"stream":         "Fiber streams when its handlers have returned: see TestFiberStream",
			"events":         "as with streams",
			"WebSocket":      "both libraries need a connection of net/http's",
			"ReverseProxy":   "it is net/http's: see TestFiberProxy for Fiber's own",
			"TimeoutHandler": "it is net/http's, and so are its handlers",
		},
		flaws: map[string]string{
			"refuse a compressed file": "fasthttp closes a file that it still compresses: a data race",
		},
	}

	// fiberAdaptorHost has handlers of net/http's, and the session around them,
	// inside of Fiber.
	fiberAdaptorHost = host{
		name: "fiber, net/http inside",
		serve: func(s *site, a *app) {
			server := fiber.New()
			server.Use(fiberLayer(a.outside))
			mux := http.NewServeMux()
			for path, handler := range a.handlers() {
				mux.Handle(path, handler)
			}
			server.Use(adaptor.HTTPHandler(a.front(a.m.Wrap(a.inside.wrap(visits(mux))))))
			s.serveFiber(server)
		},
		holes: map[string]string{
			"HTTP/2":         noHTTP2,
			"ReverseProxy":   outlives,
			"TimeoutHandler": outlives,
		},
		flaws: map[string]string{
			"/coder": "the 101 is not sent: see TestFiberSendsNo101",
		},
	}
)

// fiberLayer returns Fiber's own middleware.
func fiberLayer(l layer) fiber.Handler {
	switch l {
	case recovery:
		return recoverfiber.New()
	case compression:
		return compress.New()
	}
	return fiber.Ctx.Next
}

// serveFiber starts Fiber's server, with the certificate of one of httptest's,
// whose client trusts it.
func (s *site) serveFiber(server *fiber.App) {
	s.t.Helper()
	s.Server = s.serveHTTP(http.NotFoundHandler())
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: s.TLS.Certificates})
	if err != nil {
		s.t.Fatal(err)
	}
	s.URL = "https://" + listener.Addr().String()
	done := make(chan error)
	go func() { done <- server.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	s.t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			s.t.Error(err)
		}
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
}

func fiberRoutes(server *fiber.App, a *app) {
	server.Use(func(c fiber.Ctx) error {
		if visited(c.Path()) {
			increment(c.Context())
		}
		return c.Next()
	})
	server.Get("/json", func(c fiber.Ctx) error {
		return c.JSON(fiber.Map{"count": increment(c.Context())})
	})
	server.Get("/count", func(c fiber.Ctx) error {
		return c.JSON(fiber.Map{"count": from(c.Context()).State().Count})
	})
	server.Get("/redirect", func(c fiber.Ctx) error {
		increment(c.Context())
		return c.Redirect().Status(fiber.StatusSeeOther).To("/count")
	})
	server.Get("/error", func(c fiber.Ctx) error {
		increment(c.Context())
		return fiber.NewError(fiber.StatusConflict, errTaken.Error())
	})
	server.Get("/panic", func(c fiber.Ctx) error {
		increment(c.Context())
		panic("told to")
	})
	server.Get("/files/*", static.New(a.files, static.Config{ByteRange: true}))
	server.Get("/meet", func(c fiber.Ctx) error {
		from(c.Context())
		a.meet(c.Context())
		return c.JSON(fiber.Map{"count": increment(c.Context())})
	})
}
