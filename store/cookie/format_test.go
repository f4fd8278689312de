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

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
)

// The vectors in testdata were written by another implementation. They are only
// ever added to, and counted here, so that none is lost.
const (
	vectorsRead    = 6
	vectorsRefused = 12
)

// vector is a ref and what is to be made of it.
type vector struct {
	Ref       string `json:"ref"` // in hexadecimal, as the payload is
	ID        string `json:"id"`
	ExpiresMS int64  `json:"expires_ms"`
	Subject   string `json:"subject"`
	Payload   string `json:"payload"`
	Refused   string `json:"refused"` // why the ref is refused; "" when it is not
}

func (v vector) ref(t testing.TB) string { return string(unhex(t, v.Ref)) }

func (v vector) record(t testing.TB) session.Record {
	return session.Record{
		ID:      session.ID(unhex(t, v.ID)),
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
		got, err := st.Load(t.Context(), v.ref(t))
		if v.Refused != "" {
			if !errors.Is(err, session.ErrNotFound) {
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
		if ref := create(t, got); ref != v.ref(t) {
			t.Errorf("%s: written as %x, want %s", name, ref, v.Ref)
		}
	}
}

// FuzzLoad checks that each record has one ref: what can be read is written as
// the same bytes.
func FuzzLoad(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.ref(f))
	}
	st := cookie.New()
	f.Fuzz(func(t *testing.T, ref string) {
		rec, err := st.Load(t.Context(), ref)
		if errors.Is(err, session.ErrNotFound) {
			return
		}
		if err != nil {
			t.Fatalf("Load: %v", err)
		}
		if again := create(t, rec); again != ref {
			t.Errorf("read from %x, written as %x", ref, again)
		}
	})
}
