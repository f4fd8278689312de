package storetest

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

var mistakes = slices.Concat(
	fieldMistakes, payloadMistakes, expiryMistakes, createMistakes, updateMistakes,
	deleteMistakes, tombstoneMistakes, contextMistakes, concurrencyMistakes, listMistakes, revocationMistakes,
	flightMistakes, notifierMistakes, uncachedMistakes, clientHeldMistakes,
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

// failure runs a case in a bubble and returns how it failed, or "". In a bubble,
// a case that waits takes no time, and a store that pauses between two steps
// fails every time.
func failure(t *testing.T, run func(tb)) string {
	t.Helper()
	var rec *recorder
	synctest.Test(t, func(t *testing.T) {
		rec = &recorder{ctx: t.Context()}
		done := make(chan struct{})
		go func() {
			defer close(done)
			run(rec)
		}()
		<-done
		time.Sleep(2 * time.Hour) // for methods that do not return in time
	})
	return rec.failure
}

// failures runs every case on a store of its own and returns the failures by the
// names of the cases.
func failures(t *testing.T, newStore func() store.Store) map[string]string {
	t.Helper()
	failed := make(map[string]string)
	for _, c := range casesFor(newStore()) {
		if got := failure(t, func(tb tb) { c.run(&trial{tb: tb, store: newStore()}) }); got != "" {
			failed[c.name] = got
		}
	}
	return failed
}

func TestCorrectStoresPass(t *testing.T) {
	for name, newStore := range map[string]func() store.Store{
		"with every capability": func() store.Store { return newModel() },
		"without capabilities":  func() store.Store { return struct{ store.Store }{newModel()} },
		"client-held":           func() store.Store { return cookie.New() },
	} {
		t.Run(name, func(t *testing.T) {
			for name, failure := range failures(t, newStore) {
				t.Errorf("%s: %s", name, failure)
			}
		})
	}
}

// A store with a limit may refuse the large payload and nothing else.
func TestStoreWithLimitPasses(t *testing.T) {
	limited := breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) error {
			if len(rec.Payload) > 4096 {
				return store.ErrTooLarge
			}
			return m.Create(ctx, rec)
		}
	})
	for name, failure := range failures(t, limited) {
		t.Errorf("%s: %s", name, failure)
	}
}

func TestBrokenStoresFail(t *testing.T) {
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			want := append([]string{m.found}, m.also...)
			var got []string
			for name, failure := range failures(t, m.broken) {
				got = append(got, name)
				checkLink(t, failure)
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("cases that failed (-want +got):\n%s", diff)
			}
		})
	}
}

// interfaces are the types that the rules are about.
var interfaces = map[string]reflect.Type{
	"Store":          reflect.TypeFor[store.Store](),
	"SubjectIndex":   reflect.TypeFor[store.SubjectIndex](),
	"Notifier":       reflect.TypeFor[store.Notifier](),
	"UncachedLoader": reflect.TypeFor[store.UncachedLoader](),
	"ClientHeld":     reflect.TypeFor[store.ClientHeld](),
	"Revoker":        reflect.TypeFor[store.Revoker](),
	"Record":         reflect.TypeFor[store.Record](),
}

// checkLink checks that a failure names a rule and links to what exists.
func checkLink(t *testing.T, failure string) {
	t.Helper()
	_, symbol, ok := strings.Cut(failure, "\nsee "+docURL+"#")
	name, member, hasMember := strings.Cut(symbol, ".")
	of, known := interfaces[name]
	if !ok || !known || !strings.Contains(failure, "\nbroken rule: store."+symbol+": ") {
		t.Errorf("the failure names no rule: %s", failure)
		return
	}
	if !hasMember {
		return
	}
	if of.Kind() == reflect.Struct {
		_, known = of.FieldByName(member)
	} else {
		_, known = of.MethodByName(member)
	}
	if !known {
		t.Errorf("package store has no %s", symbol)
	}
}

func TestEveryCaseFindsAMistake(t *testing.T) {
	for _, c := range slices.Concat(roundTripCases, storeCases, indexCases, notifierCases, uncachedCases, clientHeldCases) {
		if !slices.ContainsFunc(mistakes, func(m mistake) bool { return m.found == c.name }) {
			t.Errorf("no broken store is there for the case %q", c.name)
		}
	}
}
