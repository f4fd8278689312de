package frameworks_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
)

func init() { gin.SetMode(gin.ReleaseMode) }

var (
	// ginHost has the session around gin.
	ginHost = host{name: "gin", build: func(a *app) http.Handler {
		engine := gin.New()
		engine.Use(ginErrors)
		engine.Use(ginLayer(a.inside)...)
		ginRoutes(engine, a)
		return a.outside.wrap(a.m.Wrap(engine))
	}}

	// ginMiddlewareHost has it among gin's middleware.
	ginMiddlewareHost = host{name: "gin, session as middleware", build: func(a *app) http.Handler {
		engine := gin.New()
		engine.Use(ginErrors)
		engine.Use(ginLayer(a.outside)...)
		engine.Use(ginSession(a.m.Wrap))
		engine.Use(ginLayer(a.inside)...)
		ginRoutes(engine, a)
		return engine
	}}
)

// ginErrors answers for handlers that end with an error, as gin's documentation
// has it.
func ginErrors(c *gin.Context) {
	c.Next()
	if len(c.Errors) > 0 {
		c.JSON(http.StatusConflict, gin.H{"error": c.Errors.Last().Error()})
	}
}

// ginLayer returns gin's middleware.
func ginLayer(l layer) []gin.HandlerFunc {
	switch l {
	case recovery:
		return []gin.HandlerFunc{gin.RecoveryWithWriter(io.Discard)}
	case compression:
		return []gin.HandlerFunc{ginCompress}
	}
	return nil
}

// ginCompress puts a writer of its own into the context, as gin's middleware for
// that does.
func ginCompress(c *gin.Context) {
	c.Header("Content-Encoding", "gzip")
	c.Writer.Header().Add("Vary", "Accept-Encoding")
	w := &ginZipper{c.Writer, gzip.NewWriter(c.Writer)}
	c.Writer = w
	c.Next()
	_ = w.zip.Close()
}

type ginZipper struct {
	gin.ResponseWriter
	zip *gzip.Writer
}

func (w *ginZipper) Write(b []byte) (int, error)       { return w.zip.Write(b) }
func (w *ginZipper) WriteString(s string) (int, error) { return io.WriteString(w.zip, s) }

func (w *ginZipper) Flush() {
	_ = w.zip.Flush()
	w.ResponseWriter.Flush()
}

func ginRoutes(engine *gin.Engine, a *app) {
	engine.Use(func(c *gin.Context) {
		if visited(c.Request.URL.Path) {
			increment(c.Request.Context())
		}
	})
	toJSON := func(c *gin.Context) {
		c.JSON(http.StatusOK, gin.H{"count": increment(c.Request.Context())})
	}
	engine.GET("/json", toJSON)
	engine.HEAD("/json", toJSON)
	engine.GET("/count", func(c *gin.Context) {
		c.JSON(http.StatusOK, gin.H{"count": from(c.Request.Context()).State().Count})
	})
	engine.GET("/redirect", func(c *gin.Context) {
		increment(c.Request.Context())
		c.Redirect(http.StatusSeeOther, "/count")
	})
	engine.GET("/stream", func(c *gin.Context) {
		ctx, first := c.Request.Context(), true
		c.Header("Content-Type", "text/plain")
		c.Stream(func(io.Writer) bool {
			if !first {
				a.await(ctx)
			}
			c.String(http.StatusOK, "%d\n", increment(ctx))
			first = !first
			return !first && !c.IsAborted()
		})
	})
	engine.GET("/events", func(c *gin.Context) {
		ctx := c.Request.Context()
		n := increment(ctx)
		c.Header("Content-Type", "text/event-stream")
		c.Writer.Flush() // before there is an event
		c.Stream(func(io.Writer) bool {
			if n == 0 {
				a.await(ctx)
				n = increment(ctx)
				if err := from(ctx).Save(ctx); err != nil {
					return false
				}
			}
			c.SSEvent("count", n)
			more := n == 1 && !c.IsAborted()
			n = 0
			return more
		})
	})
	engine.GET("/error", func(c *gin.Context) {
		increment(c.Request.Context())
		_ = c.Error(errTaken)
	})
	engine.GET("/panic", func(c *gin.Context) {
		increment(c.Request.Context())
		panic("told to")
	})
	engine.Static("/files", a.files)
	engine.GET("/coder", func(c *gin.Context) { a.coder(c.Writer, c.Request) })
	engine.GET("/gorilla", func(c *gin.Context) { a.gorilla(c.Writer, c.Request) })
	engine.GET("/proxy/*path", gin.WrapF(a.proxied))
	engine.GET("/slow", func(c *gin.Context) {
		increment(c.Request.Context())
		<-c.Request.Context().Done()
		c.String(http.StatusOK, "at last")
	})
	// Its handler goes on, and gin uses its Context for the next request by
	// then: so what it is around must not be gin's.
	engine.GET("/limited", gin.WrapF(a.limited))
	engine.GET("/meet", func(c *gin.Context) {
		from(c.Request.Context())
		a.meet(c.Request.Context())
		toJSON(c)
	})
}

// With ContextWithFallback, gin's Context stands for the request's.
func TestGinContextWithFallback(t *testing.T) {
	s := place{host{build: func(a *app) http.Handler {
		engine := gin.New()
		engine.ContextWithFallback = true
		engine.GET("/json", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"count": increment(c)}) })
		engine.GET("/count", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"count": from(c).State().Count}) })
		return a.m.Wrap(engine)
	}}, 1}.start(t)
	s.begins(s.get("/json"), http.StatusOK)
	s.counts(1)
}

// The adapter that is found most often leaves gin its own writer: what handlers
// write passes the session by, which is saved too late for its cookie.
func TestGinNaiveAdapter(t *testing.T) {
	s := place{host{build: func(a *app) http.Handler {
		engine := gin.New()
		engine.Use(func(c *gin.Context) {
			a.m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				c.Request = r
				c.Next()
			})).ServeHTTP(c.Writer, c.Request)
		})
		engine.GET("/json", func(c *gin.Context) {
			c.JSON(http.StatusOK, gin.H{"count": increment(c.Request.Context())})
		})
		return engine
	}}, 1}.start(t)
	a := s.get("/json")
	if ops := s.store.asked(); ops != "create" || len(a.Cookies()) > 0 || a.StatusCode != http.StatusOK {
		t.Errorf("stored: %q; answered: %s %v", ops, a.Status, a.Header)
	}
}
