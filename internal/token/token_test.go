package token_test

import (
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/typedsession/typedsession/internal/seal"
	"github.com/typedsession/typedsession/internal/token"
	"github.com/typedsession/typedsession/internal/vectortest"
)

// vectorCodec returns a codec that opens the token of a vector.
func vectorCodec(t testing.TB, v map[string]string) *token.Codec {
	t.Helper()
	key, err := base64.RawURLEncoding.DecodeString(v["key"])
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.NewRing([seal.KeySize]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	purpose, name := "token", "cookie __Host-session"
	if v["held"] == "by the client" {
		purpose = "client-held record"
	}
	if v["header"] != "" {
		name = "header " + v["header"]
	}
	if v["protection"] == "signed" {
		return token.NewCodec(ring.Signer(purpose), 32_000, name)
	}
	return token.NewCodec(ring.Sealer(purpose), 32_000, name)
}

func open(c *token.Codec, text string) (content []byte, ok bool) {
	_, ok = c.Open(text, 0, func(b []byte) { content = append(content, b...) })
	return content, ok
}

func TestVectors(t *testing.T) {
	for name, v := range vectortest.Read(t, 5) {
		content, ok := open(vectorCodec(t, v), v["token"])
		if !ok || hex.EncodeToString(content) != v["content"] {
			t.Errorf("%s: holds %x, %v; want %s", name, content, ok, v["content"])
		}
	}
}

// TestNames opens tokens under each of their names: a token is bound to one, and
// one of a former name is stale.
func TestNames(t *testing.T) {
	ring, err := seal.NewRing([seal.KeySize]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	old := token.NewCodec(ring.Sealer("token"), 4096, "cookie old")
	c := token.NewCodec(ring.Sealer("token"), 4096, "cookie new", "cookie old")
	for _, test := range []struct {
		text      string
		name      int
		stale, ok bool
	}{
		{c.Seal("x"), 0, false, true},
		{c.Seal("x"), 1, false, false},
		{old.Seal("x"), 0, false, false},
		{old.Seal("x"), 1, true, true},
		{old.Seal("x"), 2, false, false},
	} {
		stale, ok := c.Open(test.text, test.name, func([]byte) {})
		if stale != test.stale || ok != test.ok {
			t.Errorf("name %d: stale %v, opens %v; want %v, %v", test.name, stale, ok, test.stale, test.ok)
		}
	}
}

func FuzzOpen(f *testing.F) {
	all := vectortest.Read(f, 5)
	codecs := map[string]*token.Codec{}
	for name, v := range all {
		f.Add(v["token"])
		codecs[name] = vectorCodec(f, v)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, c := range codecs {
			if content, ok := open(c, text); ok && text != all[name]["token"] {
				t.Errorf("%s: %q opens, and holds %x", name, text, content)
			}
		}
	})
}
