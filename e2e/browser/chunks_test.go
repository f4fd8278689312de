package browser_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
)

func TestChunksLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	type text struct{ Text string }
	manager, err := session.NewManager(cookie.New(), session.Config[text]{
		Keys:    []session.Key{session.NewKey()},
		Subject: session.Anonymous[text],
		Cookie:  session.Cookie{MaxChunks: 4},
		Logger:  slog.New(slog.DiscardHandler), // what fails here fails on purpose
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", manager.Handle(func(w http.ResponseWriter, _ *http.Request, s *session.Session[text]) {
		fmt.Fprint(w, s.State().Text)
	}))
	mux.Handle("/write/{n}", manager.Handle(func(w http.ResponseWriter, r *http.Request, s *session.Session[text]) {
		n, err := strconv.Atoi(r.PathValue("n"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		s.Update(func(st *text) { st.Text = written(n) })
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}))
	mux.Handle("/end", manager.Handle(func(w http.ResponseWriter, _ *http.Request, s *session.Session[text]) {
		s.Destroy()
		fmt.Fprint(w, "ended")
	}))
	srv := httptest.NewTLSServer(mux)
	t.Cleanup(srv.Close)

	b := newBrowser(t, srv.URL)
	wants := func(chunks int, text string) {
		t.Helper()
		b.open("/")
		if got := b.text(); got != text {
			t.Errorf("the session holds %d bytes, %.20q, want %d", len(got), got, len(text))
		}
		var names []string
		for _, c := range b.cookies() {
			names = append(names, c.Name)
			if size := len(c.Name) + len(c.Value); size > 4096 {
				t.Errorf("%s has %d bytes, more than browsers keep", c.Name, size)
			}
			if !c.Secure || !c.HTTPOnly || c.Path != "/" {
				t.Errorf("Chromium holds %+v", *c)
			}
		}
		want := []string{"__Host-session", "__Host-session-1", "__Host-session-2", "__Host-session-3"}[:chunks]
		if strings.Join(names, " ") != strings.Join(want, " ") {
			t.Errorf("with %d bytes the cookies are %q, want %q", len(text), names, want)
		}
	}
	// Up and down, each number of chunks from more and from fewer.
	for _, step := range []struct{ size, chunks int }{
		{10, 1}, {4_000, 2}, {11_000, 4}, {8_000, 3}, {4_000, 2}, {8_000, 3}, {11_000, 4}, {10, 1}, {11_000, 4}, {4_000, 2},
	} {
		b.open(fmt.Sprintf("/write/%d", step.size))
		wants(step.chunks, written(step.size))
	}
	// More than all chunks hold is refused, and what there was stays.
	b.goes(chromedp.Navigate(srv.URL+"/write/20000"), http.StatusInternalServerError, "writing too much")
	wants(2, written(4_000))

	b.open("/end")
	wants(0, "")
}

// written returns a text of n bytes that differs from those of other sizes from
// its beginning on.
func written(n int) string { return (strconv.Itoa(n) + strings.Repeat(".", n))[:n] }
