package session_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

func TestIDsAreReadAsTheyAreWritten(t *testing.T) {
	id := session.ID{0, 1, 0x7f, 0x80, 0xab, 0xcd, 0xef, 0xff}
	const text = "00017f80abcdefff0000000000000000"
	if got := id.String(); got != text {
		t.Errorf("String returns %q", got)
	}
	if got, err := store.ParseID(text); got != id || err != nil {
		t.Errorf("ParseID returns %v, %v", got, err)
	}
	encoded, err := json.Marshal(map[session.ID]session.ID{id: id})
	if err != nil || string(encoded) != `{"`+text+`":"`+text+`"}` {
		t.Errorf("as JSON: %s, %v", encoded, err)
	}
	var decoded map[session.ID]session.ID
	if err := json.Unmarshal(encoded, &decoded); err != nil || decoded[id] != id {
		t.Errorf("from JSON: %v, %v", decoded, err)
	}
}

func TestParseIDRefuses(t *testing.T) {
	good := strings.Repeat("0a", 16)
	for _, text := range []string{"", "0", good[1:], good + "0", strings.ToUpper(good), good[:31] + "g", good[:31] + " ", " " + good[1:], good[:30] + "ä", good[:31] + "\x00"} {
		id := session.ID{1}
		if parsed, err := store.ParseID(text); err == nil || parsed != (session.ID{}) {
			t.Errorf("ParseID(%q) returns %v, %v", text, parsed, err)
		}
		if err := id.UnmarshalText([]byte(text)); err == nil || id != (session.ID{1}) {
			t.Errorf("UnmarshalText(%q) leaves %v, %v", text, id, err)
		}
	}
}

func TestParseIDSaysWhere(t *testing.T) {
	good := strings.Repeat("0a", 16)
	for _, at := range []int{0, 1, 30, 31} {
		_, err := store.ParseID(good[:at] + "A" + good[at+1:])
		if want := fmt.Sprintf("at character %d", at); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("an error %q, want one that ends in %q", err, want)
		}
	}
}

func BenchmarkParseID(b *testing.B) {
	text := session.ID{0xab, 0xcd}.String()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.ParseID(text); err != nil {
			b.Fatal(err)
		}
	}
}
