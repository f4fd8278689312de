package rueidis

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/store"
)

// vector is one value that has been in a database, or could have been.
type vector struct {
	Name    string   `json:"name"`
	Value   string   `json:"value"` // hexadecimal, as all that are bytes
	Error   string   `json:"error"` // of decode, "" for none
	Rev     string   `json:"rev"`
	Expires int64    `json:"expires"`
	Written int64    `json:"written"`
	Earlier []string `json:"earlier"`
	Subject string   `json:"subject"`
	Payload string   `json:"payload"`
}

// vectorCount is how many vectors there are, so that none is lost. They are
// never changed, only added to: what was once written stays readable.
const vectorCount = 19

func readVectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/records.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != vectorCount {
		t.Fatalf("%d vectors, want %d", len(vectors), vectorCount)
	}
	return vectors
}

func TestDecodeVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			value, err := hex.DecodeString(v.Value)
			if err != nil {
				t.Fatal(err)
			}
			id := store.ID{1, 2, 3}
			got, err := decode(id, value)
			if err != nil || v.Error != "" {
				if fmt.Sprint(describe(err)) != v.Error {
					t.Fatalf("decode: error %v, want %q", err, v.Error)
				}
				return
			}
			want := vector{
				Name:    v.Name,
				Value:   hex.EncodeToString(got.encode()),
				Rev:     fmt.Sprintf("%016x", uint64(got.Rev)),
				Expires: got.Expires.UnixMilli(),
				Written: int64(got.written),
				Earlier: []string{},
				Subject: got.Subject,
				Payload: hex.EncodeToString(got.Payload),
			}
			for rev := range slices.Chunk(got.earlier, revSize) {
				want.Earlier = append(want.Earlier, hex.EncodeToString(rev))
			}
			if diff := cmp.Diff(v, want); diff != "" {
				t.Errorf("decode and encode again (-vector +got):\n%s", diff)
			}
			if got.ID != id {
				t.Errorf("ID %v, want %v", got.ID, id)
			}
		})
	}
}

// describe returns the error as the vectors name it: a tombstone without a time
// by the words of the versions that have written such.
func describe(err error) error {
	var deleted *store.DeletedError
	switch {
	case !errors.As(err, &deleted):
		return err
	case deleted.At.IsZero():
		return errors.New("session: not found")
	}
	return fmt.Errorf("%w at %d", err, deleted.At.UnixMilli())
}

// TestDecodedPayloadIsClipped makes sure that appending to a payload does not
// write into what lies behind it.
func TestDecodedPayloadIsClipped(t *testing.T) {
	value := newStored(store.Record{Expires: time.UnixMilli(1), Payload: []byte("payload")}).encode()
	value = append(value, "behind"...)
	got, err := decode(store.ID{}, value[:len(value)-len("behind")])
	if err != nil {
		t.Fatal(err)
	}
	_ = append(got.Payload, "behead"...)
	if !bytes.HasSuffix(value, []byte("behind")) {
		t.Errorf("append to the payload wrote %q", value)
	}
}

func TestCheckSize(t *testing.T) {
	tests := []struct {
		name             string
		subject, payload int
		ok               bool
	}{
		{"nothing", 0, 0, true},
		{"the largest subject", maxSubject, 0, true},
		{"a subject one byte too long for its length field", maxSubject + 1, 0, false},
		{"the largest payload", 0, maxSize, true},
		{"a payload one byte too large", 0, maxSize + 1, false},
		{"too large together", maxSubject, maxSize - maxSubject + 1, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rec := store.Record{
				Expires: time.UnixMilli(1),
				Subject: strings.Repeat("s", test.subject),
				Payload: make([]byte, test.payload),
			}
			err := checkSize(&rec)
			if ok := err == nil; ok != test.ok {
				t.Errorf("error %v", err)
			}
			if err != nil && !errors.Is(err, store.ErrTooLarge) {
				t.Errorf("error %v is no ErrTooLarge", err)
			}
			if err != nil {
				return
			}
			got, err := decode(rec.ID, newStored(rec).encode())
			if err != nil {
				t.Fatal(err)
			}
			if got.Subject != rec.Subject || !bytes.Equal(got.Payload, rec.Payload) {
				t.Errorf("decoded a subject of %d bytes and a payload of %d", len(got.Subject), len(got.Payload))
			}
		})
	}
}

// FuzzDecode feeds the decoder what may stand under a key. What it takes for a
// record must encode to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, v := range readVectors(f) {
		value, err := hex.DecodeString(v.Value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		got, err := decode(store.ID{}, value)
		if err != nil {
			return
		}
		if again := got.encode(); !bytes.Equal(again, value) {
			t.Errorf("decoded and encoded again:\n%x\n%x", value, again)
		}
	})
}
