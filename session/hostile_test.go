package session_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/internal/transport"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// TestHostileCookies presents what only an attacker or an accident sends.
// None of it may reach the store, be answered with an error, or be believed.
func TestHostileCookies(t *testing.T) {
	for _, held := range []string{"by the server", "by the client"} {
		for _, signed := range []bool{false, true} {
			t.Run(fmt.Sprintf("held %s, signed only %v", held, signed), func(t *testing.T) {
				var st store.Store = memory.New()
				if held == "by the client" {
					st = cookie.New()
				}
				testHostileCookies(t, st, signed)
			})
		}
	}
}

func testHostileCookies(t *testing.T, inner store.Store, signed bool) {
	var log recordingObserver
	asked := false
	s := &spyStore{Store: inner, before: func(string, store.ID) error { asked = true; return nil }}
	var st store.Store = s
	if _, ok := inner.(store.ClientHeld); ok {
		st = clientHeldSpyStore{s}
	}
	key := session.NewKey()
	configure := func(c *session.Config[state]) {
		c.Keys = []session.Key{key}
		c.Cookie.InsecureSignedOnly = signed
		c.Observer = log.observe
	}
	m := newManager(t, st, configure)
	b := newBrowser(t, nil)
	b.do(m, login)
	own := b.cookies["__Host-session"]
	raw, err := base64.RawURLEncoding.DecodeString(own)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString

	values := map[string]string{
		"empty":              "",
		"garbage":            "garbage",
		"zeros":              encode(make([]byte, len(raw))),
		"not base64":         strings.Repeat("*", len(own)),
		"invalid UTF-8":      own[:10] + "\xff\xfe" + own[12:],
		"padded":             own + "=",
		"with a line break":  own[:20] + "%0a" + own[20:],
		"doubled":            own + own,
		"longer":             own + "AAAA",
		"huge":               strings.Repeat("A", 1<<20),
		"a cookie too large": encode(append(raw, make([]byte, 4096)...)),
		"a chunk's form":     "2." + own,
		"another spelling":   own[:len(own)-1] + string(own[len(own)-1]+1),
	}
	// By chance the two alphabets may have spelled this token alike.
	if standard := base64.StdEncoding.EncodeToString(raw); standard != own {
		values["standard alphabet"] = standard
	}
	for i := range len(own) {
		values[fmt.Sprintf("cut at %d", i)] = own[:i]
	}
	for i := range raw {
		for bit := range 8 {
			flipped := slices.Clone(raw)
			flipped[i] ^= 1 << bit
			values[fmt.Sprintf("byte %d, bit %d flipped", i, bit)] = encode(flipped)
		}
	}
	elsewhere := map[string]func(*session.Config[state]){
		"another key":          func(c *session.Config[state]) { configure(c); c.Keys = []session.Key{session.NewKey()} },
		"another name":         func(c *session.Config[state]) { configure(c); c.Cookie.Name = "__Host-other" },
		"a header":             func(c *session.Config[state]) { configure(c); c.Transport = session.Header("Host-Session") },
		"the other protection": func(c *session.Config[state]) { configure(c); c.Cookie.InsecureSignedOnly = !signed },
	}
	for name, option := range elsewhere {
		w := httptest.NewRecorder()
		newManager(t, st, option).Wrap(http.HandlerFunc(login)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		value := w.Header().Get("Host-Session")
		for _, c := range w.Result().Cookies() {
			value = c.Value
		}
		if value == "" {
			t.Fatalf("no token made for %s", name)
		}
		values["made for "+name] = value
	}
	// The same key and name, with the other kind of store.
	var other store.Store = cookie.New()
	if _, ok := inner.(store.ClientHeld); ok {
		other = memory.New()
	}
	ob := newBrowser(t, nil)
	ob.do(newManager(t, other, configure), login)
	values["made for the other kind of store"] = ob.cookies["__Host-session"]

	log.kinds()
	for name, value := range values {
		asked = false
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", "lang=en; __Host-session="+value)
		w := httptest.NewRecorder()
		user, isNew := "", false
		m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			user, isNew = from(r).State().User, from(r).IsNew()
		})).ServeHTTP(w, r)
		if user != "" || !isNew {
			t.Fatalf("%s: the session opens", name)
		}
		if asked {
			t.Errorf("%s: the store was asked", name)
		}
		if w.Code != http.StatusOK || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: status %d, Set-Cookie %q", name, w.Code, w.Header().Get("Set-Cookie"))
		}
		if got, want := log.kinds(), []string{"rejected:unauthentic"}; !slices.Equal(got, want) {
			t.Errorf("%s: events %q, want %q", name, got, want)
		}
	}
	if b.read(m).User != "alice" {
		t.Error("the cookie itself does not open any more")
	}
}

// clientHeldSpyStore is a spyStore for a client-held store.
type clientHeldSpyStore struct{ *spyStore }

func (s clientHeldSpyStore) Encode(rec store.Record) (string, error) {
	return s.Store.(store.ClientHeld).Encode(rec)
}

func (s clientHeldSpyStore) Decode(text string) (store.Record, error) {
	if err := s.enter("decode", store.ID{}); err != nil {
		return store.Record{}, err
	}
	return s.Store.(store.ClientHeld).Decode(text)
}

func TestHundredsOfCookies(t *testing.T) {
	s := newSpyStore()
	m := newManager(t, s)
	b := newBrowser(t, nil)
	b.do(m, increment)
	own := "__Host-session=" + b.cookies["__Host-session"]
	tests := []struct {
		name   string
		header string
		calls  int64
		want   int
	}{
		{"of other names, before ours", strings.Repeat("a=b; ", 900) + own, 1, 1},
		{"of our name, after ours", own + strings.Repeat("; __Host-session=x", 900), 1, 1},
		{"of our name, before ours", strings.Repeat("__Host-session=x; ", 900) + own, 0, 0},
		{"ours, again and again", strings.Repeat(own+"; ", 900), 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := s.calls.Load()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Cookie", test.header)
			got := -1
			m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = from(r).State().Count })).
				ServeHTTP(httptest.NewRecorder(), r)
			if calls := s.calls.Load() - before; calls != test.calls || got != test.want {
				t.Errorf("%d calls of the store and a count of %d; want %d and %d", calls, got, test.calls, test.want)
			}
		})
	}
}

func TestDeadTokensCostABoundedNumberOfStoreCalls(t *testing.T) {
	s := newSpyStore()
	m := newManager(t, s)
	var cookies []string
	for range 50 {
		b := newBrowser(t, nil)
		b.do(m, increment)
		cookies = append(cookies, "__Host-session="+b.cookies["__Host-session"])
		b.do(m, func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() })
	}
	before := s.calls.Load()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", strings.Join(cookies, "; "))
	m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { from(r) })).ServeHTTP(httptest.NewRecorder(), r)
	if calls := s.calls.Load() - before; calls > transport.MaxCandidates {
		t.Errorf("50 dead tokens cost %d calls", calls)
	}
}
