package browser_test

import (
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// customer is the state of the application at app.test.
type customer struct {
	UserID string
	Items  int
	Visits int
	Flash  string
	Flow   string // the state parameter of a login that is under way
}

// sites are an application at app.test and another site, which leads to it:
// a provider of logins, payments and links.
type sites struct {
	app, other string
	manager    *session.Manager[customer]
}

// otherPage is every page of the other site. The forms come from providers that
// answer by response_mode=form_post.
var otherPage = template.Must(template.New("").Parse(`<!doctype html>
<a href="{{.}}/visit">a link</a>
<form id="payment" method="post" action="{{.}}/payment"><button>pay</button></form>
{{range $way := .Ways}}
<form id="{{$way}}" method="post" action="{{$}}/callback/{{$way}}">
	<input name="code" value="c0de"><input name="state" value="st4te"><button>log in by {{$way}}</button>
</form>
{{end}}
<form id="failed" method="post" action="{{.}}/callback/failed">
	<input name="error" value="access_denied"><button>refuse</button>
</form>`))

// appURL is the application's address as the template sees it.
type appURL string

func (appURL) Ways() []string { return []string{"direct", "repost", "redirect"} }

// openSites starts both sites over TLS on one port.
func openSites(t *testing.T, sameSite http.SameSite) *sites {
	t.Helper()
	s := &sites{}
	var err error
	s.manager, err = session.NewManager(memory.New(), session.Config[customer]{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(c *customer) string { return c.UserID },
		Cookie:  session.Cookie{SameSite: sameSite},
		Logger:  slog.New(slog.DiscardHandler), // changes are withheld on purpose
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("other.test/{$}", func(w http.ResponseWriter, _ *http.Request) {
		if err := otherPage.Execute(w, appURL(s.app)); err != nil {
			t.Error(err)
		}
	})
	mux.Handle("app.test/", s.protected())
	srv := httptest.NewTLSServer(mux)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.app, s.other = "https://app.test:"+u.Port(), "https://other.test:"+u.Port()
	return s
}

// protected returns the application behind a CrossOriginProtection, which lets
// pass what other sites may post. Those handlers must check by themselves that
// this browser has begun what ends here.
func (s *sites) protected() http.Handler {
	origins := http.NewCrossOriginProtection()
	origins.AddInsecureBypassPattern("POST /callback/{way}")
	origins.AddInsecureBypassPattern("POST /payment")
	return origins.Handler(s.manager.Wrap(s.routes()))
}

func (s *sites) routes() http.Handler {
	mux := http.NewServeMux()
	from := func(r *http.Request) *session.Session[customer] { return session.From[customer](r.Context()) }
	mux.HandleFunc("/begin", func(w http.ResponseWriter, r *http.Request) {
		from(r).Update(func(c *customer) { c.Items, c.Flow = 1, "st4te" })
		fmt.Fprint(w, "begun")
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		from(r).Login(func(c *customer) { c.UserID = "ann" })
		fmt.Fprint(w, "logged in")
	})
	mux.HandleFunc("/visit", func(w http.ResponseWriter, r *http.Request) {
		from(r).Update(func(c *customer) { c.Visits++ })
		fmt.Fprint(w, "visited")
	})
	mux.HandleFunc("POST /payment", func(w http.ResponseWriter, r *http.Request) {
		from(r).Update(func(c *customer) { c.Flash = "paid" })
		fmt.Fprint(w, "thank you")
	})
	mux.HandleFunc("POST /callback/failed", func(w http.ResponseWriter, r *http.Request) {
		from(r).Update(func(c *customer) { c.Flash = "refused" })
		fmt.Fprint(w, "not logged in")
	})
	mux.HandleFunc("POST /callback/direct", s.finish)
	mux.HandleFunc("POST /callback/repost", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			repost(w, r)
			return
		}
		s.finish(w, r)
	})
	mux.HandleFunc("POST /callback/redirect", func(w http.ResponseWriter, r *http.Request) {
		back := url.Values{"code": {r.PostFormValue("code")}, "state": {r.PostFormValue("state")}}
		http.Redirect(w, r, "/finish?"+back.Encode(), http.StatusSeeOther)
	})
	mux.HandleFunc("GET /finish", s.finish)
	mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		c := from(r).State()
		fmt.Fprintf(w, "%q has %d", c.UserID, c.Items)
	})
	return mux
}

// finish ends a login. It refuses one that this browser has not begun.
func (s *sites) finish(w http.ResponseWriter, r *http.Request) {
	own := session.From[customer](r.Context())
	if state := own.State().Flow; state == "" || state != r.FormValue("state") {
		http.Error(w, "not begun here", http.StatusForbidden)
		return
	}
	own.Login(func(c *customer) { c.UserID, c.Flow = "ann", "" })
	fmt.Fprint(w, "logged in")
}

// repostPage posts a form again, from this site, so that the browser sends its
// cookies with it. The script needs a nonce or a hash in a Content-Security-Policy;
// the button works without.
var repostPage = template.Must(template.New("").Parse(`<!doctype html>
<title>Signing in</title>
<form method="post" action="{{.Path}}">
	{{range $name, $values := .Form}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">
	{{end}}{{end}}<button>Continue</button>
</form>
<script>document.forms[0].submit()</script>`))

func repost(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "bad form", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = repostPage.Execute(w, struct { // the client has gone if it fails
		Path string
		Form url.Values
	}{r.URL.Path, r.PostForm})
}

// TestOtherSitesDoNotLogOut holds that a request from another site, for which the
// browser withholds the cookie, does not replace the session.
func TestOtherSitesDoNotLogOut(t *testing.T) {
	t.Parallel()
	for name, sameSite := range map[string]http.SameSite{"Lax": http.SameSiteLaxMode, "Strict": http.SameSiteStrictMode} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openSites(t, sameSite)
			b := newBrowser(t, s.app)
			b.open("/begin")
			b.open("/login")
			before := b.cookie().Value
			for _, step := range []struct{ press, shows string }{
				{"a", "visited"}, {"#payment button", "thank you"}, {"#failed button", "not logged in"},
			} {
				b.goes(chromedp.Navigate(s.other+"/"), http.StatusOK, "the other site")
				b.click(step.press)
				b.wants(step.shows)
				b.open("/who")
				b.wants(`"ann" has 1`)
			}
			if b.cookie().Value != before {
				t.Error("the cookie was replaced")
			}
		})
	}
}

// TestFormPostLogin holds the recipes of docs/RECIPES.md for providers that answer
// by a form.
func TestFormPostLogin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		sameSite http.SameSite
		way      string
		works    bool
	}{
		{"the cookie is withheld from the form itself", http.SameSiteLaxMode, "direct", false},
		{"SameSite=None", http.SameSiteNoneMode, "direct", true},
		{"a page that posts again", http.SameSiteLaxMode, "repost", true},
		{"a page that posts again, Strict", http.SameSiteStrictMode, "repost", true},
		{"a redirect to a GET", http.SameSiteLaxMode, "redirect", true},
		{"a redirect brings no Strict cookie", http.SameSiteStrictMode, "redirect", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := openSites(t, tt.sameSite)
			b := newBrowser(t, s.app)
			b.open("/begin")
			b.goes(chromedp.Navigate(s.other+"/"), http.StatusOK, "the other site")
			status, err := b.leads(press("#" + tt.way + " button"))
			if err != nil {
				t.Fatal(err)
			}
			if tt.way == "repost" {
				b.waits("logged in")
			} else if got := status == http.StatusOK; got != tt.works {
				t.Errorf("the callback is answered %d, with\n%s", status, b.text())
			}
			want := `"" has 1` // the visitor's cart stays
			if tt.works {
				want = `"ann" has 1`
			}
			b.open("/who")
			b.wants(want)
		})
	}
}
