package storetest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// brokenRevoker is a correct one some of whose methods are replaced.
type brokenRevoker struct {
	*memory.Revoker
	revoke func(key string, before, until time.Time) error
	before func(keys []string) []time.Time
}

func (r *brokenRevoker) Revoke(_ context.Context, key string, before, until time.Time) error {
	return r.revoke(key, before, until)
}

func (r *brokenRevoker) RevokedBefore(_ context.Context, keys ...string) ([]time.Time, error) {
	return r.before(keys), nil
}

// breakingRevoker returns a function that makes a broken Revoker.
func breakingRevoker(replace func(r *brokenRevoker)) func() store.Revoker {
	return func() store.Revoker {
		good := new(memory.Revoker)
		r := &brokenRevoker{
			Revoker: good,
			revoke: func(key string, before, until time.Time) error {
				return good.Revoke(context.Background(), key, before, until)
			},
			before: func(keys []string) []time.Time {
				times, _ := good.RevokedBefore(context.Background(), keys...)
				return times
			},
		}
		replace(r)
		return r
	}
}

func TestRevokers(t *testing.T) {
	tests := []struct {
		name   string
		found  []string // the cases that find the mistake
		broken func() store.Revoker
	}{
		{"a correct one", nil, func() store.Revoker { return new(memory.Revoker) }},
		{"times in another order", []string{"several keys", "keys of any bytes"}, breakingRevoker(func(r *brokenRevoker) {
			before := r.before
			r.before = func(keys []string) []time.Time {
				times := before(keys)
				slices.Reverse(times)
				return times
			}
		})},
		{"keys without a time left out", []string{"several keys"}, breakingRevoker(func(r *brokenRevoker) {
			before := r.before
			r.before = func(keys []string) []time.Time { return slices.DeleteFunc(before(keys), time.Time.IsZero) }
		})},
		{"keys trimmed", []string{"keys of any bytes"}, breakingRevoker(func(r *brokenRevoker) {
			revoke, before := r.revoke, r.before
			r.revoke = func(key string, at, until time.Time) error { return revoke(strings.TrimSpace(key), at, until) }
			r.before = func(keys []string) []time.Time {
				trimmed := slices.Clone(keys)
				for i := range trimmed {
					trimmed[i] = strings.TrimSpace(trimmed[i])
				}
				return before(trimmed)
			}
		})},
		{
			"a time that is a minute earlier replaces",
			[]string{"a key that is revoked again", "a key that is revoked again until an earlier time"},
			breakingRevoker(func(r *brokenRevoker) {
				before, revoke := r.before, r.revoke
				var earlier sync.Map
				r.revoke = func(key string, at, until time.Time) error {
					if old := before([]string{key})[0]; at.Before(old.Add(-30 * time.Second)) {
						earlier.Store(key, at)
					}
					return revoke(key, at, until)
				}
				r.before = func(keys []string) []time.Time {
					times := before(keys)
					for i, key := range keys {
						if at, ok := earlier.Load(key); ok {
							times[i] = at.(time.Time)
						}
					}
					return times
				}
			}),
		},
		{"the last until stays", []string{"a key that is revoked again until an earlier time"}, breakingRevoker(func(r *brokenRevoker) {
			before := r.before
			var ends sync.Map
			revoke := r.revoke
			r.revoke = func(key string, at, until time.Time) error {
				ends.Store(key, until)
				return revoke(key, at, until)
			}
			r.before = func(keys []string) []time.Time {
				times := before(keys)
				for i, key := range keys {
					if end, ok := ends.Load(key); ok && !time.Now().Before(end.(time.Time)) {
						times[i] = time.Time{}
					}
				}
				return times
			}
		})},
		{"Revoke looks, then writes", []string{"concurrent revocations of a key"}, breakingRevoker(func(r *brokenRevoker) {
			var mu sync.Mutex
			times := make(map[string]time.Time)
			r.revoke = func(key string, at, until time.Time) error {
				mu.Lock()
				old := times[key]
				mu.Unlock()
				// Of several revocations at once, the earliest writes last.
				time.Sleep(time.Minute - time.Until(at)%time.Minute)
				mu.Lock()
				defer mu.Unlock()
				if at.After(old) {
					times[key] = at
				}
				return nil
			}
			r.before = func(keys []string) []time.Time {
				mu.Lock()
				defer mu.Unlock()
				found := make([]time.Time, len(keys))
				for i, key := range keys {
					found[i] = times[key]
				}
				return found
			}
		})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var found []string
			for _, c := range revokerCases {
				got := failure(t, func(tb tb) { c.run(&revokerTrial{tb: tb, revoker: test.broken()}) })
				if got != "" {
					found = append(found, c.name)
					checkLink(t, got)
				}
			}
			if diff := cmp.Diff(test.found, found); diff != "" {
				t.Errorf("cases that failed (-want +got):\n%s", diff)
			}
		})
	}
}
