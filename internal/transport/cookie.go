package transport

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
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

const expired = "; Max-Age=0"

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
