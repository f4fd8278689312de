package browser_test

import (
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
)

func TestRememberMeOutlivesTheBrowser(t *testing.T) {
	t.Parallel()
	// Chromium takes every name under localhost for this machine, and keeps the
	// cookies of each apart: all the cases fit into one profile.
	type visit struct {
		shop     *shop
		remember bool
		site     string
	}
	var visits []visit
	for _, store := range []string{"memory", "cookie", "redis"} {
		s := openShop(t, store)
		u, err := url.Parse(s.url)
		if err != nil {
			t.Fatal(err)
		}
		for _, remember := range []bool{true, false} {
			site := fmt.Sprintf("http://%s-%t.localhost:%s", store, remember, u.Port())
			visits = append(visits, visit{s, remember, site})
		}
	}
	profile := filepath.Join(t.TempDir(), "profile")
	inProcess := func(run func(first *tab)) {
		t.Helper()
		ctx, stop, err := startChromium(profile)
		if err != nil {
			t.Fatal(err)
		}
		run(&tab{t: t, ctx: ctx})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	inProcess(func(b *tab) {
		for _, v := range visits {
			b.site = v.site
			b.signIn(v.remember)
		}
	})
	inProcess(func(b *tab) {
		for _, v := range visits {
			b.site = v.site
			if got := b.signedIn(); got != v.remember {
				t.Errorf("%s: after a restart of the browser, signed in is %t", v.site, got)
			}
		}
	})
}
