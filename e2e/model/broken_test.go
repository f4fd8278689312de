package model_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// broken is a store that does one thing wrong.
type broken struct {
	*memory.Store
	create func(context.Context, store.Record) error
	load   func(context.Context, store.ID) (store.Record, error)
	update func(context.Context, store.Rev, store.Record) error
	delete func(context.Context, store.ID) error
	list   func(context.Context, string) ([]store.Record, error)
	revoke func(context.Context, string, time.Time, ...store.ID) ([]store.ID, error)
	old    map[store.ID][]store.Record // what a session has held
}

func (b *broken) Create(ctx context.Context, rec store.Record) error {
	b.old[rec.ID] = append(b.old[rec.ID], rec)
	if b.create != nil {
		return b.create(ctx, rec)
	}
	return b.Store.Create(ctx, rec)
}

func (b *broken) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if b.load != nil {
		return b.load(ctx, id)
	}
	return b.Store.Load(ctx, id)
}

func (b *broken) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	b.old[rec.ID] = append(b.old[rec.ID], rec)
	if b.update != nil {
		return b.update(ctx, base, rec)
	}
	return b.Store.Update(ctx, base, rec)
}

func (b *broken) Delete(ctx context.Context, id store.ID) error {
	if b.delete != nil {
		return b.delete(ctx, id)
	}
	return b.Store.Delete(ctx, id)
}

func (b *broken) ListSessions(ctx context.Context, subject string) ([]store.Record, error) {
	if b.list != nil {
		return b.list(ctx, subject)
	}
	return b.Store.ListSessions(ctx, subject)
}

func (b *broken) RevokeSubject(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
	if b.revoke != nil {
		return b.revoke(ctx, subject, before, except...)
	}
	return b.Store.RevokeSubject(ctx, subject, before, except...)
}

// force stores a record, whatever the revision.
func (b *broken) force(ctx context.Context, rec store.Record) error {
	current, err := b.Store.Load(ctx, rec.ID)
	if err != nil {
		return err
	}
	return b.Store.Update(ctx, current.Rev, rec)
}

// TestBrokenStores breaks the store on purpose. The model must find it, soon and
// in a schedule that one can read.
func TestBrokenStores(t *testing.T) {
	const (
		checks  = 3000 // within which it is found
		longest = 12   // steps, after shrinking
	)
	setDefault("rapid.seed", "1") // so that it is found in the same way each time
	t.Cleanup(func() { setDefault("rapid.seed", "0") })
	tests := []struct {
		name string
		make func(*broken)
	}{
		{"Update ignores the revision", func(b *broken) {
			b.update = func(ctx context.Context, _ store.Rev, rec store.Record) error { return b.force(ctx, rec) }
		}},
		{"Update stores nothing", func(b *broken) {
			b.update = func(context.Context, store.Rev, store.Record) error { return nil }
		}},
		{"Update answers a conflict to its own write", func(b *broken) {
			b.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
				err := b.Store.Update(ctx, base, rec)
				if err == nil && rec.Rev%4 == 0 {
					return &store.ConflictError{Current: rec}
				}
				return err
			}
		}},
		{"Update brings back what was deleted", func(b *broken) {
			back := map[store.ID]store.Record{}
			b.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
				err := b.Store.Update(ctx, base, rec)
				if errors.Is(err, store.ErrNotFound) {
					back[rec.ID] = rec
					return nil
				}
				return err
			}
			b.load = func(ctx context.Context, id store.ID) (store.Record, error) {
				if rec, ok := back[id]; ok {
					return rec, nil
				}
				return b.Store.Load(ctx, id)
			}
		}},
		{"Delete leaves the record", func(b *broken) {
			b.delete = func(context.Context, store.ID) error { return nil }
		}},
		{"Load returns what was there before", func(b *broken) {
			b.load = func(ctx context.Context, id store.ID) (store.Record, error) {
				if _, err := b.Store.Load(ctx, id); err != nil {
					return store.Record{}, err
				}
				old := b.old[id]
				return old[max(0, len(old)-2)], nil
			}
		}},
		{"Load does not tell of a deletion", func(b *broken) {
			b.load = func(ctx context.Context, id store.ID) (store.Record, error) {
				rec, err := b.Store.Load(ctx, id)
				if errors.Is(err, store.ErrNotFound) {
					err = store.ErrNotFound
				}
				return rec, err
			}
		}},
		{"Create takes the place of a tombstone", func(b *broken) {
			b.create = func(ctx context.Context, rec store.Record) error {
				err := b.Store.Create(ctx, rec)
				if errors.Is(err, store.ErrExists) {
					return nil // told of a success
				}
				return err
			}
		}},
		{"Create overwrites", func(b *broken) {
			b.create = func(ctx context.Context, rec store.Record) error {
				err := b.Store.Create(ctx, rec)
				if errors.Is(err, store.ErrExists) {
					return b.force(ctx, rec)
				}
				return err
			}
		}},
		{"ListSessions leaves one out", func(b *broken) {
			b.list = func(ctx context.Context, subject string) ([]store.Record, error) {
				recs, err := b.Store.ListSessions(ctx, subject)
				return recs[:max(0, len(recs)-1)], err
			}
		}},
		{"RevokeSubject leaves one out", func(b *broken) {
			b.revoke = func(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
				recs, err := b.Store.ListSessions(ctx, subject)
				if err != nil {
					return nil, err
				}
				if len(recs) > 0 {
					except = append(except, recs[0].ID)
				}
				return b.Store.RevokeSubject(ctx, subject, before, except...)
			}
		}},
		{"RevokeSubject does not cover logins in flight", func(b *broken) {
			b.revoke = func(ctx context.Context, subject string, _ time.Time, except ...store.ID) ([]store.ID, error) {
				return b.Store.RevokeSubject(ctx, subject, time.UnixMilli(1), except...)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found := newFinding(t)
			found.check(checks, inMemory(t, func(st *memory.Store) store.SubjectIndex {
				b := &broken{Store: st, old: map[store.ID][]store.Record{}}
				test.make(b)
				return b
			}))
			steps := found.steps()
			t.Logf("found after %v, %d steps:\n%s", time.Since(found.began).Round(time.Millisecond), steps, found.message)
			if found.message == "" || steps > longest {
				t.Errorf("not found, or in more than %d steps", longest)
			}
		})
	}
}

// finding is a test that is to fail, and keeps why it did.
type finding struct {
	*testing.T
	began   time.Time
	mu      sync.Mutex
	failed  bool
	message string
}

func newFinding(t *testing.T) *finding { return &finding{T: t, began: time.Now()} }

var _ rapid.TB = (*finding)(nil)

func (f *finding) check(checks int, property func(*rapid.T)) { check(f, checks, property) }

func (f *finding) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = true
	if f.message == "" {
		f.message = fmt.Sprintf(format, args...)
	}
}

func (f *finding) Logf(string, ...any) {}
func (f *finding) FailNow()            {}
func (f *finding) Failed() bool        { return f.failed }

// steps returns how many steps the shrunk schedule has.
func (f *finding) steps() int { return len(numbered.FindAllString(f.message, -1)) }

var numbered = regexp.MustCompile(`(?m)^ *\d+\. `)
