package storetest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
)

// recorder is a test whose failure is a result.
type recorder struct {
	ctx     context.Context
	failure string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Fatal(args ...any) {
	r.failure = fmt.Sprint(args...)
	runtime.Goexit()
}

// failures runs every case on a store of its own and returns what failed, by
// the name of the case. The cases run in bubbles, so that those which wait take
// no time and a store which pauses in the wrong place is found out every time.
func failures(t *testing.T, newStore func() session.Store) map[string]string {
	t.Helper()
	failed := make(map[string]string)
	for _, c := range casesFor(newStore()) {
		synctest.Test(t, func(t *testing.T) {
			rec := &recorder{ctx: t.Context()}
			done := make(chan struct{})
			go func() {
				defer close(done)
				c.run(&trial{tb: rec, store: newStore()})
			}()
			<-done
			if rec.failure != "" {
				failed[c.name] = rec.failure
			}
			time.Sleep(2 * time.Hour) // for methods that do not return in time
		})
	}
	return failed
}

func TestCorrectStoresPass(t *testing.T) {
	for name, newStore := range map[string]func() session.Store{
		"holds records": func() session.Store { return newModel() },
		"client-held":   func() session.Store { return cookie.New() },
	} {
		t.Run(name, func(t *testing.T) {
			for name, failure := range failures(t, newStore) {
				t.Errorf("%s: %s", name, failure)
			}
		})
	}
}

func TestBrokenStoresFail(t *testing.T) {
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			want := append([]string{m.found}, m.also...)
			var got []string
			for name, failure := range failures(t, m.broken) {
				got = append(got, name)
				if !strings.Contains(failure, "The contract in package session: ") {
					t.Errorf("%s: the failure quotes no sentence of the contract: %s", name, failure)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("cases that failed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryCaseFindsAMistake(t *testing.T) {
	for _, c := range slices.Concat(commonCases, serverHeldCases, clientHeldCases) {
		if !slices.ContainsFunc(mistakes, func(m mistake) bool { return m.found == c.name }) {
			t.Errorf("no broken store is there for the case %q", c.name)
		}
	}
}
