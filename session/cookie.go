package session

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Cookie describes the cookie that carries the token. The zero value is the
// safest one: __Host-session, Secure, HttpOnly, SameSite=Lax, Path=/, without a
// Domain, gone when the browser closes. HttpOnly cannot be turned off.
type Cookie struct {
	// Name must be an RFC 6265 token. Empty means __Host-session;
	// __Secure-session where Domain or Path rule the __Host- prefix out; and
	// session where InsecureHTTP does.
	Name string

	// Domain, when set, sends the cookie to all its subdomains too, every one
	// of which can then replace it. Empty means this host only.
	Domain string

	// Path limits the paths that the cookie is sent to. Empty means "/". It is
	// no protection against other paths of the same host.
	Path string

	// SameSite is Lax when zero. None needs Secure; SameSiteDefaultMode, which
	// leaves the choice to the browser, is an error.
	SameSite http.SameSite

	// Persistent keeps the cookie when the browser closes, until the session
	// expires, 400 days at the longest. [Session.SetPersistent] decides it for
	// one session.
	Persistent bool

	// Partitioned keeps one cookie for each top-level site that embeds this one
	// (CHIPS). It needs Secure, and SameSiteNoneMode to be of use.
	Partitioned bool

	// MaxChunks is how many cookies of up to 4096 bytes the token may be spread
	// over, at most 8: Name, then Name-1 to Name-7, which are no names for other
	// cookies. Zero means one. Only states that are kept in the cookie itself
	// grow so large. Servers and proxies limit a request's header, often to 8 KiB
	// in all. Without the __Host- prefix, a sibling domain that sets cookies of
	// these names can hide the session.
	MaxChunks int

	// InsecureHTTP leaves out Secure, for development over plain HTTP on a host
	// other than localhost: whoever sees the traffic owns the sessions.
	InsecureHTTP bool

	// InsecureSignedOnly leaves the contents readable to the client and to
	// whoever sees the cookie; they are authenticated all the same. It matters
	// where the cookie holds the state.
	InsecureSignedOnly bool
}

const (
	// maxCookieSize bounds a cookie's name and value together. Browsers drop
	// what is larger without a word. RFC 6265bis section 5.6, step 5.
	maxCookieSize = 4096
	// maxCookieAge is the longest that a browser keeps a cookie. RFC 6265bis
	// section 5.5.
	maxCookieAge = 400 * 24 * time.Hour
	// maxChunks keeps the number of pieces a single digit.
	maxChunks = 8
	// maxCandidates bounds how many cookies of one name are tried: a sibling
	// domain can plant some in front of ours, but it cannot buy work.
	maxCandidates = 8
)

func (c Cookie) withDefaults() Cookie {
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 {
		c.SameSite = http.SameSiteLaxMode
	}
	if c.MaxChunks == 0 {
		c.MaxChunks = 1
	}
	if c.Name == "" {
		switch {
		case c.InsecureHTTP:
			c.Name = "session"
		case c.Domain != "" || c.Path != "/":
			c.Name = "__Secure-session"
		default:
			c.Name = "__Host-session"
		}
	}
	return c
}

// validate checks what withDefaults has filled in. Its errors begin with the
// name of the field.
func (c Cookie) validate() error {
	// Browsers compare the prefixes without regard to case. RFC 6265bis section
	// 5.4; __Http- is of a later draft.
	name := strings.ToLower(c.Name)
	host := strings.HasPrefix(name, "__host-")
	secure := strings.HasPrefix(name, "__secure-") || strings.HasPrefix(name, "__http-")
	switch {
	case (&http.Cookie{Name: c.Name}).Valid() != nil:
		return fmt.Errorf("Name is not an RFC 6265 token: %q", c.Name)
	case len(c.Name) > maxName:
		return fmt.Errorf("Name of %d bytes is longer than %d", len(c.Name), maxName)
	case (&http.Cookie{Name: c.Name, Path: c.Path}).Valid() != nil || c.Path[0] != '/':
		return fmt.Errorf("Path is not a path: %q", c.Path)
	case c.Domain != "" && (&http.Cookie{Name: c.Name, Domain: c.Domain}).Valid() != nil:
		return fmt.Errorf("Domain is not a domain: %q", c.Domain)
	case host && c.Domain != "":
		return fmt.Errorf("Domain is set, which the prefix of Name %q rules out", c.Name)
	case host && c.Path != "/":
		return fmt.Errorf("Path is %q, which the prefix of Name %q rules out", c.Path, c.Name)
	case (host || secure) && c.InsecureHTTP:
		return fmt.Errorf("InsecureHTTP is set, which the prefix of Name %q rules out", c.Name)
	case c.SameSite < http.SameSiteLaxMode || c.SameSite > http.SameSiteNoneMode:
		return fmt.Errorf("SameSite must be Lax, Strict or None: %d", c.SameSite)
	case c.SameSite == http.SameSiteNoneMode && c.InsecureHTTP:
		return errors.New("SameSite is None, which InsecureHTTP rules out")
	case c.Partitioned && c.InsecureHTTP:
		return errors.New("Partitioned is set, which InsecureHTTP rules out")
	case c.MaxChunks < 0 || c.MaxChunks > maxChunks:
		return fmt.Errorf("MaxChunks is not from 0 to %d: %d", maxChunks, c.MaxChunks)
	}
	return nil
}

// jar reads and writes the cookies that a validated Cookie describes.
type jar struct {
	names      []string // of the pieces; the first is the cookie's own name
	attributes string   // all but Max-Age, each with "; " in front
}

func newJar(c Cookie) jar {
	j := jar{names: []string{c.Name}}
	for i := 1; i < c.MaxChunks; i++ {
		j.names = append(j.names, c.Name+"-"+strconv.Itoa(i))
	}
	line := (&http.Cookie{
		Name: c.Name, Path: c.Path, Domain: c.Domain, Secure: !c.InsecureHTTP,
		HttpOnly: true, SameSite: c.SameSite, Partitioned: c.Partitioned,
	}).String()
	j.attributes = strings.TrimPrefix(line, c.Name+"=")
	return j
}

// read appends the tokens that a request presents, and tells which pieces it
// presented, a bit for each name. Several cookies may have one name, in an
// order that means nothing (RFC 6265 section 4.2.2), so each is a token.
func (j *jar) read(dst []string, header http.Header) (tokens []string, pieces uint8) {
	lines := header["Cookie"]
	if len(lines) == 0 {
		return dst, 0
	}
	tokens = cookieValues(dst, lines, j.names[0])
	if len(tokens) > 0 {
		pieces = 1
	}
	if len(j.names) == 1 {
		return tokens, pieces
	}
	var rest [maxChunks][]string
	for i, name := range j.names[1:] {
		rest[i+1] = cookieValues(nil, lines, name)
		if len(rest[i+1]) > 0 {
			pieces |= 1 << (i + 1)
		}
	}
	whole := tokens[:0]
	for i, first := range tokens {
		token, ok := j.join(first, i, &rest)
		if !ok {
			token = first // which opens nothing, and is reported
		}
		whole = append(whole, token)
	}
	return whole, pieces
}

// join puts the pieces of a token together. The first piece of several begins
// with their number and a dot, neither of which base64 could be mistaken for.
// Where names are doubled, the pieces of one set stand at like places.
func (j *jar) join(first string, place int, rest *[maxChunks][]string) (token string, ok bool) {
	if len(first) < 2 || first[1] != '.' {
		return first, true
	}
	n := int(first[0] - '0')
	if n < 2 || n > len(j.names) {
		return "", false
	}
	// Nothing longer than any token is put together: pieces of any size, for
	// each of several first ones, cost 35 times the memory of the request.
	var b strings.Builder
	room := j.capacity()
	for i, piece := 1, first[2:]; ; i++ {
		if room -= len(piece); room < 0 {
			return "", false
		}
		b.WriteString(piece)
		if i == n {
			return b.String(), true
		}
		if len(rest[i]) == 0 {
			return "", false
		}
		piece = rest[i][min(place, len(rest[i])-1)]
	}
}

// cookieValues appends the values of the cookies of one name, at most
// maxCandidates of them. It finds what net/http's Request.CookiesNamed does, but
// in place, and does not look at the bytes of a value: none that may not stand
// in a cookie may stand in a token.
func cookieValues(dst, lines []string, name string) []string {
	for _, line := range lines {
		for line != "" {
			part := line
			if end := strings.IndexByte(line, ';'); end >= 0 {
				part, line = line[:end], line[end+1:]
			} else {
				line = ""
			}
			part = textproto.TrimString(part)
			if !strings.HasPrefix(part, name) {
				continue
			}
			value := textproto.TrimString(part[len(name):])
			if value != "" {
				if value[0] != '=' {
					continue
				}
				value = part[strings.IndexByte(part, '=')+1:]
			}
			if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
				value = value[1 : n-1]
			}
			if dst = append(dst, value); len(dst) == maxCandidates {
				return dst
			}
		}
	}
	return dst
}

// capacity is the length of the longest token that fits.
func (j *jar) capacity() int {
	if len(j.names) == 1 {
		return maxCookieSize - len(j.names[0])
	}
	total := -len("2.")
	for _, name := range j.names {
		total += maxCookieSize - len(name)
	}
	return total
}

// write sets the cookie on a response: to token, or expired when that is empty.
// maxAge of zero is a cookie that goes with the browser. pieces are those that
// the client presented; what of them is not needed any more is expired with the
// same response. Cookies of other names are left as they are.
func (j *jar) write(header http.Header, token string, maxAge time.Duration, pieces uint8) {
	// Not in place: the slice may be somebody else's, who put it into the header.
	lines := make([]string, 0, len(header["Set-Cookie"])+len(j.names))
	for _, line := range header["Set-Cookie"] {
		if !j.owns(line) {
			lines = append(lines, line)
		}
	}
	header["Set-Cookie"] = lines
	age := ""
	if maxAge > 0 {
		age = "; Max-Age=" + strconv.FormatInt(int64(maxAge/time.Second), 10)
	}
	for i, name := range j.names {
		piece := token
		if room := maxCookieSize - len(name); len(token) > room && i == 0 {
			piece = strconv.Itoa(j.pieces(len(token))) + "." + token[:room-2]
			token = token[room-2:]
		} else if len(token) > room {
			piece, token = token[:room], token[room:]
		} else {
			token = ""
		}
		switch {
		case piece != "":
			j.add(header, name, piece, age)
		case pieces&(1<<i) != 0 || i == 0:
			j.add(header, name, "", "; Max-Age=0")
		}
	}
}

// pieces returns how many cookies a token of that length takes.
func (j *jar) pieces(length int) int {
	length += len("2.")
	for i, name := range j.names {
		if length -= maxCookieSize - len(name); length <= 0 {
			return i + 1
		}
	}
	return len(j.names)
}

// add is the one place that makes a Set-Cookie line, so that what is set and
// what expires it agree in every attribute.
func (j *jar) add(header http.Header, name, value, age string) {
	header["Set-Cookie"] = append(header["Set-Cookie"], name+"="+value+j.attributes+age)
}

// owns reports whether a Set-Cookie line is for a cookie of this jar.
func (j *jar) owns(line string) bool {
	name, _, _ := strings.Cut(line, "=")
	return slices.Contains(j.names, name)
}
