package browser_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// patience is how long a condition may take to come true. On an idle machine
// none takes a second, apart from what the stores are asked for every 5.
const patience = time.Minute

// tab is a tab of a browser. Tabs of one browser share their cookies.
type tab struct {
	t    *testing.T
	ctx  context.Context
	site string // without a path
}

// newBrowser opens a first tab with cookies of its own, as a private window is.
func newBrowser(t *testing.T, site string) *tab {
	t.Helper()
	return openTab(chromium, t, site, chromedp.WithNewBrowserContext())
}

// another opens a tab beside this one.
func (b *tab) another() *tab {
	b.t.Helper()
	return openTab(b.ctx, b.t, b.site)
}

func openTab(in context.Context, t *testing.T, site string, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(in, options...)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // the first one opens it
		t.Fatal(err)
	}
	b := &tab{t, ctx, site}
	b.listen()
	return b
}

// listen makes the test fail if a page has something to complain of: a script
// that throws, say, or one that the page's own policy forbids.
func (b *tab) listen() {
	b.t.Helper()
	var mu sync.Mutex
	var said []string
	err := chromedp.Listen(b.ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			// Answers that are errors are what some tests are about.
			if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
				said = append(said, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			said = append(said, e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, text := range said {
			b.t.Errorf("a page of %s complains: %s", b.site, text)
		}
	})
}

// do lets the browser do something, and returns what came of it.
func do[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// call gives the tab a command of the DevTools protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// js evaluates an expression in the page.
func js[T any](b *tab, expression string) T {
	b.t.Helper()
	return do(b, chromedp.Evaluate[T](expression))
}

// leads does something that leads to another page, waits until that has loaded,
// and returns the status that it came with. It may be called in any goroutine.
func (b *tab) leads(step chromedp.Action[chromedp.Void]) (int64, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		return 0, err
	}
	return res.Status, nil
}

// goes is leads for a page that must come with a status.
func (b *tab) goes(step chromedp.Action[chromedp.Void], want int64, what string) {
	b.t.Helper()
	got, err := b.leads(step)
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	if got != want {
		b.t.Fatalf("%s led to a page with status %d, want %d:\n%s", what, got, want, b.text())
	}
}

// open opens a page that must be there.
func (b *tab) open(path string) {
	b.t.Helper()
	b.goes(chromedp.Navigate(b.site+path), 200, "opening "+path)
}

// reload loads the page again.
func (b *tab) reload() {
	b.t.Helper()
	b.goes(chromedp.Reload(), 200, "reloading")
}

// press clicks on something the way a script does, which needs no mouse, and so
// works in several tabs at once.
func press(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).click()", selector))
}

// click clicks on what leads to another page.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.goes(press(selector), 200, "a click on "+selector)
}

// fill fills a field in, faster than one can type.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	js[string](b, fmt.Sprintf("document.querySelector(%q).value = %q", selector, text))
}

// text returns what the page shows.
func (b *tab) text() string {
	b.t.Helper()
	return js[string](b, "document.body.innerText")
}

// path returns where the tab is.
func (b *tab) path() string {
	b.t.Helper()
	return js[string](b, "location.pathname")
}

// wants fails the test unless the page shows each of the texts.
func (b *tab) wants(texts ...string) {
	b.t.Helper()
	page := b.text()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			b.t.Fatalf("the page %s does not show %q:\n%s", b.path(), text, page)
		}
	}
}

// waits waits until the page shows the text.
func (b *tab) waits(text string) {
	b.t.Helper()
	for begun := time.Now(); !strings.Contains(b.text(), text); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > patience {
			b.t.Fatalf("the page %s still does not show %q:\n%s", b.path(), text, b.text())
		}
	}
}

// cookies returns the browser's cookies, as it tells them itself, in the order of
// their names.
func (b *tab) cookies() []*network.Cookie {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	all, err := chromedp.CallBrowser(ctx, storage.GetCookies, storage.GetCookiesParams{BrowserContextID: b.jar()})
	if err != nil {
		b.t.Fatal(err)
	}
	slices.SortFunc(all.Cookies, func(x, y *network.Cookie) int { return strings.Compare(x.Name, y.Name) })
	return all.Cookies
}

func (b *tab) jar() cdp.BrowserContextID { return chromedp.FromContext(b.ctx).BrowserContextID }

// cookie returns the one cookie that the browser must hold.
func (b *tab) cookie() *network.Cookie {
	b.t.Helper()
	all := b.cookies()
	if len(all) != 1 {
		var names []string
		for _, c := range all {
			names = append(names, fmt.Sprintf("%s of %s", c.Name, c.Domain))
		}
		b.t.Fatalf("the browser holds %q, want one cookie", names)
	}
	return all[0]
}
