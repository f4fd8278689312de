package session

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"

	"github.com/typedsession/typedsession/internal/transport"
)

// Transport says what carries the token between client and server. The zero
// Transport is the cookie that [Config] describes. A client uses one transport
// only: a Manager never looks for the token in a second place.
type Transport struct {
	isHeader bool
	header   string // canonical
	scheme   string // with the space that follows it
	response string // canonical; "" means the same as header
}

// Header carries the token in a header of that name, for API clients. A response
// that starts a session or renews its secret has the token in the header, and
// the client sends it back in the same one. An empty header in a response means
// that the session has ended. Browsers do not send such a header by themselves,
// so no protection against cross-site requests is needed. Scripts of other
// origins can read it only if Access-Control-Expose-Headers names it.
//
// NewManager returns an error for a name with another meaning, such as Cookie or
// Authorization, and for one with an underscore or a dot, which proxies drop.
func Header(name string) Transport {
	return Transport{isHeader: true, header: textproto.CanonicalMIMEHeaderKey(name)}
}

// Bearer carries the token as "Bearer" credentials in the Authorization header
// of requests. RFC 6750 section 2.1. A response that starts a session or renews
// its secret has the token in the same form, in the same header unless
// [Transport.InResponse] chooses another one. Use [Session.Token] to return it in
// the body of a response as well.
func Bearer() Transport {
	return Transport{isHeader: true, header: "Authorization", scheme: "Bearer "}
}

// InResponse returns the transport with another header for responses. The name
// must be one that [Header] allows. It has no effect on the cookie.
func (t Transport) InResponse(name string) Transport {
	t.response = textproto.CanonicalMIMEHeaderKey(name)
	return t
}

// reserved are headers that have a meaning of their own in a request or in a
// response, or that proxies drop, so that they cannot carry a token.
var reserved = []string{
	"Authorization", "Cache-Control", "Connection", "Content-Length", "Content-Type",
	"Cookie", "Host", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Set-Cookie", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Vary",
}

func (t Transport) validate() error {
	if !t.isHeader {
		return nil
	}
	if t.response != "" {
		if err := validateHeader(t.response); err != nil {
			return fmt.Errorf("in responses: %w", err)
		}
	}
	if t.scheme != "" {
		return nil // Bearer
	}
	return validateHeader(t.header)
}

func validateHeader(name string) error {
	switch {
	case name == "":
		return errors.New("the header has no name")
	case len(name) > transport.MaxName:
		return fmt.Errorf("a header name of %d bytes is longer than %d", len(name), transport.MaxName)
	case (&http.Cookie{Name: name}).Valid() != nil: // the same grammar: an RFC 9110 token
		return fmt.Errorf("not a header name: %q", name)
	case slices.ContainsFunc([]byte(name), func(c byte) bool { return c == '_' || c == '.' }):
		// nginx and others drop them: CGI cannot tell them from hyphens.
		return fmt.Errorf("proxies drop a header whose name has underscores or dots: %q", name)
	case slices.Contains(reserved, name):
		return fmt.Errorf("header %s has a meaning of its own", name)
	}
	return nil
}

// transport returns what carries the token, for a manager with that cookie.
func (t Transport) transport(c Cookie) *transport.Transport {
	if !t.isHeader {
		return c.transport()
	}
	response := t.response
	if response == "" {
		response = t.header
	}
	return transport.NewHeader(t.header, t.scheme, response)
}
