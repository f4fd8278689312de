package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/typedsession/typedsession/session"
)

// Run tests a store, each case in a subtest with a store from newStore, which
// is also called once for the kind of the store to be seen. The stores may
// share a server and need not be empty: the kit draws random IDs and looks at
// no others. Records that a case leaves behind expire within a year and a half,
// or go with whatever newStore's t.Cleanup removes.
func Run(t *testing.T, newStore func(t *testing.T) session.Store) {
	for _, c := range casesFor(newStore(t)) {
		t.Run(c.name, func(t *testing.T) {
			c.run(&trial{tb: t, store: newStore(t)})
		})
	}
}

// testCase is one way in which a store could break the contract.
type testCase struct {
	name string
	run  func(t *trial)
}

// casesFor returns the cases that apply to a store of this kind. Capabilities
// that a store may have besides are to be found here, by assertion.
func casesFor(st session.Store) []testCase {
	if _, ok := st.(session.ClientHeld); ok {
		return slices.Concat(commonCases, clientHeldCases)
	}
	cases := slices.Concat(commonCases, serverHeldCases)
	if _, ok := st.(session.SubjectIndex); ok {
		cases = append(cases, indexCases...)
	}
	if _, ok := st.(session.Notifier); ok {
		cases = append(cases, notifyCases...)
	}
	if _, ok := st.(session.FreshLoader); ok {
		cases = append(cases, freshCases...)
	}
	return cases
}

// commonCases apply to every store.
var commonCases = slices.Concat(
	roundTripCases,
	expiryCases,
	aliasingCases,
	contextCases,
	[]testCase{
		{"an update replaces every field", updateReplaces},
		{"goroutines with a record each", recordEach},
	},
)

// serverHeldCases apply to stores that hold records.
var serverHeldCases = slices.Concat(
	createCases,
	updateCases,
	deleteCases,
	strangeRefCases,
	concurrencyCases,
)

// tb is what a case needs of a [testing.T]. It is an interface so that the kit
// can be tested: there, a failure is the expected result.
type tb interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
}

// trial is one case on its way with one store.
type trial struct {
	tb
	store session.Store
}

// holdsRevisions reports whether the store keeps the revision of a record.
func (t *trial) holdsRevisions() bool {
	_, clientHeld := t.store.(session.ClientHeld)
	return !clientHeld
}

// rule is a sentence of the contract, word for word.
type rule string

// breach is how a store broke a rule.
type breach struct {
	rule rule
	what string
}

func (b *breach) Error() string {
	return fmt.Sprintf("%s\nThe contract in package session: %q", b.what, string(b.rule))
}

// broke returns a breach. Goroutines of a case return it, because only the
// case's own goroutine may end it.
func broke(r rule, format string, args ...any) error {
	return &breach{r, fmt.Sprintf(format, args...)}
}

// must ends the case unless err is nil.
func (t *trial) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// broke ends the case with a breach.
func (t *trial) broke(r rule, format string, args ...any) {
	t.Helper()
	t.Fatal(broke(r, format, args...))
}
