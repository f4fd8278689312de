package storetest

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// able is a correct store that can do everything, until a test breaks it.
type able struct {
	*memory.Store
	index   func(subject string, id session.ID, until time.Time) (string, session.ID, time.Time)
	unindex func(subject string, id session.ID) error
	indexed func([]session.Indexed) []session.Indexed
	notify  func(ref string) (<-chan struct{}, func())
	fresh   func(ctx context.Context, ref string) (session.Record, error)
}

func (s *able) Index(ctx context.Context, subject string, id session.ID, until time.Time) error {
	if s.index != nil {
		subject, id, until = s.index(subject, id, until)
	}
	return s.Store.Index(ctx, subject, id, until)
}

func (s *able) Unindex(ctx context.Context, subject string, id session.ID) error {
	if s.unindex != nil {
		return s.unindex(subject, id)
	}
	return s.Store.Unindex(ctx, subject, id)
}

func (s *able) Indexed(ctx context.Context, subject string) ([]session.Indexed, error) {
	indexed, err := s.Store.Indexed(ctx, subject)
	if s.indexed != nil {
		indexed = s.indexed(indexed)
	}
	return indexed, err
}

func (s *able) Notify(ref string) (<-chan struct{}, func()) {
	if s.notify != nil {
		return s.notify(ref)
	}
	return s.Store.Notify(ref)
}

func (s *able) LoadFresh(ctx context.Context, ref string) (session.Record, error) {
	if s.fresh != nil {
		return s.fresh(ctx, ref)
	}
	return s.Load(ctx, ref)
}

// disabilities are ways to break what a store can do besides.
var disabilities = []struct {
	name   string
	breach rule
	broken func() session.Store
}{
	{"the last one only", ruleIndexed, func() session.Store {
		return &able{Store: memory.New(), indexed: func(all []session.Indexed) []session.Indexed { return all[:min(len(all), 1)] }}
	}},
	{"everybody is one subject", ruleIndexed, func() session.Store {
		return &able{Store: memory.New(), index: func(_ string, id session.ID, until time.Time) (string, session.ID, time.Time) {
			return "all", id, until
		}}
	}},
	{"subjects trimmed", ruleIndexed, func() session.Store {
		return &able{Store: memory.New(), index: func(subject string, id session.ID, until time.Time) (string, session.ID, time.Time) {
			return strings.TrimSpace(subject), id, until
		}}
	}},
	{"the first until stays", ruleIndexAgain, func() session.Store {
		var seen sync.Map
		return &able{Store: memory.New(), index: func(subject string, id session.ID, until time.Time) (string, session.ID, time.Time) {
			first, _ := seen.LoadOrStore(id, until)
			return subject, id, first.(time.Time)
		}}
	}},
	{"nothing is struck off", ruleUnindex, func() session.Store {
		return &able{Store: memory.New(), unindex: func(string, session.ID) error { return nil }}
	}},
	{"an error for what is not noted", ruleUnindexTwice, func() session.Store {
		s := &able{Store: memory.New()}
		s.unindex = func(subject string, id session.ID) error {
			indexed, _ := s.Store.Indexed(context.Background(), subject)
			if !slices.ContainsFunc(indexed, func(i session.Indexed) bool { return i.ID == id }) {
				return session.ErrNotFound
			}
			return s.Store.Unindex(context.Background(), subject, id)
		}
		return s
	}},
	{"until is forgotten", ruleIndexed, func() session.Store {
		return &able{Store: memory.New(), index: func(subject string, id session.ID, until time.Time) (string, session.ID, time.Time) {
			return subject, id, until.Add(time.Hour)
		}}
	}},
	{"nobody is told", ruleNotify, func() session.Store {
		return &able{Store: memory.New(), notify: func(string) (<-chan struct{}, func()) { return nil, func() {} }}
	}},
	{"fresh is what was fresh once", ruleLoadFresh, func() session.Store {
		s := &able{Store: memory.New()}
		cache := map[string]session.Record{}
		s.fresh = func(ctx context.Context, ref string) (session.Record, error) {
			if rec, ok := cache[ref]; ok {
				return rec, nil
			}
			rec, err := s.Load(ctx, ref)
			cache[ref] = rec
			return rec, err
		}
		return s
	}},
}

func TestCapableStoresPass(t *testing.T) {
	for name, failure := range failures(t, func() session.Store { return &able{Store: memory.New()} }) {
		t.Errorf("%s: %s", name, failure)
	}
}

func TestBrokenCapabilitiesFail(t *testing.T) {
	for _, d := range disabilities {
		t.Run(d.name, func(t *testing.T) {
			found := false
			for name, failure := range failures(t, d.broken) {
				found = found || strings.Contains(failure, string(d.breach))
				if !strings.Contains(name, ": ") {
					t.Errorf("the case %q fails too: %s", name, failure)
				}
			}
			if !found {
				t.Errorf("no failure quotes %q", d.breach)
			}
		})
	}
}

// brokenRevoker is a correct one until a function replaces a method.
type brokenRevoker struct {
	mu sync.Mutex // guards the pointer, which a mistake replaces
	*memory.Revoker
	revoke func(r *brokenRevoker, key string, before, until time.Time) error
	before func([]time.Time) []time.Time
}

func (r *brokenRevoker) Revoke(ctx context.Context, key string, before, until time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revoke != nil {
		return r.revoke(r, key, before, until)
	}
	return r.Revoker.Revoke(ctx, key, before, until)
}

func (r *brokenRevoker) RevokedBefore(ctx context.Context, keys ...string) ([]time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	marks, err := r.Revoker.RevokedBefore(ctx, keys...)
	if r.before != nil {
		marks = r.before(marks)
	}
	return marks, err
}

func TestRevokers(t *testing.T) {
	tests := []struct {
		name   string
		broken *brokenRevoker
		breach rule
	}{
		{"a correct one", &brokenRevoker{}, ""},
		{"marks in another order", &brokenRevoker{before: func(marks []time.Time) []time.Time { slices.Reverse(marks); return marks }}, ruleRevoked},
		{"keys without a mark left out", &brokenRevoker{before: func(marks []time.Time) []time.Time {
			return slices.DeleteFunc(marks, time.Time.IsZero)
		}}, ruleRevoked},
		{"the last mark stays", &brokenRevoker{revoke: func(r *brokenRevoker, key string, before, until time.Time) error {
			marks, _ := r.Revoker.RevokedBefore(context.Background(), key)
			if before.Before(marks[0]) {
				r.Revoker = new(memory.Revoker)
			}
			return r.Revoker.Revoke(context.Background(), key, before, until)
		}}, ruleRevokeMax},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var failed []string
			for _, c := range revokerCases {
				synctest.Test(t, func(t *testing.T) {
					rec := &recorder{ctx: t.Context()}
					done := make(chan struct{})
					go func() {
						defer close(done)
						test.broken.Revoker = new(memory.Revoker)
						c.run(&revokerTrial{tb: rec, revoker: test.broken})
					}()
					<-done
					if rec.failure != "" {
						failed = append(failed, rec.failure)
					}
				})
			}
			found := slices.ContainsFunc(failed, func(f string) bool { return strings.Contains(f, string(test.breach)) })
			if found != (test.breach != "") {
				t.Errorf("failures: %q", failed)
			}
		})
	}
}

// TestCapabilityRulesAreTheContract compares the quoted sentences with the
// documentation.
func TestCapabilityRulesAreTheContract(t *testing.T) {
	var contract string
	for _, file := range []string{"store.go", "revoker.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), "../../session/"+file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range parsed.Comments {
			contract += strings.Join(strings.Fields(group.Text()), " ") + " "
		}
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), "capabilities.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(parsed, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "rule") {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if n++; err != nil || !strings.Contains(contract, text) {
			t.Errorf("%s is not in the contract: %q", spec.Names[0].Name, text)
		}
		return true
	})
	if n == 0 {
		t.Error("no rules found")
	}
}
