package peers

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// httpClient calls handlers of net/http. It allocates nothing of its own, so
// that what is counted is the library's: header, writer and request are used
// again, and the request is restored from a copy, since some libraries change
// it.
type httpClient struct {
	handlers *[numActions]http.Handler
	template http.Request
	request  http.Request
	with     http.Header // the request's header, with a cookie
	without  http.Header
	cookie   string // the one in with
	writer   writer
}

func newHTTPClient(handlers *[numActions]http.Handler) *httpClient {
	c := &httpClient{handlers: handlers}
	c.without = http.Header{"Accept": {"text/html"}, "Cookie": {"lang=en"}}
	c.with = http.Header{"Accept": {"text/html"}}
	c.template = http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: "/"}, Host: "localhost",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
	}
	c.writer.header = make(http.Header)
	return c
}

// Do implements [Client].
func (c *httpClient) Do(a Action, cookie string) Reply {
	c.request = c.template
	switch {
	case cookie == "":
		c.request.Header = c.without
	case cookie != c.cookie:
		c.with["Cookie"] = []string{"lang=en; " + cookie}
		c.cookie = cookie
		fallthrough
	default:
		c.request.Header = c.with
	}
	w := &c.writer
	clear(w.header)
	w.status, w.body = http.StatusOK, w.body[:0]
	c.handlers[a].ServeHTTP(w, &c.request)
	return Reply{Status: w.status, Body: w.body, Cookie: SetCookies(w.header["Set-Cookie"])}
}

// SetCookies returns what a browser would send back: the pieces of a cookie
// that is spread over several are joined, those that expire are left out.
func SetCookies(lines []string) string {
	joined := ""
	for _, line := range lines {
		pair, _, _ := strings.Cut(line, ";")
		if _, value, _ := strings.Cut(pair, "="); value == "" {
			continue
		}
		if joined != "" {
			joined += "; "
		}
		joined += pair
	}
	return joined
}

// writer is a ResponseWriter that can do what net/http's own can.
type writer struct {
	header http.Header
	status int
	body   []byte
}

func (w *writer) Header() http.Header    { return w.header }
func (w *writer) WriteHeader(status int) { w.status = status }

func (w *writer) Write(b []byte) (int, error) {
	w.body = append(w.body, b...)
	return len(b), nil
}

func (w *writer) WriteString(s string) (int, error) {
	w.body = append(w.body, s...)
	return len(s), nil
}

func (w *writer) ReadFrom(src io.Reader) (int64, error) {
	b, err := io.ReadAll(src)
	w.body = append(w.body, b...)
	return int64(len(b)), err
}

func (w *writer) Flush() {}

func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, errors.ErrUnsupported
}

var actionPaths = func() (paths [numActions]string) {
	for a, name := range actionNames {
		paths[a] = "/" + name
	}
	return paths
}()

// fastClient calls handlers of fasthttp, the host of Fiber.
type fastClient struct {
	handler fasthttp.RequestHandler
	ctx     fasthttp.RequestCtx
	cookie  string
	header  string // with it
}

// Do implements [Client].
func (c *fastClient) Do(a Action, cookie string) Reply {
	req := &c.ctx.Request
	req.Reset()
	c.ctx.Response.Reset()
	c.ctx.ResetUserValues()
	req.Header.SetMethod(fasthttp.MethodGet)
	req.SetRequestURI(actionPaths[a])
	req.Header.SetHost("localhost")
	switch {
	case cookie == "":
		req.Header.Set("Cookie", "lang=en")
	case cookie != c.cookie:
		c.cookie, c.header = cookie, "lang=en; "+cookie
		fallthrough
	default:
		req.Header.Set("Cookie", c.header)
	}
	c.handler(&c.ctx)
	reply := Reply{Status: c.ctx.Response.StatusCode(), Body: c.ctx.Response.Body()}
	for _, value := range c.ctx.Response.Header.Cookies() {
		reply.Cookie, _, _ = strings.Cut(string(value), ";")
	}
	return reply
}
