// Package transport carries tokens between client and server: in a cookie, in
// several cookies, or in a header. It does not know what a token holds.
package transport

import (
	"net/http"
	"net/textproto"
	"strings"
	"time"
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

// Read appends the tokens in the lines of the request header.
func (t *Transport) Read(dst []Candidate, lines []string) ([]Candidate, Seen) {
	var seen Seen
	if len(lines) == 0 {
		return dst, seen
	}
	if t.header != "" {
		for _, value := range lines {
			if token, ok := t.Trim(value); ok && len(dst) < MaxCandidates {
				dst = append(dst, Candidate{Token: token})
				seen.pieces[0] = 1
			}
		}
		return dst, seen
	}
	for i := range t.jars {
		dst = t.jars[i].read(dst, lines, i, &seen)
	}
	return dst, seen
}

// Trim returns the token in the value of a header: what follows the scheme,
// which is compared without regard to case.
func (t *Transport) Trim(value string) (token string, ok bool) {
	n := len(t.scheme)
	if len(value) <= n || !strings.EqualFold(value[:n], t.scheme) {
		return "", false
	}
	return textproto.TrimString(value[n:]), true
}

// Write puts the token into the header of a response. A maxAge of zero makes a
// cookie that ends with the browser.
func (t *Transport) Write(header http.Header, token string, maxAge time.Duration, seen Seen) {
	if t.header != "" {
		header[t.response] = []string{t.scheme + token}
		return
	}
	t.jars[0].write(header, token, maxAge, seen.pieces[0])
}

// Expire tells the client to forget its token: an empty header, or expired
// cookies. host and path are the request's, for cookies of another Domain or Path
// that this request presented too.
func (t *Transport) Expire(header http.Header, seen Seen, host, path string) {
	if t.header != "" {
		header[t.response] = []string{""}
		return
	}
	t.jars[0].write(header, "", 0, seen.pieces[0])
	if seen.repeated {
		t.jars[0].expireVariants(header, host, path)
	}
	for i := 1; i < len(t.jars); i++ {
		if seen.pieces[i] != 0 {
			t.jars[i].write(header, "", 0, seen.pieces[i])
		}
	}
}

// Remove takes the tokens out of the header of a request.
func (t *Transport) Remove(header http.Header) {
	if t.header != "" {
		var rest []string
		for _, value := range header[t.header] {
			if _, ok := t.Trim(value); !ok {
				rest = append(rest, value)
			}
		}
		setLines(header, t.header, rest)
		return
	}
	var rest []string
	for _, line := range header["Cookie"] {
		var others []string
		for part := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(textproto.TrimString(part), "=")
			if !t.owns(textproto.TrimString(name)) {
				others = append(others, textproto.TrimString(part))
			}
		}
		if len(others) > 0 {
			rest = append(rest, strings.Join(others, "; "))
		}
	}
	setLines(header, "Cookie", rest)
}

func setLines(header http.Header, name string, lines []string) {
	if len(lines) == 0 {
		delete(header, name)
		return
	}
	header[name] = lines
}

// owns reports whether a cookie of that name is one of ours.
func (t *Transport) owns(name string) bool {
	for i := range t.jars {
		if t.jars[i].has(name) {
			return true
		}
	}
	return false
}

// Vary adds the request header that the response depends on to Vary. It uses
// room if the header has no Vary yet, to save an allocation.
func (t *Transport) Vary(header http.Header, room *[1]string) {
	name := t.RequestHeader()
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

// NoStore keeps a response that carries a token out of every cache. RFC 9111
// section 5.2.2.5: no directive is stricter than no-store.
func NoStore(header http.Header) {
	for _, line := range header["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(directive), "no-store") {
				return
			}
		}
	}
	header["Cache-Control"] = []string{"no-store"}
}
