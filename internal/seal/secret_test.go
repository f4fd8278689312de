package seal_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/internal/seal"
)

// printings returns v printed in every way that this test knows, by name. The
// names of the ways are few enough to read; what they must not show is many.
func printings(v any) map[string]string {
	out := make(map[string]string)
	for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
		for _, flags := range []string{"", "+", "#", "-", " ", "0", "+#", "# ", "200.100"} {
			format := "%" + flags + string(verb)
			out[format] = fmt.Sprintf(format, v)
		}
	}
	out["Sprint"] = fmt.Sprint(v)
	out["Errorf"] = fmt.Errorf("wrapped: %v", v).Error()

	var text, object bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("message", "value", v)
	slog.New(slog.NewJSONHandler(&object, nil)).Info("message", "value", v)
	out["slog text"], out["slog JSON"] = text.String(), object.String()

	encoded, err := json.Marshal(v)
	out["json"] = fmt.Sprint(string(encoded), err)
	var stream bytes.Buffer
	err = gob.NewEncoder(&stream).Encode(v)
	out["gob"] = fmt.Sprint(stream.String(), err)
	return out
}

// traces returns how the first bytes of a secret, and some from its middle, would
// look in the outputs of printings.
func traces(secret []byte) []string {
	var all []string
	for _, part := range [][]byte{secret[:5], secret[16:21]} {
		all = append(all, string(part))
		for _, format := range []string{
			"%d", "%b", "%o", "%O", "%x", "%X", "% x", "% X", "%#x", "%# x", "%#v", "%U", "%c", "%q",
		} {
			slice := strings.TrimPrefix(fmt.Sprintf(format, part), "[]byte")
			array := strings.TrimPrefix(fmt.Sprintf(format, [5]byte(part)), "[5]uint8")
			all = append(all, strings.Trim(slice, "[]{}\""), strings.Trim(array, "[]{}"))
		}
		list, _ := json.Marshal([5]byte(part))
		all = append(all, strings.Trim(string(list), "[]"))
	}
	for i := range 3 { // the three ways that base64 can be aligned
		encoded := base64.RawStdEncoding.EncodeToString(secret[i : i+24])
		all = append(all, encoded[4:12])
	}
	return all
}

// inside returns v bare and inside everything that a program might print with
// it.
func inside[T any](v T) []any {
	return []any{
		v, &v,
		struct{ V T }{v},
		struct{ v T }{v},
		&struct{ v T }{v},
		struct{ V *T }{&v},
		struct{ v any }{v},
		[]T{v},
		[]any{v},
		[1]T{v},
		map[string]T{"v": v},
		map[string]any{"v": &v},
		fmt.Errorf("wrapped: %+v", v), slog.GroupValue(slog.Any("v", v)),
	}
}

// leak returns a way of printing some value that shows a secret, or "".
func leak(values []any, secrets ...[]byte) string {
	var all []string
	for _, secret := range secrets {
		all = append(all, traces(secret)...)
	}
	for _, v := range values {
		for way, text := range printings(v) {
			for _, trace := range all {
				if strings.Contains(text, trace) {
					return fmt.Sprintf("%T printed by %s shows %q: %.300s", v, way, trace, text)
				}
			}
		}
	}
	return ""
}

func TestNothingPrintsAKey(t *testing.T) {
	key := testKey(1)
	r := newRing(t, key, testKey(2))
	sealer, signer := r.Sealer("test"), r.Signer("test")
	for _, b := range []box{sealer, signer} {
		// So that what is filled at the first use is filled.
		if _, _, err := b.Open(nil, b.Seal(nil, []byte("value"), nil), nil); err != nil {
			t.Fatal(err)
		}
	}
	secrets := [][]byte{key[:]}
	for kind := range kinds {
		okm, err := hkdf.Key(sha256.New, key[:], nil, "typedsession v1 "+kind+" test", seal.KeySize)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, okm)
	}
	var values []any
	values = append(values, inside(r)...)
	values = append(values, inside(*r)...)
	values = append(values, inside(sealer)...)
	values = append(values, inside(*sealer)...)
	values = append(values, inside(signer)...)
	values = append(values, inside(*signer)...)
	if found := leak(values, secrets...); found != "" {
		t.Error(found)
	}
}

// A test that finds nothing must be able to find something.
func TestLeaksAreFound(t *testing.T) {
	key := testKey(1)
	type careless struct{ key [seal.KeySize]byte }
	type exported struct{ Key []byte }
	type pointer struct{ key *[seal.KeySize]byte } // careless, if less so
	for _, v := range []any{
		key, key[:], string(key[:]),
		careless{key},
		&careless{key},
		exported{key[:]},
		pointer{&key},
		fmt.Errorf("%x", key),
	} {
		ways := 0
		for _, text := range printings(v) {
			for _, trace := range traces(key[:]) {
				if strings.Contains(text, trace) {
					ways++
					break
				}
			}
		}
		t.Logf("%T leaks in %d ways", v, ways)
		if ways < 20 {
			t.Errorf("%T leaks in only %d ways that were noticed", v, ways)
		}
	}
}
