package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/typedsession/typedsession/store"
)

// Run tests a store, each case in a subtest with a store from newStore. One more
// call of newStore finds out what the store implements. The stores may share a
// server and need not be empty: the kit draws random IDs and subjects and looks
// at no others. Records that a case leaves behind expire within a year and a
// half.
func Run(t *testing.T, newStore func(t *testing.T) store.Store) {
	for _, c := range casesFor(newStore(t)) {
		t.Run(c.name, func(t *testing.T) {
			c.run(&trial{tb: t, store: newStore(t)})
		})
	}
}

// testCase tests one way to break the contract.
type testCase struct {
	name string
	run  func(t *trial)
}

// casesFor returns the cases that apply to a store.
func casesFor(st store.Store) []testCase {
	if _, ok := st.(store.ClientHeld); ok {
		return slices.Concat(roundTripCases, clientHeldCases)
	}
	cases := slices.Concat(roundTripCases, storeCases)
	if _, ok := st.(store.SubjectIndex); ok {
		cases = slices.Concat(cases, indexCases)
	}
	if _, ok := st.(store.Notifier); ok {
		cases = slices.Concat(cases, notifierCases)
	}
	if _, ok := st.(store.UncachedLoader); ok {
		cases = slices.Concat(cases, uncachedCases)
	}
	return cases
}

// storeCases apply to every store that keeps records.
var storeCases = slices.Concat(
	payloadCases,
	expiryCases,
	createCases,
	updateCases,
	deleteCases,
	contextCases,
	concurrencyCases,
)

// indexCases apply to a store that is a [store.SubjectIndex].
var indexCases = slices.Concat(
	listCases,
	revocationCases,
	indexContextCases,
	indexConcurrencyCases,
)

// tb is what a case needs of a [testing.T]. It is an interface so that the kit
// can be tested: there, a failure is the expected result.
type tb interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
}

// trial is one run of a case.
type trial struct {
	tb
	store store.Store
}

// must ends the case unless err is nil.
func (t *trial) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// broke ends the case because the store broke a rule.
func (t *trial) broke(r rule, format string, args ...any) {
	t.Helper()
	t.Fatal(broke(r, format, args...))
}
