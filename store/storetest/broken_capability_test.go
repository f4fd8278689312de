package storetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

// mute ends the subscriptions of a record before a call, so that the call closes
// no channel.
func (m *model) mute(id store.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.subscribers, id)
}

var notifierMistakes = []mistake{
	{"Update closes no channel", "notifier: an update", []string{
		"notifier: a subscription before the record is created",
	}, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			m.mute(rec.ID)
			return m.Update(ctx, base, rec)
		}
	})},
	{"Delete closes no channel", "notifier: a delete", nil, breaking(func(m *model, st *brokenStore) {
		st.delete = func(ctx context.Context, id store.ID) error {
			m.mute(id)
			return m.Delete(ctx, id)
		}
	})},
	{"RevokeSubject closes no channel", "notifier: a revocation", nil, breaking(func(m *model, st *brokenStore) {
		st.revoke = func(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
			recs, _ := m.ListSessions(ctx, subject)
			for _, rec := range recs {
				m.mute(rec.ID)
			}
			return m.RevokeSubject(ctx, subject, before, except...)
		}
	})},
	{
		"one stop ends all subscriptions", "notifier: an update",
		[]string{"notifier: a delete", "notifier: a revocation"},
		breaking(func(m *model, st *brokenStore) {
			st.subscribe = func(id store.ID) (<-chan struct{}, func()) {
				c, _ := m.Subscribe(id)
				return c, func() { m.mute(id) }
			}
		}),
	},
	{"a nil channel for no record", "notifier: a subscription before the record is created", nil, breaking(func(m *model, st *brokenStore) {
		st.subscribe = func(id store.ID) (<-chan struct{}, func()) {
			if _, err := m.Load(context.Background(), id); err != nil {
				return nil, func() {}
			}
			return m.Subscribe(id)
		}
	})},
}

// caching returns a store whose LoadUncached answers from a cache if it may.
func caching(mayUse func(cached store.Record, err error) bool) func() store.Store {
	return breaking(func(m *model, st *brokenStore) {
		var cache sync.Map
		st.load = func(ctx context.Context, id store.ID) (store.Record, error) {
			rec, err := m.Load(ctx, id)
			if err == nil {
				cache.Store(id, rec)
			}
			return rec, err
		}
		st.uncached = func(ctx context.Context, id store.ID) (store.Record, error) {
			rec, err := m.Load(ctx, id)
			if cached, ok := cache.Load(id); ok && mayUse(cached.(store.Record), err) {
				return clone(cached.(store.Record)), nil
			}
			return rec, err
		}
	})
}

var uncachedMistakes = []mistake{
	{
		"an older record from the cache", "uncached: after updates", nil,
		caching(func(_ store.Record, err error) bool { return err == nil }),
	},
	{
		"a deleted record from the cache", "uncached: after a delete", nil,
		caching(func(_ store.Record, err error) bool { return err != nil }),
	},
	{"LoadUncached returns no error", "uncached: no record and an expired record", nil, breaking(func(m *model, st *brokenStore) {
		st.uncached = func(ctx context.Context, id store.ID) (store.Record, error) {
			rec, err := m.Load(ctx, id)
			var gone *store.DeletedError
			if errors.Is(err, store.ErrNotFound) && !errors.As(err, &gone) {
				return store.Record{}, nil
			}
			return rec, err
		}
	})},
}

var clientHeldMistakes = []mistake{
	{
		"Decode does not look at the clock", "client-held: an expired record",
		[]string{"client-held: a record encoded expired", "client-held: text with one byte changed"},
		breakingClientHeld(func(good *cookie.Store, st *brokenClientHeld) {
			var encoded sync.Map
			st.encode = func(rec store.Record) (string, error) {
				text, err := good.Encode(rec)
				encoded.Store(text, rec)
				return text, err
			}
			st.decode = func(text string) (store.Record, error) {
				rec, err := good.Decode(text)
				if old, ok := encoded.Load(text); ok && err != nil {
					return old.(store.Record), nil
				}
				if err != nil && len(text) > 23 && text[0] == 1 && text[17:19] < "\x00\x80" {
					return store.Record{}, nil
				}
				return rec, err
			}
		}),
	},
	{
		"no expiry for a record encoded expired", "client-held: a record encoded expired", nil,
		breakingClientHeld(func(good *cookie.Store, st *brokenClientHeld) {
			st.encode = func(rec store.Record) (string, error) {
				if time.Now().After(rec.Expires) {
					rec.Expires = time.Now().Add(time.Hour)
				}
				return good.Encode(rec)
			}
		}),
	},
	{"Encode through shared memory", "client-held: goroutines with a record each", nil, breakingClientHeld(func(good *cookie.Store, st *brokenClientHeld) {
		var mu sync.Mutex
		var shared string
		st.encode = func(rec store.Record) (string, error) {
			text, err := good.Encode(rec)
			mu.Lock()
			shared = text
			mu.Unlock()
			pause()
			mu.Lock()
			defer mu.Unlock()
			return shared, err
		}
	})},
	{"Decode returns a slice that is used again", "client-held: the payload given to Encode", nil, breakingClientHeld(func(good *cookie.Store, st *brokenClientHeld) {
		var mu sync.Mutex
		var buffer []byte
		st.decode = func(text string) (store.Record, error) {
			rec, err := good.Decode(text)
			mu.Lock()
			defer mu.Unlock()
			if len(rec.Payload) > 0 && bytes.Equal(rec.Payload, bytes.Repeat(churned, len(buffer))) {
				copy(buffer, rec.Payload)
				rec.Payload = buffer
			}
			buffer = rec.Payload
			return rec, err
		}
	})},
	{"a deny list", "client-held: the methods of Store", nil, breakingClientHeld(func(good *cookie.Store, st *brokenClientHeld) {
		var denied sync.Map
		st.decode = func(text string) (store.Record, error) {
			rec, err := good.Decode(text)
			if _, ok := denied.Load(rec.ID); ok {
				return store.Record{}, store.ErrNotFound
			}
			return rec, err
		}
		st.delete = func(_ context.Context, id store.ID) error {
			denied.Store(id, true)
			return nil
		}
	})},
	{
		"an error of its own for a wrong version", "client-held: text with one byte changed", nil,
		breakingClientHeld(func(good *cookie.Store, st *brokenClientHeld) {
			var encoded sync.Map
			st.encode = func(rec store.Record) (string, error) {
				text, err := good.Encode(rec)
				encoded.Store("\x81"+text[1:], true)
				return text, err
			}
			st.decode = func(text string) (store.Record, error) {
				if _, ok := encoded.Load(text); ok {
					return store.Record{}, errors.New("unknown version")
				}
				return good.Decode(text)
			}
		}),
	},
	{"a panic at text without an end", "client-held: text cut short", nil, breakingClientHeld(func(good *cookie.Store, st *brokenClientHeld) {
		st.decode = func(text string) (store.Record, error) {
			if text != "" && text[0] == 1 {
				_ = text[22]
			}
			return good.Decode(text)
		}
	})},
	{"text over a mebibyte called malformed", "client-held: text that is not a record", nil, breakingClientHeld(func(good *cookie.Store, st *brokenClientHeld) {
		st.decode = func(text string) (store.Record, error) {
			if len(text) >= 1<<20 && !strings.HasPrefix(text, "\x01") {
				return store.Record{}, errors.New("malformed")
			}
			return good.Decode(text)
		}
	})},
}
