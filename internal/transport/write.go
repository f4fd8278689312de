package transport

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

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
