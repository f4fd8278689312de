package frameworks_test

import (
	"net/http"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
)

// fiberSession makes a Fiber middleware of Manager.Wrap: handlers find their
// session in Ctx.Context. Fiber sends nothing before its handlers have returned,
// so it is in time to save the session then, and to put its header fields among
// Fiber's.
func fiberSession(wrap func(http.Handler) http.Handler) fiber.Handler {
	return func(c fiber.Ctx) error {
		r, err := adaptor.ConvertRequest(c, true)
		if err != nil {
			return err
		}
		w := &fiberWriter{header: http.Header{}}
		outer := c.Context()
		wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.SetContext(r.Context())
			err = c.Next()
			for key, value := range c.Response().Header.All() {
				if !ownField[string(key)] {
					w.header.Add(string(key), string(value))
				}
			}
		})).ServeHTTP(w, r.WithContext(outer))
		if w.code != 0 { // the session was refused, and this is why
			err = nil
			c.Response().Reset()
			c.Status(w.code)
			c.Response().SetBody(w.body)
		}
		for key, values := range w.header {
			c.Response().Header.Del(key)
			for _, value := range values {
				c.Response().Header.Add(key, value)
			}
		}
		return err
	}
}

// ownField names the fields that are fasthttp's to set.
var ownField = map[string]bool{"Connection": true, "Content-Length": true, "Content-Type": true, "Date": true, "Server": true, "Transfer-Encoding": true, "Trailer": true}

// fiberWriter takes what the session puts into the header, and what it answers
// with when it cannot be saved.
type fiberWriter struct {
	header http.Header
	code   int
	body   []byte
}

func (w *fiberWriter) Header() http.Header { return w.header }

func (w *fiberWriter) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
}

func (w *fiberWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, b...)
	return len(b), nil
}
