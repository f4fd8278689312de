package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/typedsession/typedsession/e2e/migrate"
	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/session"
	adopt "github.com/typedsession/typedsession/session/migrate"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the tests provoke failures
	redistest.Main(m)
}

var errDown = errors.New("store down")

// spy is a store that counts its calls and can be made to fail.
type spy struct {
	store.SubjectIndex
	calls atomic.Int64
	down  atomic.Bool
	lose  atomic.Bool // the answer of the next Update
}

func newSpy() *spy { return &spy{SubjectIndex: memory.New()} }

func (s *spy) call(ctx context.Context) error {
	s.calls.Add(1)
	if s.down.Load() {
		return errDown
	}
	return ctx.Err()
}

func (s *spy) Create(ctx context.Context, rec store.Record) error {
	if err := s.call(ctx); err != nil {
		return err
	}
	return s.SubjectIndex.Create(ctx, rec)
}

func (s *spy) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if err := s.call(ctx); err != nil {
		return store.Record{}, err
	}
	return s.SubjectIndex.Load(ctx, id)
}

func (s *spy) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	if err := s.call(ctx); err != nil {
		return err
	}
	err := s.SubjectIndex.Update(ctx, base, rec)
	if s.lose.CompareAndSwap(true, false) {
		return errDown
	}
	return err
}

func (s *spy) Delete(ctx context.Context, id store.ID) error {
	if err := s.call(ctx); err != nil {
		return err
	}
	return s.SubjectIndex.Delete(ctx, id)
}

// after is the program as it becomes.
type after struct {
	http.Handler
	manager      *session.Manager[migrate.State]
	adopter      *adopt.Adopter[migrate.State]
	store, marks *spy
}

// cookieName is the new one's.
const cookieName = "__Host-id"

// switchTo returns the program that comes after b.
func (b *before) switchTo(t testing.TB) *after {
	p := &after{store: newSpy(), marks: newSpy()}
	p.manager = newManager(t, p.store, session.NewKey())
	p.adopter = b.adopt(p.manager, p.marks)
	p.Handler = p.adopter.Wrap(program())
	return p
}

func newManager(t testing.TB, st store.Store, key session.Key) *session.Manager[migrate.State] {
	t.Helper()
	m, err := session.NewManager(st, session.Config[migrate.State]{
		Keys:    []session.Key{key},
		Subject: func(s *migrate.State) string { return s.UserID },
		Cookie:  session.Cookie{Name: cookieName},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "the shop's own error page", http.StatusServiceUnavailable)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// program is the application after the switch. It is not changed for the switch.
func program() http.Handler {
	from := func(r *http.Request) *session.Session[migrate.State] {
		return session.From[migrate.State](r.Context())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		from(r).Update(func(s *migrate.State) { s.UserID = r.FormValue("user") })
	})
	mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() })
	mux.HandleFunc("/add", func(_ http.ResponseWriter, r *http.Request) {
		from(r).Update(func(s *migrate.State) { s.Cart = append(s.Cart, r.FormValue("item")) })
	})
	mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		s := from(r).State()
		fmt.Fprint(w, s.UserID, s.Cart)
	})
	mux.HandleFunc("/static", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		io.WriteString(w, "a picture")
	})
	return mux
}

// wantSessions fails the test unless alice has this many live sessions.
func wantSessions(t testing.TB, m *session.Manager[migrate.State], want int) {
	t.Helper()
	infos, err := m.Sessions(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if len(infos) != want {
		t.Errorf("alice has %d sessions, want %d", len(infos), want)
	}
}

// browser keeps cookies as a browser does.
type browser map[string]*http.Cookie

// String returns the names of the cookies.
func (b browser) String() string { return fmt.Sprint(slices.Sorted(maps.Keys(b))) }

// reply is the answer to a request.
type reply struct {
	code    int
	header  http.Header
	cookies []*http.Cookie
	text    string
}

// ask sends a request, and keeps the cookies of its answer.
func (b browser) ask(h http.Handler, path string) reply {
	answer := b.send(h, path)
	b.keep(answer)
	return answer
}

// send sends a request, and takes no notice of the answer's cookies.
func (b browser) send(h http.Handler, path string) reply {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, name := range slices.Sorted(maps.Keys(b)) {
		r.AddCookie(b[name])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	response := w.Result()
	defer response.Body.Close()
	return reply{response.StatusCode, response.Header, response.Cookies(), w.Body.String()}
}

func (b browser) keep(answer reply) {
	for _, c := range answer.cookies {
		if c.MaxAge < 0 {
			delete(b, c.Name)
		} else {
			b[c.Name] = c
		}
	}
}

// clone returns a browser with the same cookies: a request at the same time, or
// an attacker who has copied them.
func (b browser) clone() browser { return maps.Clone(b) }

// wants fails the test unless a program takes the browser for this user with
// this cart.
func (b browser) wants(t testing.TB, h http.Handler, want string) {
	t.Helper()
	if got := b.ask(h, "/who").text; got != want {
		t.Errorf("the visitor is %q, want %q", got, want)
	}
}

// nobody is a visitor without a session.
const nobody = "[]"

// alice is a browser that is logged in at the program before, with a mug in the
// cart.
func alice(b *before) browser {
	c := browser{}
	c.ask(b, "/login?user=alice")
	c.ask(b, "/add?item=mug")
	return c
}
