// Package transport carries tokens between client and server: in a cookie, in
// several cookies, or in a header. It does not know what a token holds.
package transport

import (
	"net/http"
)

const (
	// MaxSize bounds a cookie's name and value together, and a header's.
	// Browsers silently drop larger cookies. RFC 6265bis section 5.6, step 5.
	MaxSize = 4096
	// MaxCandidates bounds how many tokens of one request are tried: a sibling
	// domain can plant cookies in front of ours, but it cannot cause unbounded
	// work.
	MaxCandidates = 8
	// MaxName bounds the name of a cookie or a header, so that there is room
	// for the token.
	MaxName = 256
	// MaxFormerNames bounds the former names of a cookie.
	MaxFormerNames = 4
)

// Candidate is a token that a request presents, not authenticated yet.
type Candidate struct {
	Token string
	Name  int // index into Names of the name under which it came
}

// Seen says which cookies a request has presented. The zero Seen is none.
type Seen struct {
	pieces   [1 + MaxFormerNames]uint8 // a bit for each piece of each name
	repeated bool                      // a name came more than once
}

// Any reports whether the request presented anything under a name of ours.
func (s Seen) Any() bool { return s.pieces != [1 + MaxFormerNames]uint8{} }

// Transport reads tokens from requests and writes them into responses. It is
// safe for concurrent use.
type Transport struct {
	header   string // canonical; "" for the cookie
	scheme   string // with the space that follows it
	response string // the header of responses
	jars     []jar  // the cookie's, then those of its former names
}

// NewHeader carries the token in a header, behind a scheme such as "Bearer "
// unless that is empty. Responses carry it in the header of the second name.
func NewHeader(header, scheme, response string) *Transport {
	return &Transport{header: header, scheme: scheme, response: response}
}

// NewCookie carries the token in up to pieces cookies like c, whose value is
// ignored. Cookies of the former names are read and never set.
func NewCookie(c http.Cookie, pieces int, formerNames ...string) *Transport {
	t := &Transport{jars: []jar{newJar(c, pieces)}}
	for _, name := range formerNames {
		c.Name = name
		t.jars = append(t.jars, newJar(c, pieces))
	}
	return t
}

// Names returns what tokens are bound to, one string for each name. The first is
// the name of new tokens.
func (t *Transport) Names() []string {
	if t.header != "" {
		return []string{"header " + t.header}
	}
	names := make([]string, 0, len(t.jars))
	for _, j := range t.jars {
		names = append(names, "cookie "+j.names[0])
	}
	return names
}

// Capacity returns the length of the longest token that can be carried.
func (t *Transport) Capacity() int {
	if t.header != "" {
		return MaxSize - len(t.header) - len(t.scheme)
	}
	return t.jars[0].capacity()
}

// RequestHeader returns the name of the header that carries tokens in requests.
func (t *Transport) RequestHeader() string {
	if t.header != "" {
		return t.header
	}
	return "Cookie"
}

// Scheme returns the scheme in front of the token, with its space, or "".
func (t *Transport) Scheme() string { return t.scheme }
