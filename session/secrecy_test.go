package session_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/internal/seal"
	"github.com/typedsession/typedsession/internal/token"
	"github.com/typedsession/typedsession/session"
)

// stateContent is in every state of these tests, and should be nowhere else.
const stateContent = "a-very-private-note"

// secrets are texts that must not be found.
type secrets map[string]string

// openToken returns the ID and the secret in a token of the default cookie.
func openToken(key [seal.KeySize]byte, text string) (content []byte) {
	ring, err := seal.NewRing(key)
	if err != nil {
		panic(err)
	}
	c := token.NewCodec(ring.Sealer("token"), 4096, "cookie __Host-session")
	if _, ok := c.Open(text, 0, func(b []byte) { content = append(content, b...) }); !ok {
		panic("not a token: " + text)
	}
	return content
}

// of adds all spellings of the token, of what it holds, and of the key.
func (all secrets) of(text string, key session.Key) {
	all["state"] = stateContent
	all["key"] = key.Encode()
	all["token"] = text
	raw, _ := base64.RawURLEncoding.DecodeString(key.Encode())
	content := openToken([seal.KeySize]byte(raw), text)
	for name, b := range map[string][]byte{"secret": content[16:], "key": raw} {
		all["raw "+name] = string(b)
		all["quoted "+name] = strings.Trim(fmt.Sprintf("%q", b), `"`)
		all["hexadecimal "+name] = hex.EncodeToString(b)
		all["upper case hexadecimal "+name] = strings.ToUpper(hex.EncodeToString(b))
		all["decimal "+name] = strings.Trim(fmt.Sprint(b), "[]")
		all["Go "+name] = strings.TrimPrefix(strings.TrimSuffix(fmt.Sprintf("%#v", b), "}"), "[]byte{")
		all["octal "+name] = strings.Trim(fmt.Sprintf("%o", b), "[]")
		all["binary "+name] = strings.Trim(fmt.Sprintf("%b", b), "[]")
		all["base64 "+name] = base64.RawStdEncoding.EncodeToString(b)
		all["base64url "+name] = base64.RawURLEncoding.EncodeToString(b)
	}
}

func (all secrets) check(t *testing.T, where, text string) {
	t.Helper()
	for name, secret := range all {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows the %s: %.300q", where, name, text)
		}
	}
}

// levelRecorder is a slog.Handler that records the levels of the records.
type levelRecorder struct {
	slog.Handler
	mu     *sync.Mutex
	levels *[]string
}

func (l levelRecorder) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "event" {
			l.mu.Lock()
			*l.levels = append(*l.levels, r.Level.String()+" "+a.Value.String())
			l.mu.Unlock()
		}
		return true
	})
	return l.Handler.Handle(ctx, r)
}

func newLevelRecorder(handler slog.Handler) levelRecorder {
	return levelRecorder{handler, new(sync.Mutex), new([]string)}
}

// TestLogsShowNoSecrets goes through everything that is reported and looks for
// what must not be in it, in the events, their errors and the log.
func TestLogsShowNoSecrets(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		options := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
		var handler slog.Handler = slog.NewTextHandler(&out, options)
		if format == "json" {
			handler = slog.NewJSONHandler(&out, options)
		}
		key, all := session.NewKey(), secrets{}
		g := newHarness(t, keys(key), withFailingCodec, func(c *session.Config[state]) { c.Logger = slog.New(newLevelRecorder(handler)) })
		private := func(s *state) { s.User, s.Items = "alice", map[string]int{stateContent: 1} }
		var errs []error
		learn := func() { all.of(g.token(), key) }

		g.update(private) // created
		learn()
		g.update(count) // loaded, saved
		old := g.anotherTab()
		g.use(func(s *session.Session[state]) { s.Renew() }) // renewed
		learn()
		old.update(private) // superseded, created
		all.of(old.token(), key)
		g.use(func(s *session.Session[state]) { // conflict, failed
			s.Update(note(stateContent))
			g.anotherTab().use((*session.Session[state]).Renew)
			errs = append(errs, s.Save(t.Context()))
		})
		g.cookies["__Host-session"] = g.token() + "A"
		g.use(func(*session.Session[state]) {}) // rejected
		g.cookies = old.cookies
		for _, spoil := range []string{"error", "panic"} {
			g.anotherTab().update(func(s *state) { s.Note = spoil }) // undecodable
			g.anotherTab().update(private)
		}
		g.cookies = map[string]string{}
		g.update(private)
		learn()
		g.use(func(s *session.Session[state]) {
			s.Update(func(st *state) { st.Count = 99 })
			errs = append(errs, s.Save(t.Context()))
			errs = append(errs, s.Transact(t.Context(), func(st *state) error { st.Count = 100; return nil }))
		})
		g.down(true)
		g.use(func(s *session.Session[state]) { errs = append(errs, s.Err(), s.Save(t.Context())) })
		_, err := g.m.LoadToken(t.Context(), g.token())
		errs = append(errs, err)
		g.down(false)
		g.do(g.m, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "begun")
			from(r).Renew()
			errs = append(errs, from(r).Save(r.Context()))
		})
		g.use((*session.Session[state]).Destroy) // destroyed
		_, err = g.m.LoadToken(t.Context(), g.token()+"A")
		errs = append(errs, err)

		all.check(t, format+" log", out.String())
		if strings.Contains(out.String(), "alice") {
			t.Errorf("%s log names the subject", format)
		}
		for i, err := range errs {
			if err == nil {
				t.Errorf("error %d is none", i)
				continue
			}
			all.check(t, "an error", fmt.Sprintf("%v %+v %#v", err, err, err))
		}
		g.log.mu.Lock()
		for _, event := range g.log.list {
			all.check(t, "an event", fmt.Sprintf("%v %+v %#v %v", event, event, event, event.Err))
		}
		if seen := len(g.log.list); seen < 25 {
			t.Errorf("only %d events", seen)
		}
		g.log.mu.Unlock()
	}
}

// TestLogLevels: what was not kept is seen in production, the rest is not.
func TestLogLevels(t *testing.T) {
	run := func(level slog.Level) []string {
		l := newLevelRecorder(slog.NewTextHandler(new(bytes.Buffer), &slog.HandlerOptions{Level: level}))
		store := newSpyStore()
		m := newManager(t, store, func(c *session.Config[state]) { c.Logger = slog.New(l) })
		g := &harness{newBrowser(t, nil), m, store, &recordingObserver{}}
		g.update(setUser("alice"))
		old := g.anotherTab()
		g.use((*session.Session[state]).Renew)
		old.update(count) // dropped
		g.use(func(s *session.Session[state]) { s.Update(count); g.anotherTab().update(count) })
		g.do(g.m, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "begun")
			from(r).Renew() // dropped
		})
		g.down(true)
		g.update(count) // failed
		g.down(false)
		g.use((*session.Session[state]).Destroy)
		old.use(func(*session.Session[state]) {})
		return *l.levels
	}
	failures := []string{"WARN failed", "WARN failed", "ERROR failed"}
	want := []string{
		"DEBUG created", "DEBUG loaded", "DEBUG renewed", "DEBUG superseded", failures[0],
		"DEBUG loaded", "DEBUG loaded", "DEBUG saved", "DEBUG conflict", "DEBUG saved",
		"DEBUG loaded", failures[1], failures[2], "DEBUG loaded", "DEBUG destroyed", "DEBUG rejected",
	}
	if diff := cmp.Diff(want, run(slog.LevelDebug)); diff != "" {
		t.Errorf("all of the log (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(failures, run(slog.LevelInfo)); diff != "" {
		t.Errorf("the log in production (-want +got):\n%s", diff)
	}
}

// TestPrintingShowsNoSecrets prints what a program has in its hands, in every way
// that it might by accident.
func TestPrintingShowsNoSecrets(t *testing.T) {
	key, all := session.NewKey(), secrets{}
	config := session.Config[state]{
		Keys: []session.Key{key}, SealRecords: true, Logger: quiet,
		Subject: func(s *state) string { return s.User },
	}
	m, err := session.NewManager(newSpyStore(), config)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, nil)
	b.do(m, func(_ http.ResponseWriter, r *http.Request) { from(r).Update(note(stateContent)) })
	all.of(b.token(), key)
	opened, err := m.LoadToken(t.Context(), b.token())
	if err != nil {
		t.Fatal(err)
	}
	var unused context.Context
	m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { unused = r.Context() })).
		ServeHTTP(httptest.NewRecorder(), b.request("/"))

	b.do(m, func(w http.ResponseWriter, r *http.Request) {
		s := from(r)
		s.Update(count)
		derived, cancel := context.WithCancel(context.WithValue(r.Context(), new(int), 1))
		defer cancel()
		values := map[string]any{
			"a session": s, "an opened session": opened, "a manager": m, "a manager's copy": *m, "a config": config, "a config's address": &config,
			"a context": r.Context(), "a derived context": derived, "a context whose session was not used": unused,
			"a response writer": w,
		}
		for name, value := range values {
			holders := map[string]any{
				"":                       value,
				" in a slice":            []any{value},
				" in an exported field":  struct{ V any }{value},
				" in an unexported one":  struct{ v any }{value},
				" in a map":              map[string]any{"v": value},
				" behind a pointer":      &value,
				" behind two, in a slot": []any{&struct{ v any }{value}},
			}
			for how, holder := range holders {
				for _, flag := range []string{"", "+", "#", "-", " ", "0", "+#", "40", ".5"} {
					for _, verb := range "vTtbcdoOqxXUeEfFgGspwz" {
						format := "%" + flag + string(verb)
						all.check(t, name+how+" under "+format, fmt.Sprintf(format, holder))
					}
				}
				var text, structured bytes.Buffer
				slog.New(slog.NewTextHandler(&text, nil)).Error("m", "v", holder)
				slog.New(slog.NewJSONHandler(&structured, nil)).Error("m", "v", holder)
				encoded, err := json.Marshal(holder)
				all.check(t, name+how+" in text logs", text.String())
				all.check(t, name+how+" in JSON logs", structured.String())
				all.check(t, name+how+" in JSON", fmt.Sprint(string(encoded), err))
				all.check(t, name+how+" in an error", errors.Join(fmt.Errorf("%v", holder)).Error())
			}
		}
	})
}

// The ID is there to be printed.
func TestSessionPrintsAsItsID(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	g.use(func(s *session.Session[state]) {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
			if got := fmt.Sprintf(format, s); !strings.Contains(got, s.ID().String()) {
				t.Errorf("%s prints %q, without the ID", format, got)
			}
		}
	})
}
