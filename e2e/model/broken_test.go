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

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// broken is a store that does one thing wrong.
type broken struct {
	*memory.Store
	create func(context.Context, store.Record) (string, error)
	load   func(context.Context, string) (store.Record, error)
	update func(context.Context, string, store.Rev, store.Record) (string, error)
	delete func(context.Context, string) error
	index  func(context.Context, string, session.ID, time.Time) error
	old    map[string][]store.Record // what a session has held
}

func (b *broken) Create(ctx context.Context, rec store.Record) error {
	b.old[rec.ID.String()] = append(b.old[rec.ID.String()], rec)
	if b.create != nil {
		return b.create(ctx, rec)
	}
	return b.Store.Create(ctx, rec)
}

func (b *broken) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if b.load != nil {
		return b.load(ctx, ref)
	}
	return b.Store.Load(ctx, id)
}

func (b *broken) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	b.old[ref] = append(b.old[ref], rec)
	if b.update != nil {
		return b.update(ctx, ref, base, rec)
	}
	return b.Store.Update(ctx, base, rec)
}

func (b *broken) Delete(ctx context.Context, id store.ID) error {
	if b.delete != nil {
		return b.delete(ctx, ref)
	}
	return b.Store.Delete(ctx, id)
}

func (b *broken) Index(ctx context.Context, subject string, id session.ID, until time.Time) error {
	if b.index != nil {
		return b.index(ctx, subject, id, until)
	}
	return b.Store.Index(ctx, subject, id, until)
}

// force stores a record, whatever the revision.
func (b *broken) force(ctx context.Context, ref string, rec store.Record) (string, error) {
	current, err := b.Store.Load(ctx, id)
	if err != nil {
		return "", err
	}
	return b.Store.Update(ctx, ref, current.Rev, rec)
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
			b.update = func(ctx context.Context, ref string, _ store.Rev, rec store.Record) (string, error) {
				return b.force(ctx, ref, rec)
			}
		}},
		{"Update forgets what it is told", func(b *broken) {
			b.update = func(_ context.Context, ref string, _ store.Rev, _ store.Record) (string, error) { return ref, nil }
		}},
		{"Update answers a conflict to its own write", func(b *broken) {
			b.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
				ref, err := b.Store.Update(ctx, base, rec)
				if err == nil && rec.Rev%4 == 0 {
					return "", &store.ConflictError{Current: rec}
				}
				return ref, err
			}
		}},
		{"Update brings back what was deleted", func(b *broken) {
			back := map[string]store.Record{}
			b.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
				newRef, err := b.Store.Update(ctx, base, rec)
				if errors.Is(err, session.ErrNotFound) {
					back[ref] = rec
					return ref, nil
				}
				return newRef, err
			}
			b.load = func(ctx context.Context, id store.ID) (store.Record, error) {
				if rec, ok := back[ref]; ok {
					return rec, nil
				}
				return b.Store.Load(ctx, id)
			}
		}},
		{"Delete leaves the record", func(b *broken) {
			b.delete = func(context.Context, string) error { return nil }
		}},
		{"Load returns what was there before", func(b *broken) {
			b.load = func(ctx context.Context, id store.ID) (store.Record, error) {
				if _, err := b.Store.Load(ctx, id); err != nil {
					return store.Record{}, err
				}
				old := b.old[ref]
				return old[max(0, len(old)-2)], nil
			}
		}},
		{"Create overwrites", func(b *broken) {
			b.create = func(ctx context.Context, rec store.Record) error {
				ref, err := b.Store.Create(ctx, rec)
				if errors.Is(err, store.ErrExists) {
					return b.force(ctx, rec.ID.String(), rec)
				}
				return ref, err
			}
		}},
		{"Index forgets every other session", func(b *broken) {
			n := 0
			b.index = func(ctx context.Context, subject string, id session.ID, until time.Time) error {
				if n++; n%2 == 0 {
					return nil
				}
				return b.Store.Index(ctx, subject, id, until)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found := newFinding(t)
			found.check(checks, inMemory(t, func(st *memory.Store) indexedStore {
				b := &broken{Store: st, old: map[string][]store.Record{}}
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
