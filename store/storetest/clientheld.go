package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/typedsession/typedsession/store"
)

// clientHeldCases apply to stores that keep nothing. Decode is given text that
// the session manager has authenticated, but a client may present text that an
// older version of the store has encoded.
var clientHeldCases = []testCase{
	{"client-held: an expired record", decodeExpired},
	{"client-held: a record encoded expired", encodeExpired},
	{"client-held: goroutines with a record each", encodeEach},
	{"client-held: the payload given to Encode", payloadEncoded},
	{"client-held: the methods of Store", storeMethods},
	{"client-held: text with one byte changed", decodeChanged},
	{"client-held: text cut short", decodeCut},
	{"client-held: text that is not a record", decodeGarbage},
}

// held returns the store as a [store.ClientHeld].
func (t *trial) held() store.ClientHeld { return t.store.(store.ClientHeld) }

// encode encodes a record, which must succeed.
func (t *trial) encode(rec store.Record) string {
	t.Helper()
	text, err := t.held().Encode(rec)
	if err != nil {
		t.broke(ruleEncode, "Encode: %v", err)
	}
	return text
}

func decodeExpired(t *trial) {
	rec := expiringRecord()
	text := t.encode(rec)
	sleepUntil(rec.Expires)
	_, err := t.held().Decode(text)
	t.wantError(ruleStoreExpired, "Decode of an expired record", err, store.ErrNotFound)
}

// encodeExpired accepts an error of Encode.
func encodeExpired(t *trial) {
	rec := newRecord()
	rec.Expires = after(-time.Hour)
	if text, err := t.held().Encode(rec); err == nil {
		_, err := t.held().Decode(text)
		t.wantError(ruleStoreExpired, "Decode of an expired record", err, store.ErrNotFound)
	}
}

func encodeEach(t *trial) {
	const rounds = 100
	t.parallel(func(int) error {
		for range rounds {
			rec := newRecord()
			text, err := t.held().Encode(rec)
			if err != nil {
				return broke(ruleStoreSafe, "Encode: %v", err)
			}
			got, err := t.held().Decode(text)
			if err != nil {
				return broke(ruleStoreSafe, "Decode: %v", err)
			}
			if diffs := diffContent(rec, got); diffs != nil {
				return broke(ruleStoreSafe, "Decode: %s", strings.Join(diffs, "; "))
			}
		}
		return nil
	})
}

func payloadEncoded(t *trial) {
	rec, other := newRecord(), newRecord()
	check := t.guarded(&rec)
	text := t.encode(rec)
	got, err := t.held().Decode(text)
	if err != nil {
		t.broke(ruleDecode, "Decode: %v", err)
	}
	other.Payload = bytes.Repeat(churned, len(rec.Payload))
	if _, err := t.held().Decode(t.encode(other)); err != nil {
		t.broke(ruleDecode, "Decode: %v", err)
	}
	check()
	if !bytes.Equal(got.Payload, rec.Payload) {
		t.broke(rulePayload, "the store has changed a payload that Decode had returned")
	}
}

// storeMethods checks that none of the methods of Store has an effect.
func storeMethods(t *trial) {
	rec := newRecord()
	text := t.encode(rec)
	_ = t.store.Create(t.Context(), rec)
	t.wantGone(ruleClientHeld, rec.ID)
	err := t.store.Update(t.Context(), rec.Rev, nextWrite(rec))
	t.wantError(ruleClientHeld, "Update", err, store.ErrNotFound)
	if err := t.store.Delete(t.Context(), rec.ID); err != nil {
		t.broke(ruleClientHeld, "Delete: %v", err)
	}
	t.wantGone(ruleClientHeld, rec.ID)
	got, err := t.held().Decode(text)
	if err != nil {
		t.broke(ruleClientHeld, "Decode after Delete: %v", err)
	}
	if diffs := diffContent(rec, got); diffs != nil {
		t.broke(ruleClientHeld, "Decode after Delete: %s", strings.Join(diffs, "; "))
	}
}

func decodeChanged(t *trial) {
	text := t.encode(newRecord())
	for i := range len(text) {
		for _, change := range []byte{0x01, 0x80, 0xff} {
			changed := []byte(text)
			changed[i] ^= change
			t.decodeDamaged(string(changed))
		}
	}
}

func decodeCut(t *trial) {
	text := t.encode(newRecord())
	for i := range len(text) {
		t.decodeDamaged(text[:i])
		t.decodeDamaged(text[i+1:])
	}
	t.decodeDamaged(text + text)
}

func decodeGarbage(t *trial) {
	id := store.NewID().String()
	for _, text := range []string{
		"", " ", "\x00", "not a record", "\xff\xfe not UTF-8", id, id + "\n",
		strings.Repeat("0", 100), strings.Repeat("\x00", 100), strings.Repeat("\xff", 100),
		strings.Repeat(id, 1<<20/len(id)),
	} {
		t.decodeDamaged(text)
	}
}

// decodeDamaged decodes damaged text. Decode must not panic and must either
// return ErrNotFound or take the text for a record that has not expired: the
// store cannot tell.
func (t *trial) decodeDamaged(text string) {
	t.Helper()
	t.must(func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = broke(ruleDecodeText, "Decode of %s panics: %v", abbreviated(text), p)
			}
		}()
		from := time.Now()
		rec, err := t.held().Decode(text)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return broke(ruleDecodeText, "Decode of %s: %v", abbreviated(text), err)
		}
		if err == nil && !from.Before(rec.Expires) {
			return broke(ruleStoreExpired, "Decode of %s returned a record that expired at %v", abbreviated(text), rec.Expires)
		}
		return nil
	}())
}

// abbreviated quotes text for a message.
func abbreviated(text string) string {
	if len(text) > 80 {
		return fmt.Sprintf("%q... (%d bytes)", text[:40], len(text))
	}
	return fmt.Sprintf("%q", text)
}
