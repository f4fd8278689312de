package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// visits is the state of a session that counts.
type visits struct{ N int }

// widget is a site that other sites show in a frame. It counts how often a
// browser has been there.
type widget struct {
	port  string
	shown chan int // what the frame shows
}

// newWidget starts the site, and beside it the pages that embed it.
func newWidget(t *testing.T, cookie session.Cookie) *widget {
	t.Helper()
	manager, err := session.NewManager(memory.New(), session.Config[visits]{
		Keys:    []session.Key{session.NewKey()},
		Subject: session.Anonymous[visits],
		Cookie:  cookie,
	})
	if err != nil {
		t.Fatal(err)
	}
	wi := &widget{shown: make(chan int, 1)}
	mux := http.NewServeMux()
	mux.Handle("widget.test/{$}", manager.Handle(func(w http.ResponseWriter, r *http.Request, s *session.Session[visits]) {
		s.Update(func(v *visits) { v.N++ })
		// A visit that is not kept is not counted: the browser may hold a cookie
		// that it was not to send.
		_ = s.Save(r.Context())
		fmt.Fprintln(w, "visit", s.State().N)
		wi.shown <- s.State().N
	}))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><iframe src="https://widget.test:%s/"></iframe>`, wi.port)
	})
	srv := httptest.NewTLSServer(mux) // SameSite=None needs Secure
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	wi.port = u.Port()
	return wi
}

func TestEmbeddedSession(t *testing.T) {
	t.Parallel()
	plain := session.Cookie{SameSite: http.SameSiteNoneMode}
	partitioned := session.Cookie{SameSite: http.SameSiteNoneMode, Partitioned: true}
	allowed := allowThirdParties(t)
	tests := []struct {
		name    string
		cookie  session.Cookie
		blocked bool  // cookies of third parties are
		want    []int // visits, on one site, again, on another site, and on the first
		sites   []string
	}{
		{"the default is for no frame", session.Cookie{}, false, []int{0, 0, 0, 0}, nil},
		{"one session on all sites", plain, false, []int{1, 2, 3, 4}, []string{""}},
		{"none where third parties are blocked", plain, true, []int{1, 1, 1, 1}, nil},
		{"one on each site", partitioned, false, []int{1, 2, 1, 3}, []string{"https://one.test", "https://two.test"}},
		{"one on each site that no block reaches", partitioned, true, []int{1, 2, 1, 3}, []string{"https://one.test", "https://two.test"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWidget(t, tt.cookie)
			b := newBrowser(t, "") // a private window, where Chromium blocks them
			if !tt.blocked {
				b = openTab(allowed, t, "")
				call(b, network.ClearBrowserCookies, cdp.Empty{})
			}
			for i, site := range []string{"one", "one", "two", "one"} {
				b.site = "https://" + site + ".test:" + w.port
				b.open("/")
				if got := receive(t, w.shown); got != tt.want[i] {
					t.Errorf("page %d, on site %s: the frame shows visit %d, want %d", i+1, site, got, tt.want[i])
				}
			}
			var sites []string
			for _, c := range b.cookies() {
				site := ""
				if c.PartitionKey != nil {
					site = c.PartitionKey.TopLevelSite
				}
				sites = append(sites, site)
			}
			slices.Sort(sites)
			if !slices.Equal(sites, tt.sites) {
				t.Errorf("the cookies are those of %q, want %q", sites, tt.sites)
			}
		})
	}
}

// allowThirdParties starts a Chromium whose user has allowed the cookies of third
// parties in its settings. By default this one blocks them.
func allowThirdParties(t *testing.T) context.Context {
	t.Helper()
	dir := t.TempDir()
	settings := filepath.Join(dir, "Default", "Preferences")
	if err := os.Mkdir(filepath.Dir(settings), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(settings, []byte(`{"profile": {"cookie_controls_mode": 0}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop, err := startChromium(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return ctx
}
