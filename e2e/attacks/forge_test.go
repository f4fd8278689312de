package attacks_test

import (
	"encoding/base64"
	"encoding/binary"
	"testing"
	"time"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/internal/seal"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

// What a forger needs who has stolen a key, after docs/FORMAT.md.

const (
	tokenPurpose  = "token"
	clientPurpose = "client-held record"
	recordPurpose = "stored record"

	cookieBinding = "cookie " + cookieName
)

// sealer returns what a manager with that key seals and opens with.
func sealer(t testing.TB, key session.Key, purpose string) *seal.Sealer {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(key.Encode())
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.NewRing([seal.KeySize]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return ring.Sealer(purpose)
}

// sealWith seals as a manager with that key does.
func sealWith(t testing.TB, key session.Key, purpose, binding string, content []byte) []byte {
	t.Helper()
	return sealer(t, key, purpose).Seal(nil, content, []byte(binding))
}

// text returns a sealed value as a token.
func text(sealed []byte) string { return base64.RawURLEncoding.EncodeToString(sealed) }

// bytesOf returns the sealed value of a token.
func bytesOf(t testing.TB, token string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// forgedPayload is a payload that says what its maker likes. Without a hash it
// is one for a client-held record.
func forgedPayload(created, extended time.Time, hash, state []byte) []byte {
	flags := byte(0)
	if hash != nil {
		flags = 2
	}
	b := []byte{1, flags}
	b = binary.AppendUvarint(b, uint64(created.UnixMilli()))
	b = binary.AppendUvarint(b, uint64(extended.Sub(created).Milliseconds()))
	b = binary.AppendUvarint(b, 0)
	return append(append(b, hash...), state...)
}

// forgedToken is a client-held token with a payload.
func forgedToken(t testing.TB, key session.Key, payload []byte, expires time.Time) string {
	t.Helper()
	rec := store.Record{ID: session.ID{1}, Expires: expires, Payload: payload}
	record, err := cookie.New().Encode(rec)
	if err != nil {
		t.Fatal(err)
	}
	return text(sealWith(t, key, clientPurpose, cookieBinding, []byte(record)))
}

// encoded returns a state as the default codec writes it.
func encoded(t testing.TB, s state) []byte {
	t.Helper()
	b, err := codec.MsgPack[state]().Append(nil, &s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
