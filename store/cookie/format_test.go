package cookie_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

// The vectors in testdata were written by another implementation. Vectors are
// added and never changed. They are counted, so that a lost one is noticed.
const (
	vectorsRead    = 6
	vectorsRefused = 12
)

// vector is a text and the record that it encodes.
type vector struct {
	Text      string `json:"ref"` // in hexadecimal, as the payload is
	ID        string `json:"id"`
	ExpiresMS int64  `json:"expires_ms"`
	Subject   string `json:"subject"`
	Payload   string `json:"payload"`
	Refused   string `json:"refused"` // why the text is refused; "" if it is not
}

func (v vector) text(t testing.TB) string { return string(unhex(t, v.Text)) }

func (v vector) record(t testing.TB) store.Record {
	return store.Record{
		ID:      store.ID(unhex(t, v.ID)),
		Expires: time.UnixMilli(v.ExpiresMS),
		Subject: v.Subject,
		Payload: unhex(t, v.Payload),
	}
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vectors returns the vectors by the names of their files.
func vectors(t testing.TB) map[string]vector {
	t.Helper()
	files, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]vector)
	read, refused := 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v vector
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if v.Refused == "" {
			read++
		} else {
			refused++
		}
		all[filepath.Base(file)] = v
	}
	if read != vectorsRead || refused != vectorsRefused {
		t.Fatalf("%d vectors to be read and %d to be refused, want %d and %d", read, refused, vectorsRead, vectorsRefused)
	}
	return all
}

func TestVectors(t *testing.T) {
	st := cookie.New()
	for name, v := range vectors(t) {
		got, err := st.Decode(v.text(t))
		if v.Refused != "" {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: error %v, want ErrNotFound: %s", name, err, v.Refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(v.record(t), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: another record (-want +got):\n%s", name, diff)
		}
		if text := encode(t, got); text != v.text(t) {
			t.Errorf("%s: encoded as %x, want %s", name, text, v.Text)
		}
	}
}

// FuzzDecode checks that each record has one encoding: what can be decoded is
// encoded as the same bytes.
func FuzzDecode(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.text(f))
	}
	st := cookie.New()
	f.Fuzz(func(t *testing.T, text string) {
		rec, err := st.Decode(text)
		if errors.Is(err, store.ErrNotFound) {
			return
		}
		if err != nil {
			t.Fatalf("Decode: %v", err)
		}
		if again := encode(t, rec); again != text {
			t.Errorf("decoded from %x, encoded as %x", text, again)
		}
	})
}
