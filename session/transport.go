package session

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// Transport says what carries the token between client and server. The zero
// Transport is the cookie that [Config] describes. A client uses one transport
// only: a Manager never looks for the token in a second place.
type Transport struct {
	isHeader bool
	header   string // canonical
	scheme   string // with the space that follows it
}

// Header carries the token in a header of that name, for API clients: a
// response that starts a session or renews its secret has it in the header, and
// the client sends it back in the same one. An empty header in a response means
// that the session has ended. There is no protection against cross-site
// requests to care for, since browsers do not send such a header by themselves.
func Header(name string) Transport {
	return Transport{isHeader: true, header: textproto.CanonicalMIMEHeaderKey(name)}
}

// Bearer carries the token as "Bearer" credentials in the Authorization header,
// in requests as RFC 6750 section 2.1 has it, and in responses likewise.
func Bearer() Transport {
	return Transport{isHeader: true, header: "Authorization", scheme: "Bearer "}
}

// reserved are headers that have a meaning of their own in a request or in a
// response, so that they cannot carry a token.
var reserved = []string{
	"Authorization", "Cache-Control", "Connection", "Content-Length", "Content-Type",
	"Cookie", "Host", "Set-Cookie", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Vary",
}

// maxName bounds the name of a cookie or a header, so that there is room beside
// it.
const maxName = 256

func (t Transport) validate() error {
	switch {
	case !t.isHeader, t == Bearer():
		return nil
	case t.header == "":
		return errors.New("the header has no name")
	case len(t.header) > maxName:
		return fmt.Errorf("a header name of %d bytes is longer than %d", len(t.header), maxName)
	case (&http.Cookie{Name: t.header}).Valid() != nil: // the same grammar: an RFC 9110 token
		return fmt.Errorf("not a header name: %q", t.header)
	case slices.Contains(reserved, t.header):
		return fmt.Errorf("header %s has a meaning of its own", t.header)
	}
	return nil
}

// carrier is a transport at work.
type carrier struct {
	Transport
	jar jar
}

// binding is what a token is bound to: a token of one name is worthless under
// another.
func (c *carrier) binding() []byte {
	if c.isHeader {
		return []byte("header " + c.header)
	}
	return []byte("cookie " + c.jar.names[0])
}

// capacity is the length of the longest token that can be carried.
func (c *carrier) capacity() int {
	if c.isHeader {
		return maxCookieSize - len(c.header) - len(c.scheme)
	}
	return c.jar.capacity()
}

// read appends the tokens that a request presents. pieces is for write.
func (c *carrier) read(dst []string, header http.Header) (tokens []string, pieces uint8) {
	if !c.isHeader {
		return c.jar.read(dst, header)
	}
	for _, value := range header[c.header] {
		n := len(c.scheme)
		if len(value) <= n || !strings.EqualFold(value[:n], c.scheme) {
			continue
		}
		if dst = append(dst, textproto.TrimString(value[n:])); len(dst) == maxCandidates {
			break
		}
	}
	if len(dst) > 0 {
		pieces = 1
	}
	return dst, pieces
}

// write tells the client its token, or that it has none any more.
func (c *carrier) write(header http.Header, token string, maxAge time.Duration, pieces uint8) {
	if !c.isHeader {
		c.jar.write(header, token, maxAge, pieces)
		return
	}
	if token != "" {
		token = c.scheme + token
	}
	header[c.header] = []string{token}
}

// vary adds the request header that the response depends on to Vary, in room
// where that is all there is.
func (c *carrier) vary(header http.Header, room *[1]string) {
	name := "Cookie"
	if c.isHeader {
		name = c.header
	}
	lines := header["Vary"]
	for _, line := range lines {
		for field := range strings.SplitSeq(line, ",") {
			if field = textproto.TrimString(field); field == "*" || strings.EqualFold(field, name) {
				return
			}
		}
	}
	if lines == nil {
		lines = room[:0]
	}
	header["Vary"] = append(lines, name)
}

// noStore keeps a response that carries a token out of every cache. RFC 9111
// section 5.2.2.5: no directive is stricter than no-store.
func noStore(header http.Header) {
	for _, line := range header["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(directive), "no-store") {
				return
			}
		}
	}
	header["Cache-Control"] = []string{"no-store"}
}
