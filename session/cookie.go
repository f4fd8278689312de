package session

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/typedsession/typedsession/internal/transport"
)

// Cookie describes the cookie that carries the token. The zero value is the
// safest one: __Host-session, Secure, HttpOnly, SameSite=Lax, Path=/, without a
// Domain, and it ends with the browser. HttpOnly cannot be turned off.
type Cookie struct {
	// Name must be an RFC 6265 token. Empty means __Host-session, or
	// __Secure-session if Domain or Path rule the __Host- prefix out, or session
	// if InsecureHTTP does.
	Name string

	// FormerNames are names that the cookie had in earlier deployments, at most
	// 4. Their cookies are read and never set, so that a rename logs no user
	// out: the next response that sets a cookie uses Name. A logout expires them
	// too. The other fields must be as they were.
	FormerNames []string

	// Domain, if set, also sends the cookie to subdomains. Any of them can
	// overwrite it. Empty means this host only.
	Domain string

	// Path limits the paths that the cookie is sent to. Empty means "/". It is
	// no protection against other paths of the same host.
	Path string

	// SameSite is Lax if zero. None needs Secure; SameSiteDefaultMode, which
	// leaves the choice to the browser, is an error. A request from another site
	// for which the browser withholds the cookie never gets a new one: see
	// [ErrWithheld].
	SameSite http.SameSite

	// Persistent keeps the cookie when the browser closes, until the session
	// expires, for 400 days at most. [Session.SetPersistent] decides it for one
	// session.
	Persistent bool

	// Partitioned keeps one cookie for each top-level site that embeds this one
	// (CHIPS). It needs Secure, and SameSiteNoneMode to be of use.
	Partitioned bool

	// MaxChunks is how many cookies of up to 4096 bytes the token may be spread
	// over, at most 8: Name, then Name-1 to Name-7, which are then no names for
	// other cookies. Zero means one. Only states that are kept in the cookie
	// itself grow so large. Servers and proxies limit the header of a request,
	// often to 8 KiB, and of a response, often to 4 KiB. Without the __Host-
	// prefix, a sibling domain that sets cookies of these names can hide the
	// session.
	MaxChunks int

	// InsecureHTTP leaves out Secure, for development over plain HTTP. An
	// attacker who sees the traffic owns the sessions. Browsers send Secure
	// cookies to http://localhost; many other clients, such as HTTP libraries
	// and test tools, do not and need this option there too.
	InsecureHTTP bool

	// InsecureSignedOnly leaves the contents readable to the client and to
	// everyone who sees the cookie; they are still authenticated. It matters if
	// the cookie holds the state.
	InsecureSignedOnly bool
}

// maxCookieAge is the longest that a browser keeps a cookie. RFC 6265bis section
// 5.5.
const maxCookieAge = 400 * 24 * time.Hour

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
	if err := c.validateName("Name", c.Name); err != nil {
		return err
	}
	if err := c.validatePrefix(); err != nil {
		return err
	}
	if err := c.validateFormerNames(); err != nil {
		return err
	}
	switch {
	case (&http.Cookie{Name: c.Name, Path: c.Path}).Valid() != nil || c.Path[0] != '/':
		return fmt.Errorf("Path is not a path: %q", c.Path)
	case c.SameSite < http.SameSiteLaxMode || c.SameSite > http.SameSiteNoneMode:
		return fmt.Errorf("SameSite must be Lax, Strict or None: %d", c.SameSite)
	case c.SameSite == http.SameSiteNoneMode && c.InsecureHTTP:
		return errors.New("SameSite is None, which InsecureHTTP rules out")
	case c.Partitioned && c.InsecureHTTP:
		return errors.New("Partitioned is set, which InsecureHTTP rules out")
	case c.MaxChunks < 0 || c.MaxChunks > transport.MaxPieces:
		return fmt.Errorf("MaxChunks is not from 0 to %d: %d", transport.MaxPieces, c.MaxChunks)
	}
	return c.validateDomain()
}

func (c Cookie) validateName(field, name string) error {
	switch {
	case (&http.Cookie{Name: name}).Valid() != nil:
		return fmt.Errorf("%s is not an RFC 6265 token: %q", field, name)
	case len(name) > transport.MaxName:
		return fmt.Errorf("%s of %d bytes is longer than %d", field, len(name), transport.MaxName)
	}
	return nil
}

func (c Cookie) validateFormerNames() error {
	if len(c.FormerNames) > transport.MaxFormerNames {
		return fmt.Errorf("FormerNames has %d names, more than %d", len(c.FormerNames), transport.MaxFormerNames)
	}
	for i, name := range c.FormerNames {
		field := fmt.Sprintf("FormerNames[%d]", i)
		if err := c.validateName(field, name); err != nil {
			return err
		}
		if name == c.Name || slices.Contains(c.FormerNames[:i], name) {
			return fmt.Errorf("%s repeats %q", field, name)
		}
	}
	return nil
}

// validatePrefix checks what the prefix of the name demands. Browsers compare it
// without regard to case. RFC 6265bis section 5.4; __Http- is of a later draft.
func (c Cookie) validatePrefix() error {
	name := strings.ToLower(c.Name)
	host := strings.HasPrefix(name, "__host-")
	secure := strings.HasPrefix(name, "__secure-") || strings.HasPrefix(name, "__http-")
	switch {
	case host && c.Domain != "":
		return fmt.Errorf("Domain is set, which the prefix of Name %q rules out", c.Name)
	case host && c.Path != "/":
		return fmt.Errorf("Path is %q, which the prefix of Name %q rules out", c.Path, c.Name)
	case (host || secure) && c.InsecureHTTP:
		return fmt.Errorf("InsecureHTTP is set, which the prefix of Name %q rules out", c.Name)
	}
	return nil
}

// validateDomain refuses domains that no browser keeps a cookie of: it would be
// dropped silently, and every login would fail.
func (c Cookie) validateDomain() error {
	domain := strings.TrimPrefix(c.Domain, ".")
	switch {
	case c.Domain == "":
		return nil
	case (&http.Cookie{Name: c.Name, Domain: c.Domain}).Valid() != nil:
		return fmt.Errorf("Domain is not a domain: %q", c.Domain)
	case strings.HasSuffix(domain, "."):
		return fmt.Errorf("Domain ends with a dot, and browsers drop such cookies: %q", c.Domain)
	case !strings.Contains(domain, ".") && !strings.EqualFold(domain, "localhost"):
		return fmt.Errorf("Domain is a single label, and browsers drop such cookies: %q", c.Domain)
	}
	return nil
}

// transport returns what carries the token in the cookie.
func (c Cookie) transport() *transport.Transport {
	return transport.NewCookie(http.Cookie{
		Name: c.Name, Path: c.Path, Domain: c.Domain, Secure: !c.InsecureHTTP,
		HttpOnly: true, SameSite: c.SameSite, Partitioned: c.Partitioned,
	}, c.MaxChunks, c.FormerNames...)
}

// withheld reports whether SameSite made the browser withhold the cookie from a
// request, so that a request without the cookie does not mean that the browser
// has none. Browsers that send no Sec-Fetch-Site are not recognised. Fetch
// Metadata section 2; RFC 6265bis section 5.2.
func (c Cookie) withheld(r *http.Request) bool {
	if c.SameSite == http.SameSiteNoneMode || r.Header.Get("Sec-Fetch-Site") != "cross-site" {
		return false
	}
	if c.SameSite == http.SameSiteStrictMode {
		return true
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		// Lax cookies come with navigations of the top-level page only.
		return r.Header.Get("Sec-Fetch-Dest") != "document"
	}
	return true
}
