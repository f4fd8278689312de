package session

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/internal/deadline"
	"github.com/typedsession/typedsession/internal/seal"
	"github.com/typedsession/typedsession/store"
)

// core is what a Manager is made of beside its T. All of it is set once, by
// NewManager, and may be used from many goroutines.
type core struct {
	store      store.Store
	fresh      store.UncachedLoader // nil: the store has no cache
	held       store.ClientHeld     // nil: the store holds the records
	clientHeld bool

	carrier carrier
	tokens  tokens
	records *seal.Sealer // nil: payloads are stored as they are

	index      store.SubjectIndex // nil: the store cannot tell who is where
	perSubject int
	revoker    store.Revoker // nil: what the client holds ends by itself only

	idle     int64 // milliseconds, like all times of the core
	absolute int64
	extend   ExtendPolicy
	eager    bool

	persistent   bool
	errorHandler func(http.ResponseWriter, *http.Request, error)
	staleHandler http.Handler
	observer     func(context.Context, Event)
	logger       *slog.Logger

	lines   *lines
	commits *deadline.Timeout // of commitTimeout
}

// commitTimeout bounds a commit, with all its retries, because it does not end
// with the request: a logout is not lost because the client hung up.
const commitTimeout = 10 * time.Second

// expiry returns when a session ends: a token is good before, but not at it.
func (c *core) expiry(h *header) int64 {
	return min(h.extended+c.idle, h.created+c.absolute)
}

// load returns a record: the one in text where the client holds it.
func (c *core) load(ctx context.Context, id ID, text string) (store.Record, error) {
	if c.held != nil {
		return c.held.Decode(text)
	}
	return c.store.Load(ctx, id)
}

// loadFresh returns the record as it is now.
func (c *core) loadFresh(ctx context.Context, id ID, text string) (rec store.Record, err error) {
	if c.fresh != nil {
		rec, err = c.fresh.LoadUncached(ctx, id)
	} else {
		rec, err = c.load(ctx, id, text)
	}
	return rec, storeError(err)
}

// openPayload returns the header and the encoded state of a record.
func (c *core) openPayload(rec *store.Record) (header, []byte, error) {
	payload := rec.Payload
	if c.records != nil {
		// No fallback to a plain payload: whoever can write to the store could
		// plant one.
		if len(payload) == 0 || payload[0] != formatSealed {
			return header{}, nil, errPayload
		}
		opened, _, err := c.records.Open(nil, payload[1:], recordBinding(rec))
		if err != nil {
			return header{}, nil, errPayload
		}
		payload = opened
	}
	return parseHeader(payload)
}

// closePayload returns the payload to store. plain is kept.
func (c *core) closePayload(rec *store.Record, plain []byte) []byte {
	if c.records == nil {
		return plain
	}
	sealed := make([]byte, 1, 1+len(plain)+c.records.Overhead())
	sealed[0] = formatSealed
	return c.records.Seal(sealed, plain, recordBinding(rec))
}

// recordBinding is what a sealed payload is bound to, so that it is worthless
// in another session's record, or under another subject.
func recordBinding(rec *store.Record) []byte {
	return append(rec.ID[:len(rec.ID):len(rec.ID)], rec.Subject...)
}
