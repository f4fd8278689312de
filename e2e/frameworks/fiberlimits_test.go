package frameworks_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/gofiber/fiber/v3/middleware/proxy"
)

// Neither way in which Fiber's adaptor puts net/http around Fiber hands on the
// request's context, in which the session is. From says so by its panic.
func TestFiberAdaptorsLoseTheSession(t *testing.T) {
	find := func(ctx context.Context) (text string) {
		defer func() {
			if value := recover(); value != nil {
				text = fmt.Sprint(value)
			}
		}()
		from(ctx)
		return "found"
	}
	inFiber := func(c fiber.Ctx) error {
		return c.SendString(find(c.Context()) + "\n" + find(c) + "\n" + find(c.RequestCtx()))
	}
	ways := map[string]host{
		"FiberApp in Wrap": {build: func(a *app) http.Handler {
			server := fiber.New()
			server.Get("/", inFiber)
			return a.m.Wrap(adaptor.FiberApp(server))
		}},
		"HTTPMiddleware of Wrap": {serve: func(s *site, a *app) {
			server := fiber.New()
			server.Use(adaptor.HTTPMiddleware(a.m.Wrap))
			server.Get("/", inFiber)
			s.serveFiber(server)
		}},
	}
	for name, h := range ways {
		t.Run(name, func(t *testing.T) {
			a := place{h, 1}.start(t).get("/")
			for text := range strings.SplitSeq(a.body, "\n") {
				if !strings.HasPrefix(text, "session: ") || !strings.Contains(text, "Wrap") {
					t.Errorf("%q", text)
				}
			}
		})
	}
}

// Fiber sends a stream when its handlers have returned. Then the session can
// still be read; what is to be changed has to be opened, by its token.
func TestFiberStream(t *testing.T) {
	s := place{host{serve: func(s *site, a *app) {
		server := fiber.New()
		server.Use(fiberSession(a.m.Wrap))
		fiberRoutes(server, a)
		server.Get("/stream", func(c fiber.Ctx) error {
			inRequest := from(c.Context())
			// Fiber uses its strings again when the handlers have returned.
			token := strings.Clone(c.Cookies("__Host-session"))
			return c.SendStreamWriter(func(w *bufio.Writer) {
				fmt.Fprintln(w, inRequest.State().Count)
				_ = w.Flush()
				<-a.proceed
				inRequest.Update(func(s *state) { s.Count += 100 })
				opened, err := a.m.LoadToken(context.Background(), token)
				if err != nil {
					fmt.Fprintln(w, err)
					return
				}
				opened.Update(func(s *state) { s.Count++ })
				fmt.Fprintln(w, opened.Save(context.Background()))
			})
		})
		s.serveFiber(server)
	}}, 1}.start(t)
	s.get("/json")
	flow := s.flow("/stream")
	defer flow.close()
	flow.expect(t, "1") // so the handlers have returned
	s.app.proceed <- struct{}{}
	flow.expect(t, "<nil>")
	flow.expect(t, "")
	s.counts(2)
}

// Fiber's own proxy, behind its session.
func TestFiberProxy(t *testing.T) {
	s := place{host{serve: func(s *site, a *app) {
		_, target := a.proxyTo(t, http.HandlerFunc(elsewhere))
		server := fiber.New()
		server.Use(fiberSession(a.m.Wrap))
		fiberRoutes(server, a)
		server.Get("/proxy/page", func(c fiber.Ctx) error {
			increment(c.Context())
			return proxy.Do(c, target.JoinPath(c.Path()).String())
		})
		s.serveFiber(server)
	}}, 1}.start(t)
	s.refuses(http.MethodGet, "/proxy/page")
	s.passes(s.get("/proxy/page"))
	s.counts(1)
}

// coder/websocket writes the 101 and then takes the connection, which is right,
// but what Fiber's adaptor has been given by then is lost. gorilla/websocket
// writes its 101 to the connection.
func TestFiberSendsNo101(t *testing.T) {
	accepted := make(chan error, 1)
	s := place{host{serve: func(s *site, _ *app) {
		server := fiber.New()
		server.Use(adaptor.HTTPHandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := coder.Accept(w, r, nil)
			accepted <- err
			if err == nil {
				_ = conn.CloseNow()
			}
		}))
		s.serveFiber(server)
	}}, 1}.start(t)
	if _, a, err := s.dial("/"); err == nil || a.Response != nil {
		t.Errorf("Fiber has mended it: %v", a.Response)
	}
	if err := <-accepted; err != nil {
		t.Errorf("Accept: %v", err)
	}
}
