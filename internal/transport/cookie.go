package transport

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxPieces bounds how many cookies carry one token. It keeps their number a
// single digit.
const MaxPieces = 8

// jar reads and writes the cookies of one name.
type jar struct {
	cookie     http.Cookie
	names      []string // of the pieces; the first is the cookie's own name
	attributes string   // all but Max-Age, each with "; " in front
}

func newJar(c http.Cookie, pieces int) jar {
	c.Value = ""
	j := jar{cookie: c, names: []string{c.Name}}
	for i := 1; i < pieces; i++ {
		j.names = append(j.names, c.Name+"-"+strconv.Itoa(i))
	}
	j.attributes = attributes(c)
	return j
}

func attributes(c http.Cookie) string {
	return strings.TrimPrefix(c.String(), c.Name+"=")
}

func (j *jar) has(name string) bool { return slices.Contains(j.names, name) }

// read appends the tokens that the lines of a Cookie header present under this
// name, whose index is given. Several cookies may have one name, in an order
// that means nothing (RFC 6265 section 4.2.2), so each is a token.
func (j *jar) read(dst []Candidate, lines []string, index int, seen *Seen) []Candidate {
	var buf [MaxCandidates]string
	values := cookieValues(buf[:0], lines, j.names[0])
	if len(values) > 0 {
		seen.pieces[index] = 1
		seen.repeated = seen.repeated || len(values) > 1
	}
	if len(j.names) == 1 {
		for _, value := range values {
			dst = append(dst, Candidate{value, index})
		}
		return dst
	}
	var rest [MaxPieces][]string
	for i, name := range j.names[1:] {
		rest[i+1] = cookieValues(nil, lines, name)
		if len(rest[i+1]) > 0 {
			seen.pieces[index] |= 1 << (i + 1)
		}
	}
	for i, first := range values {
		token, ok := j.join(first, i, &rest)
		if !ok {
			token = first // does not open, and is reported
		}
		dst = append(dst, Candidate{token, index})
	}
	return dst
}

// join puts the pieces of a token together. The first of several pieces begins
// with their number and a dot, which base64 cannot contain. If names are
// doubled, the pieces of one token stand at the same places.
func (j *jar) join(first string, place int, rest *[MaxPieces][]string) (token string, ok bool) {
	if len(first) < 2 || first[1] != '.' {
		return first, true
	}
	n := int(first[0] - '0')
	if n < 2 || n > len(j.names) {
		return "", false
	}
	// Nothing longer than any token is put together: otherwise pieces of any
	// size, for each of several first ones, would cost 35 times the memory of
	// the request.
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
// MaxCandidates of them. It finds what net/http's Request.CookiesNamed finds,
// but in place, and does not look at the bytes of a value: a token contains no
// byte that a cookie may not contain.
func cookieValues(dst, lines []string, name string) []string {
	for _, line := range lines {
		for line != "" {
			part := line
			if end := strings.IndexByte(line, ';'); end >= 0 {
				part, line = line[:end], line[end+1:]
			} else {
				line = ""
			}
			value, ok := cookieValue(textproto.TrimString(part), name)
			if !ok {
				continue
			}
			if dst = append(dst, value); len(dst) == MaxCandidates {
				return dst
			}
		}
	}
	return dst
}

// cookieValue returns the value of a cookie of that name.
func cookieValue(part, name string) (value string, ok bool) {
	if !strings.HasPrefix(part, name) {
		return "", false
	}
	value = textproto.TrimString(part[len(name):])
	if value != "" {
		if value[0] != '=' {
			return "", false
		}
		value = part[strings.IndexByte(part, '=')+1:]
	}
	if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	return value, true
}

// capacity is the length of the longest token that fits.
func (j *jar) capacity() int {
	if len(j.names) == 1 {
		return MaxSize - len(j.names[0])
	}
	total := -len("2.")
	for _, name := range j.names {
		total += MaxSize - len(name)
	}
	return total
}

// write sets the cookie on a response: to token, or expired if that is empty. A
// maxAge of zero makes a cookie that ends with the browser. pieces are those
// that the client presented; those that are not needed any more are expired.
// Cookies of other names stay on the response.
func (j *jar) write(header http.Header, token string, maxAge time.Duration, pieces uint8) {
	// Not in place: the handler may use the slice in its header elsewhere.
	lines := make([]string, 0, len(header["Set-Cookie"])+len(j.names))
	for _, line := range header["Set-Cookie"] {
		name, _, _ := strings.Cut(line, "=")
		if !j.has(name) {
			lines = append(lines, line)
		}
	}
	age := ""
	if maxAge > 0 {
		age = "; Max-Age=" + strconv.FormatInt(int64(maxAge/time.Second), 10)
	}
	for i, name := range j.names {
		piece := token
		if room := MaxSize - len(name); len(token) > room && i == 0 {
			piece = strconv.Itoa(j.count(len(token))) + "." + token[:room-2]
			token = token[room-2:]
		} else if len(token) > room {
			piece, token = token[:room], token[room:]
		} else {
			token = ""
		}
		switch {
		case piece != "":
			lines = append(lines, name+"="+piece+j.attributes+age)
		case pieces&(1<<i) != 0 || i == 0:
			lines = append(lines, name+"="+j.attributes+expired)
		}
	}
	header["Set-Cookie"] = lines
}

const expired = "; Max-Age=0"

// count returns how many cookies a token of that length takes.
func (j *jar) count(length int) int {
	length += len("2.")
	for i, name := range j.names {
		if length -= MaxSize - len(name); length <= 0 {
			return i + 1
		}
	}
	return len(j.names)
}

// expireVariants expires cookies of this name with another Domain or Path, which
// an earlier deployment may have set: without a Domain, with the host and its
// parents as Domain, with Path=/, and with the first parts of the request's path. A
// browser ignores those that it does not hold. A __Host- cookie has no variants.
func (j *jar) expireVariants(header http.Header, host, path string) {
	if strings.HasPrefix(strings.ToLower(j.cookie.Name), "__host-") {
		return
	}
	expire := func(domain, path string) {
		c := j.cookie
		c.Domain, c.Path = domain, path
		line := c.Name + "=" + attributes(c) + expired
		if c.Valid() == nil && !slices.Contains(header["Set-Cookie"], line) {
			header["Set-Cookie"] = append(header["Set-Cookie"], line)
		}
	}
	for _, domain := range parents(host) {
		expire(domain, j.cookie.Path)
		expire(domain, "/")
	}
	for _, prefix := range prefixes(path) {
		expire("", prefix)
		expire(j.cookie.Domain, prefix)
	}
}

// maxParts bounds how many parts of a host or a path are tried: the header of a
// response must not grow with what a client sends.
const maxParts = 3

// parents returns what a cookie's Domain may be, in a response of the host.
func parents(host string) []string {
	host, _, _ = strings.Cut(host, ":")
	domains := []string{""}
	for d := host; strings.Contains(d, ".") && len(domains) <= maxParts; _, d, _ = strings.Cut(d, ".") {
		domains = append(domains, d)
	}
	return domains
}

// prefixes returns what the Path of a cookie may be that a request of the path
// presents, besides "/".
func prefixes(path string) (all []string) {
	for i, end := 1, 0; i < len(path) && len(all) < 2*maxParts; i = end + 1 {
		end = len(path)
		if slash := strings.IndexByte(path[i:], '/'); slash >= 0 {
			end = i + slash
		}
		all = append(all, path[:end])
		if end < len(path) {
			all = append(all, path[:end+1])
		}
	}
	return all
}
