package frameworks_test

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
)

// ginSession makes a gin middleware of Manager.Wrap. The context keeps the
// session's writer when it returns, so that what is written after that, a page
// that says 404 for instance, cannot follow a response that was refused.
func ginSession(wrap func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		outer := c.Writer
		wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.Writer, c.Request = &ginWriter{outer, w}, r
			c.Next()
		})).ServeHTTP(outer, c.Request)
	}
}

// ginWriter sends through the session what makes the header leave. WriteHeader
// is not among it: gin only notes the status, and the handler may still change
// its mind.
type ginWriter struct {
	gin.ResponseWriter
	session http.ResponseWriter
}

func (w *ginWriter) Unwrap() http.ResponseWriter { return w.session }

func (w *ginWriter) WriteHeaderNow() {
	if !w.Written() {
		w.session.WriteHeader(w.Status())
		w.ResponseWriter.WriteHeaderNow()
	}
}

func (w *ginWriter) Write(b []byte) (int, error) { return w.session.Write(b) }

func (w *ginWriter) WriteString(s string) (int, error) { return io.WriteString(w.session, s) }

func (w *ginWriter) Flush() { _ = http.NewResponseController(w.session).Flush() }

func (w *ginWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.session).Hijack()
}
