package session_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// The files in testdata are what an earlier version has written. They are never
// changed, only added to: what one version wrote, every later one reads.

// vectors returns the fields of each file in a folder of testdata, and fails
// when there are fewer files than there have been.
func vectors(t testing.TB, folder string, atLeast int) map[string]map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(files) < atLeast {
		t.Fatalf("%d vectors in testdata/%s, want at least %d: %v", len(files), folder, atLeast, err)
	}
	all := map[string]map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fields := map[string]string{}
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && line[0] != '#' {
				fields[name] = value
			}
		}
		all[filepath.Base(file)] = fields
	}
	return all
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPayloadVectors(t *testing.T) {
	for name, v := range vectors(t, "payload", 8) {
		payload := unhex(t, v["payload"])
		again, state, err := session.ParsePayload(payload)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(again, payload) {
			t.Errorf("%s: is written again as %x", name, again)
		}
		if string(state) != v["state"] {
			t.Errorf("%s: state %q, want %q", name, state, v["state"])
		}
		times := session.PayloadTimes(payload)
		for i, field := range []string{"created", "extended", "renewed", "authenticated"} {
			if got := strconv.FormatInt(times[i], 10); got != v[field] {
				t.Errorf("%s: %s %s, want %s", name, field, got, v[field])
			}
		}
	}
}

// TestTokenVectors opens tokens with a key of theirs and compares what they hold.
func TestTokenVectors(t *testing.T) {
	for name, v := range vectors(t, "token", 4) {
		m := vectorManager(t, v)
		content, ok := session.OpenToken(m, v["token"])
		if !ok || hex.EncodeToString(content) != v["content"] {
			t.Errorf("%s: holds %x, %v; want %s", name, content, ok, v["content"])
		}
	}
}

func vectorManager(t testing.TB, v map[string]string) *session.Manager[state] {
	t.Helper()
	key, err := session.ParseKey(v["key"])
	if err != nil {
		t.Fatal(err)
	}
	var st store.Store = memory.New()
	if v["held"] == "by the client" {
		st = cookie.New()
	}
	return newManager(t, st, func(c *session.Config[state]) {
		c.Keys = []session.Key{key}
		c.Cookie.InsecureSignedOnly = v["protection"] == "signed"
		c.Cookie.MaxChunks = 8
		if v["header"] != "" {
			c.Transport = session.Header(v["header"])
		}
	})
}

func TestPayloadsHaveOneForm(t *testing.T) {
	const held = "0102" + "808080808001" + "00" + "00"
	tests := map[string]string{
		"nothing":                    "",
		"a version only":             "01",
		"a version to come":          "0300" + "00" + "00" + "00",
		"a sealed one, not opened":   "0200" + "00" + "00" + "00",
		"flags to come":              "0120" + "00" + "00" + "00",
		"no times":                   "0100",
		"times cut short":            "0100" + "00" + "00",
		"a time in too many bytes":   "0100" + "8000" + "00" + "00",
		"a time after year 9999":     "0100" + "ffffffffffffff7f" + "00" + "00",
		"a sum after year 9999":      "0100" + "ffb7ff90fdce39" + "01" + "00",
		"a time of more than 64 bit": "0100" + "ffffffffffffffffffff01" + "00" + "00",
		"a hash cut short":           held + strings.Repeat("ab", 31),
		"authenticated cut off":      "0104" + "00" + "00" + "00",
		"kept cut off":               "0110" + "00" + "00" + "00",
		"kept at zero":               "0110" + "00" + "00" + "00" + "00",
		"a label cut off":            "0108" + "00" + "00" + "00",
		"an empty label":             "0108" + "00" + "00" + "00" + "00",
		"a label cut short":          "0108" + "00" + "00" + "00" + "02" + "61",
		"a label too long":           "0108" + "00" + "00" + "00" + "41" + strings.Repeat("61", 65),
		"authenticated at zero":      "0104" + "00" + "00" + "00" + "00",
	}
	for name, text := range tests {
		if again, _, err := session.ParsePayload(unhex(t, text)); err == nil {
			t.Errorf("%s: is read, and written again as %x", name, again)
		}
	}
	if _, _, err := session.ParsePayload(unhex(t, held+strings.Repeat("ab", 32))); err != nil {
		t.Errorf("the payload that the cases are made from: %v", err)
	}
}

func FuzzPayload(f *testing.F) {
	for _, v := range vectors(f, "payload", 8) {
		f.Add(unhex(f, v["payload"]))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		again, _, err := session.ParsePayload(payload)
		if err == nil && !bytes.Equal(again, payload) {
			t.Errorf("%x is read as if it were %x", payload, again)
		}
	})
}

// FuzzToken parses tokens in all the places where they come from outside.
func FuzzToken(f *testing.F) {
	all := vectors(f, "token", 4)
	managers := map[string]*session.Manager[state]{}
	for name, v := range all {
		f.Add(v["token"])
		managers[name] = vectorManager(f, v)
	}
	f.Fuzz(func(t *testing.T, token string) {
		for name, m := range managers {
			content, ok := session.OpenToken(m, token)
			if ok && token != all[name]["token"] {
				t.Errorf("%s: %q opens, and holds %x", name, token, content)
			}
			if s, err := m.LoadToken(t.Context(), token); err == nil {
				t.Errorf("%s: %q leads to %v", name, token, s)
			}
		}
	})
}

// FuzzCookieHeader reads a Cookie header as net/http does, and serves a request
// with it.
func FuzzCookieHeader(f *testing.F) {
	var m *session.Manager[state]
	for _, v := range vectors(f, "token", 4) {
		f.Add("__Host-session="+v["token"], "lang=en")
		f.Add("lang=en; __Host-session=2."+v["token"]+"; __Host-session-1=AAAA", `__Host-session="`+v["token"]+`"`)
		if v["held"] == "by the client" {
			m = vectorManager(f, v)
		}
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		lines := []string{first, second}
		checkCookieValues(t, lines, "__Host-session")
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Cookie"] = lines
		w := httptest.NewRecorder()
		m.Wrap(http.HandlerFunc(increment)).ServeHTTP(w, r)
		if w.Code != http.StatusOK || len(w.Header()["Set-Cookie"]) == 0 {
			t.Errorf("%q: status %d, Set-Cookie %q", lines, w.Code, w.Header()["Set-Cookie"])
		}
	})
}

func TestTokensAreURLSafe(t *testing.T) {
	b := newBrowser(t, nil)
	b.do(newManager(t, memory.New()), increment)
	if _, err := base64.RawURLEncoding.Strict().DecodeString(b.cookies["__Host-session"]); err != nil {
		t.Error(err)
	}
}
