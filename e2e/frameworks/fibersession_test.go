package frameworks_test

import (
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v3"
)

// fiberSession makes a Fiber middleware of Manager.Wrap: handlers find their
// session in Ctx.Context. Fiber sends nothing before its handlers have returned,
// so that it is in time to save the session then, and to put its header fields
// among Fiber's.
func fiberSession(wrap func(http.Handler) http.Handler) fiber.Handler {
	return func(c fiber.Ctx) error {
		r, err := fiberRequest(c)
		if err != nil {
			return fiber.ErrBadRequest
		}
		w := &fiberWriter{header: http.Header{}}
		wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.SetContext(r.Context())
			err = c.Next()
			for key, value := range c.Response().Header.All() {
				if !ownFields[string(key)] {
					w.header.Add(string(key), string(value))
				}
			}
		})).ServeHTTP(w, r)
		if w.code != 0 { // the session was refused, and this is the answer
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

// fiberRequest returns what a session needs of a request. Fiber's strings are
// copied, because it uses their memory again; the body stays with Fiber, which
// may be streaming it.
func fiberRequest(c fiber.Ctx) (*http.Request, error) {
	r, err := http.NewRequestWithContext(c.Context(), strings.Clone(c.Method()), strings.Clone(c.OriginalURL()), http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Host = strings.Clone(c.Host())
	r.RemoteAddr = c.RequestCtx().RemoteAddr().String()
	for key, value := range c.Request().Header.All() {
		r.Header.Add(string(key), string(value))
	}
	return r, nil
}

// ownFields are those that fasthttp sets by itself.
var ownFields = map[string]bool{
	"Connection": true, "Content-Length": true, "Content-Type": true, "Date": true,
	"Server": true, "Trailer": true, "Transfer-Encoding": true,
}

// fiberWriter takes what the session puts into the header, and its answer when
// it cannot be saved.
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
