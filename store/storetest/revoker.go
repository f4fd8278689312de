package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
)

// RunRevoker tests a [store.Revoker], each case in a subtest with a Revoker from
// newRevoker. The Revokers may share a server and need not be empty: the kit
// draws random keys.
func RunRevoker(t *testing.T, newRevoker func(t *testing.T) store.Revoker) {
	for _, c := range revokerCases {
		t.Run(c.name, func(t *testing.T) {
			c.run(&revokerTrial{tb: t, revoker: newRevoker(t)})
		})
	}
}

// revokerTrial is one run of a case.
type revokerTrial struct {
	tb
	revoker store.Revoker
}

type revokerCase struct {
	name string
	run  func(t *revokerTrial)
}

var revokerCases = []revokerCase{
	{"several keys", func(t *revokerTrial) {
		a, b, c, before := newSubject(), newSubject(), newSubject(), after(0)
		t.revoke(a, before, after(time.Hour))
		t.revoke(b, before.Add(time.Second), after(time.Hour))
		t.want(ruleRevokerBefore, []string{a, b, c}, before, before.Add(time.Second), time.Time{})
		t.want(ruleRevokerBefore, []string{c, b, a}, time.Time{}, before.Add(time.Second), before)
		t.want(ruleRevokerBefore, []string{c}, time.Time{})
	}},
	{"keys of any bytes", func(t *revokerTrial) {
		base, before := newSubject(), after(0)
		keys := []string{base, base + " ", base + "\x00", base + "\xff", base + "*", base + "{a}"}
		var want []time.Time
		for i, key := range keys {
			want = append(want, before.Add(time.Duration(i)*time.Second))
			t.revoke(key, want[i], after(time.Hour))
		}
		t.want(ruleRevokerBefore, keys, want...)
	}},
	{"a key that is revoked again", func(t *revokerTrial) {
		key, before := newSubject(), after(0)
		for _, shift := range []time.Duration{0, time.Minute, -time.Hour} {
			t.revoke(key, before.Add(shift), after(time.Hour))
		}
		t.want(ruleRevokerLater, []string{key}, before.Add(time.Minute))
	}},
	{"a key that is revoked again until an earlier time", func(t *revokerTrial) {
		key, before, soon := newSubject(), after(0), after(blink)
		t.revoke(key, before, after(time.Hour))
		t.revoke(key, before.Add(-time.Minute), soon)
		sleepUntil(soon)
		t.revoke(newSubject(), before, after(time.Hour)) // may remove what is over
		t.want(ruleRevokerUntil, []string{key}, before)
	}},
	{"concurrent revocations of a key", func(t *revokerTrial) {
		key, before := newSubject(), after(0)
		var wg sync.WaitGroup
		errs := make([]error, workers)
		for i := range errs {
			wg.Go(func() {
				errs[i] = t.revoker.Revoke(t.Context(), key, before.Add(time.Duration(i)*time.Second), after(time.Hour))
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				t.Fatal(broke(ruleRevokerRevoke, "Revoke beside others: %v", err))
			}
		}
		t.want(ruleRevokerLater, []string{key}, before.Add((workers-1)*time.Second))
	}},
}

func (t *revokerTrial) revoke(key string, before, until time.Time) {
	t.Helper()
	if err := t.revoker.Revoke(t.Context(), key, before, until); err != nil {
		t.Fatal(broke(ruleRevokerRevoke, "Revoke: %v", err))
	}
}

func (t *revokerTrial) want(r rule, keys []string, want ...time.Time) {
	t.Helper()
	got, err := t.revoker.RevokedBefore(t.Context(), keys...)
	if err != nil {
		t.Fatal(broke(r, "RevokedBefore: %v", err))
	}
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Fatal(broke(r, "RevokedBefore returned %v, want %v", got, want))
	}
}
