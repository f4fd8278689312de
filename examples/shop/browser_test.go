package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// eachStore runs a test with a browser in front of the shop, for every store.
func eachStore(t *testing.T, test func(t *testing.T, b *browser)) {
	for _, kind := range []string{"memory", "cookie"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, openShop(t, kind))
		})
	}
}

// openShop opens a shop and returns a browser in front of it.
func openShop(t *testing.T, kind string) *browser {
	t.Helper()
	st, err := openStore(t.Context(), kind, "")
	if err != nil {
		t.Fatal(err)
	}
	return openShopOn(t, st, kind)
}

func openShopOn(t *testing.T, st store.Store, kind string) *browser {
	t.Helper()
	handler, err := newShop(st, kind, session.NewKey(), "", t.Context().Done())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(handler) // no client keeps a Secure cookie without TLS
	t.Cleanup(srv.Close)
	return newBrowser(t, kind, srv.URL, srv.Client().Transport)
}

// eachStoreInBubble is eachStore where time is synctest's, so that a test can
// wait. The browser calls the handler itself.
func eachStoreInBubble(t *testing.T, test func(t *testing.T, b *browser)) {
	for _, kind := range []string{"memory", "cookie"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				st, err := openStore(t.Context(), kind, "")
				if err != nil {
					t.Fatal(err)
				}
				test(t, openShopDirectly(t, st, kind))
			})
		})
	}
}

func openShopDirectly(t *testing.T, st store.Store, kind string) *browser {
	t.Helper()
	handler, err := newShop(st, kind, session.NewKey(), "", t.Context().Done())
	if err != nil {
		t.Fatal(err)
	}
	return newBrowser(t, kind, "https://shop.example", direct{handler})
}

// direct answers requests without a network.
type direct struct{ http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	r := req.Clone(req.Context())
	r.Host, r.RequestURI = req.URL.Host, req.URL.RequestURI()
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	res := w.Result()
	res.Request = req
	return res, nil
}

// browser keeps cookies, and does not follow redirects.
type browser struct {
	t      *testing.T
	kind   string // of the shop's store
	url    string
	agent  string // what it says of itself
	client *http.Client
}

// newBrowser returns a browser that has never been to the shop at url.
func newBrowser(t *testing.T, kind, url string, transport http.RoundTripper) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{t, kind, url, "", &http.Client{Transport: transport, Jar: jar, CheckRedirect: stay}}
}

// another returns a browser that has never been to the shop.
func (b *browser) another() *browser {
	b.t.Helper()
	return newBrowser(b.t, b.kind, b.url, b.client.Transport)
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	text string
}

func (b *browser) do(req *http.Request) answer {
	b.t.Helper()
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res, string(body)}
}

func (b *browser) request(method, path string, form url.Values) *http.Request {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if b.agent != "" {
		req.Header.Set("User-Agent", b.agent)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

// get fetches a page that must be there.
func (b *browser) get(path string) answer {
	b.t.Helper()
	a := b.do(b.request("GET", path, nil))
	if a.StatusCode != http.StatusOK {
		b.t.Fatalf("GET %s answered %s", path, a.Status)
	}
	return a
}

// leads fetches a page that must lead on to another one.
func (b *browser) leads(path, to string) {
	b.t.Helper()
	a := b.do(b.request("GET", path, nil))
	if got := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || got != to {
		b.t.Errorf("GET %s answered %s, leading to %q; want 303 to %q", path, a.Status, got, to)
	}
}

// post sends a form, given as names and values in turn.
func (b *browser) post(path string, fields ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.do(b.request("POST", path, form))
}

// send posts a form that must lead on to another page.
func (b *browser) send(path, to string, fields ...string) answer {
	b.t.Helper()
	a := b.post(path, fields...)
	if got := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || got != to {
		b.t.Fatalf("POST %s %q answered %s, leading to %q; want 303 to %q", path, fields, a.Status, got, to)
	}
	return a
}

// cookies returns what the browser would send.
func (b *browser) cookies() []*http.Cookie {
	b.t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.client.Jar.Cookies(u)
}

// cookie returns the one cookie that the browser must hold.
func (b *browser) cookie() *http.Cookie {
	b.t.Helper()
	all := b.cookies()
	if len(all) != 1 || all[0].Value == "" {
		b.t.Fatalf("the browser holds %d cookies, want 1", len(all))
	}
	return all[0]
}

// wants fails the test unless the answer contains every one of the texts.
func (a answer) wants(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.text, text) {
			t.Errorf("%s %s does not show %q", a.Request.Method, a.Request.URL.Path, text)
		}
	}
}

// lacks fails the test if the answer contains one of the texts.
func (a answer) lacks(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.text, text) {
			t.Errorf("%s %s shows %q", a.Request.Method, a.Request.URL.Path, text)
		}
	}
}
