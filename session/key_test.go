package session_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/typedsession/typedsession/session"
)

func TestParseKeyReadsEverySpellingOfBase64(t *testing.T) {
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = byte(255 - i*7)
	}
	for name, encoding := range map[string]*base64.Encoding{
		"standard": base64.StdEncoding, "standard, unpadded": base64.RawStdEncoding,
		"URL": base64.URLEncoding, "URL, unpadded": base64.RawURLEncoding,
	} {
		text := encoding.EncodeToString(raw)
		key, err := session.ParseKey(" " + text + "\n")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := key.Encode(); got != base64.RawURLEncoding.EncodeToString(raw) {
			t.Errorf("%s: parsed as %q", name, got)
		}
	}
	if one, two := session.NewKey(), session.NewKey(); one.Encode() == two.Encode() {
		t.Error("NewKey drew the same key twice")
	}
}

func TestParseKeyRefuses(t *testing.T) {
	whole := session.NewKey().Encode()
	for name, text := range map[string]string{
		"nothing": "", "a key that is short": whole[:40], "a key that is long": whole + "AAAA",
		"hexadecimal": hex.EncodeToString(make([]byte, 32)), "other characters": "$" + whole[1:],
		"two alphabets": "+" + strings.Repeat("-", 42),
		// 256 bits leave 2 over in the last character.
		"stray bits": strings.Repeat("A", 42) + "B",
	} {
		key, err := session.ParseKey(text)
		if err == nil || key.Encode() != "" {
			t.Errorf("ParseKey accepts %s", name)
		} else if len(text) > 10 && strings.Contains(err.Error(), text[:10]) {
			t.Errorf("%s: the error quotes the text: %v", name, err)
		}
	}
}

// TestParseKeySaysWhatItGot: the error names what the text is and what to do.
func TestParseKeySaysWhatItGot(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "is the variable set",
		"correct horse battery staple":         "DeriveKey",
		hex.EncodeToString(make([]byte, 32)):   "hexadecimal of 32 bytes",
		"8d5a6f0e-3c1b-4b7e-9a51-6f8f1c0c2a11": "DeriveKey",
		base64.StdEncoding.EncodeToString([]byte("0123456789abcdef")): "base64 of 16 bytes",
	} {
		if _, err := session.ParseKey(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseKey of %d characters: %v, want %q", len(text), err, want)
		}
	}
}

func TestDeriveKey(t *testing.T) {
	long := []byte("0123456789abcdef")
	one, err := session.DeriveKey(long)
	if err != nil {
		t.Fatal(err)
	}
	// What an application has derived must stay the same in every version.
	const want = "4orDydw4vREVWTRfUcdg0z5XvJW2JJuTDendp6xqqZk"
	if got := one.Encode(); got != want {
		t.Errorf("DeriveKey gives %s, want %s", got, want)
	}
	if _, err := session.DeriveKey(long[:15]); err == nil {
		t.Error("DeriveKey accepts 15 bytes")
	}
}

// TestLoadOrCreateKey: a restart, and processes that start at once, find one key.
func TestLoadOrCreateKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	var wg sync.WaitGroup
	keys := make([]string, 8)
	for i := range keys {
		wg.Go(func() {
			key, err := session.LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
			}
			keys[i] = key.Encode()
		})
	}
	wg.Wait()
	again, err := session.LoadOrCreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if key != again.Encode() {
			t.Error("two processes have two keys")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(files) != 1 {
		t.Errorf("files are left: %v", files)
	}
	if err := os.WriteFile(path, []byte("spoiled"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := session.LoadOrCreateKey(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a spoiled file: %v, want an error with its path", err)
	}
	if _, err := session.LoadOrCreateKey(filepath.Join(path, "below")); err == nil {
		t.Error("a path that cannot be: no error")
	}
}

// TestNothingShowsAKey prints keys in all the ways there are. 20 of 32 of these
// leaked from a named string with String, GoString and LogValue methods.
func TestNothingShowsAKey(t *testing.T) {
	text := "sesame-0123456789-0123456789-abcd"[:32]
	key, err := session.ParseKey(base64.RawURLEncoding.EncodeToString([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	cfg := session.Config[state]{Keys: []session.Key{key}, Subject: session.Anonymous[state]}
	m := newManager(t, newSpyStore(), func(c *session.Config[state]) { c.Keys = cfg.Keys })
	values := map[string]any{
		"bare": key, "pointer": &key, "exported field": struct{ K session.Key }{key},
		"unexported field": struct{ k session.Key }{key}, "slice": cfg.Keys,
		"map": map[string]session.Key{"k": key}, "config": cfg, "config pointer": &cfg, "manager": m,
	}
	leaks := []string{text, hex.EncodeToString([]byte(text)), key.Encode(), fmt.Sprint([]byte(text))[1:30], fmt.Sprintf("%#v", []byte(text))[7:30]}
	for name, value := range values {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "%#x", "%o", "%b", "%c", "%U", "%p", "%T", "%e", "%g", "%t"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "value", value)
		_ = json.NewEncoder(&out).Encode(value)
		_ = gob.NewEncoder(&out).Encode(value)
		for _, leak := range leaks {
			if strings.Contains(strings.ToLower(out.String()), strings.ToLower(leak)) {
				t.Errorf("%s shows the key as %q:\n%s", name, leak, out.String())
			}
		}
	}
}
