package transport

import (
	"net/http"
	"net/textproto"
	"strings"
)

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
