package frameworks_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
)

var (
	// echoHost has the session among echo's middleware. The error handler then
	// runs when it has returned, and writes through its writer.
	echoHost = host{name: "echo", build: func(a *app) http.Handler {
		e := newEcho(a)
		e.Use(echoLayer(a.outside)...)
		e.Use(echo.WrapMiddleware(a.m.Wrap))
		e.Use(echoLayer(a.inside)...)
		echoRoutes(e, a)
		return e
	}}

	// echoOuterHost has it around echo.
	echoOuterHost = host{name: "echo, session around it", build: func(a *app) http.Handler {
		e := newEcho(a)
		e.Use(echoLayer(a.inside)...)
		echoRoutes(e, a)
		return a.outside.wrap(a.m.Wrap(e))
	}}
)

func newEcho(a *app) *echo.Echo {
	return echo.NewWithConfig(echo.Config{
		Router: echo.NewRouter(echo.RouterConfig{AutoHandleHEAD: true}),
		Logger: slog.New(slog.NewTextHandler(echoLog{a}, nil)),
	})
}

// echoLog passes on what echo logs, a response that was written already for
// instance. It says so, too, when a handler insists on answering although its
// session was refused, and the session has kept that answer back.
type echoLog struct{ *app }

func (l echoLog) Write(line []byte) (int, error) {
	if l.down.Load() {
		return len(line), nil
	}
	return l.log.Write(line)
}

// echoLayer returns echo's own middleware.
func echoLayer(l layer) []echo.MiddlewareFunc {
	switch l {
	case recovery:
		return []echo.MiddlewareFunc{middleware.Recover()}
	case compression:
		return []echo.MiddlewareFunc{middleware.Gzip()}
	}
	return nil
}

func echoRoutes(e *echo.Echo, a *app) {
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if visited(c.Request().URL.Path) {
				increment(c.Request().Context())
			}
			return next(c)
		}
	})
	e.GET("/json", func(c *echo.Context) error {
		return c.JSON(http.StatusOK, map[string]int{"count": increment(c.Request().Context())})
	})
	e.GET("/count", func(c *echo.Context) error {
		return c.JSON(http.StatusOK, map[string]int{"count": from(c.Request().Context()).State().Count})
	})
	e.GET("/redirect", func(c *echo.Context) error {
		increment(c.Request().Context())
		return c.Redirect(http.StatusSeeOther, "/count")
	})
	e.GET("/stream", func(c *echo.Context) error {
		ctx, w := c.Request().Context(), c.Response()
		w.Header().Set(echo.HeaderContentType, echo.MIMETextPlain)
		fmt.Fprintln(w, increment(ctx))
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
		a.await(ctx)
		_, err := fmt.Fprintln(w, increment(ctx))
		return err
	})
	e.GET("/events", func(c *echo.Context) error {
		ctx, w := c.Request().Context(), c.Response()
		n := increment(ctx)
		w.Header().Set(echo.HeaderContentType, "text/event-stream")
		w.WriteHeader(http.StatusOK) // of a Flush alone echo takes no notice
		for {
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "data: %d\n\n", n); err != nil || n == 2 {
				return err
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
			a.await(ctx)
			n = increment(ctx)
			if err := from(ctx).Save(ctx); err != nil {
				return err
			}
		}
	})
	e.GET("/error", func(c *echo.Context) error {
		increment(c.Request().Context())
		return echo.NewHTTPError(http.StatusConflict, errTaken.Error())
	})
	e.GET("/panic", func(c *echo.Context) error {
		increment(c.Request().Context())
		panic("told to")
	})
	e.StaticFS("/files/", os.DirFS(a.files))
	e.GET("/coder", func(c *echo.Context) error {
		a.coder(c.Response(), c.Request())
		return nil
	})
	e.GET("/gorilla", func(c *echo.Context) error {
		a.gorilla(c.Response(), c.Request())
		return nil
	})
	if a.target != nil {
		e.Group("/proxy", func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c *echo.Context) error {
				increment(c.Request().Context())
				return next(c)
			}
		}, middleware.Proxy(middleware.NewRoundRobinBalancer([]*middleware.ProxyTarget{{URL: a.target}})))
	}
	e.GET("/slow", func(c *echo.Context) error {
		increment(c.Request().Context())
		<-c.Request().Context().Done()
		return c.String(http.StatusOK, "at last")
	})
	// TimeoutHandler lets its handler go on, and echo uses its Context for the
	// next request by then: so what it is around must not be echo's.
	e.GET("/limited", echo.WrapHandler(http.HandlerFunc(a.limited)))
	e.GET("/meet", func(c *echo.Context) error {
		ctx := c.Request().Context()
		from(ctx)
		a.meet(ctx)
		return c.JSON(http.StatusOK, map[string]int{"count": increment(ctx)})
	})
}
