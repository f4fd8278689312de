package storetest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
)

// The sentences of the contracts of what a store can do besides.
const (
	ruleIndex        rule = "Index notes that the session may belong to the subject, until then at the longest."
	ruleIndexAgain   rule = "To note it again moves until."
	ruleUnindex      rule = "Unindex strikes the session off."
	ruleUnindexTwice rule = "One that is not noted is not an error."
	ruleIndexed      rule = "Indexed returns every session that was noted for the subject before it was called, was not struck off since, and whose until has not passed; in any order."

	ruleNotify     rule = "Notify returns a channel that is closed when the record that ref finds is next replaced or removed, other than by expiring, and a function that gives it up."
	ruleLoadFresh  rule = "LoadFresh is Load past the cache."
	ruleRevoke     rule = "Revoke marks key: what was issued before the given time is revoked."
	ruleRevokeMax  rule = "A mark that is there already stays where it is the later one."
	ruleRevokeKeep rule = "The mark may be forgotten at until, and not before."
	ruleRevoked    rule = "RevokedBefore returns the marks of the keys, in their order, the zero Time for those that have none."
)

// indexCases apply to a store that is a session.SubjectIndex.
var indexCases = []testCase{
	{"index: what was noted is told", indexTells},
	{"index: subjects of any bytes", indexSubjects},
	{"index: noted again", indexAgain},
	{"index: struck off", indexStruckOff},
	{"index: until has passed", indexPassed},
	{"index: goroutines of one subject", indexConcurrent},
}

// notifyCases apply to a store that is a session.Notifier.
var notifyCases = []testCase{
	{"notify: an update", func(t *trial) {
		t.wantNotified("Update", func(rec session.Record, ref string) error {
			_, err := t.store.Update(t.Context(), ref, rec.Rev, nextWrite(rec))
			return err
		})
	}},
	{"notify: a delete", func(t *trial) {
		t.wantNotified("Delete", func(_ session.Record, ref string) error {
			return t.store.Delete(t.Context(), ref)
		})
	}},
}

// freshCases apply to a store that is a session.FreshLoader.
var freshCases = []testCase{
	{"fresh: after an update", func(t *trial) {
		rec := newRecord()
		ref := t.create(rec)
		for range 20 {
			t.load(ref) // and perhaps keep it
			next := nextWrite(rec)
			if _, err := t.store.Update(t.Context(), ref, rec.Rev, next); err != nil {
				t.broke(ruleUpdate, "Update: %v", err)
			}
			rec = next
			got, err := t.store.(session.FreshLoader).LoadFresh(t.Context(), ref)
			if err != nil || got.Rev != rec.Rev {
				t.broke(ruleLoadFresh, "LoadFresh after Update: revision %016x, %v", uint64(got.Rev), err)
			}
		}
	}},
}

// newSubject returns a subject that no other case uses.
func newSubject() string { return "subject-" + newID().String() }

// index notes a session, which must succeed.
func (t *trial) index(subject string, id session.ID, until time.Time) {
	t.Helper()
	if err := t.store.(session.SubjectIndex).Index(t.Context(), subject, id, until); err != nil {
		t.broke(ruleIndex, "Index: %v", err)
	}
}

func (t *trial) unindex(r rule, subject string, id session.ID) {
	t.Helper()
	if err := t.store.(session.SubjectIndex).Unindex(t.Context(), subject, id); err != nil {
		t.broke(r, "Unindex: %v", err)
	}
}

// wantIndexed checks what is told of a subject.
func (t *trial) wantIndexed(r rule, subject string, want ...session.Indexed) {
	t.Helper()
	got, err := t.store.(session.SubjectIndex).Indexed(t.Context(), subject)
	if err != nil {
		t.broke(r, "Indexed: %v", err)
	}
	order := func(a, b session.Indexed) int { return slices.Compare(a.ID[:], b.ID[:]) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.EqualFunc(got, want, func(a, b session.Indexed) bool { return a.ID == b.ID && a.Until.Equal(b.Until) }) {
		t.broke(r, "Indexed of %q returned %v, want %v", subject, got, want)
	}
}

func indexTells(t *trial) {
	one, other := newSubject(), newSubject()
	t.wantIndexed(ruleIndexed, one)
	var want []session.Indexed
	for i := range 300 {
		entry := session.Indexed{ID: newID(), Until: after(time.Hour + time.Duration(i)*time.Second)}
		t.index(one, entry.ID, entry.Until)
		want = append(want, entry)
	}
	t.wantIndexed(ruleIndexed, one, want...)
	t.wantIndexed(ruleIndexed, other)
}

func indexSubjects(t *trial) {
	base := newSubject()
	for _, subject := range []string{
		base, base + " ", base + "\n", base + "\x00", base + "{a}", base + "*", "{}" + base, base + "ä", base + "\xff", strings.ToUpper(base), base + strings.Repeat("x", 1000),
	} {
		id, until := newID(), after(time.Hour)
		t.index(subject, id, until)
		t.wantIndexed(ruleIndexed, subject, session.Indexed{ID: id, Until: until})
	}
}

func indexAgain(t *trial) {
	subject, id := newSubject(), newID()
	for _, life := range []time.Duration{time.Hour, 3 * time.Hour, 2 * time.Hour} {
		until := after(life)
		t.index(subject, id, until)
		t.wantIndexed(ruleIndexAgain, subject, session.Indexed{ID: id, Until: until})
	}
}

func indexStruckOff(t *trial) {
	subject, id, kept, until := newSubject(), newID(), newID(), after(time.Hour)
	t.index(subject, id, until)
	t.index(subject, kept, until)
	t.unindex(ruleUnindex, subject, id)
	t.wantIndexed(ruleUnindex, subject, session.Indexed{ID: kept, Until: until})
	t.unindex(ruleUnindexTwice, subject, id)
	t.unindex(ruleUnindexTwice, newSubject(), kept)
	t.wantIndexed(ruleUnindex, subject, session.Indexed{ID: kept, Until: until})
}

func indexPassed(t *trial) {
	subject, soon, late := newSubject(), newID(), newID()
	passes, stays := after(50*time.Millisecond), after(time.Hour)
	t.index(subject, late, stays)
	t.index(subject, soon, passes)
	sleepUntil(passes)
	t.wantIndexed(ruleIndexed, subject, session.Indexed{ID: late, Until: stays})
}

func indexConcurrent(t *trial) {
	index := t.store.(session.SubjectIndex)
	subject, until := newSubject(), after(time.Hour)
	var want []session.Indexed
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for i := range errs {
		kept := session.Indexed{ID: newID(), Until: until}
		want = append(want, kept)
		wg.Go(func() {
			for range 10 {
				id := newID()
				for _, err := range []error{
					index.Index(t.Context(), subject, kept.ID, until),
					index.Index(t.Context(), subject, id, until),
					index.Unindex(t.Context(), subject, id),
				} {
					if err != nil {
						errs[i] = broke(ruleIndex, "beside others: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		t.must(err)
	}
	t.wantIndexed(ruleIndexed, subject, want...)
}

// wantNotified checks that a change closes the channels of those who wait for
// it, though another has given up. That one's may be closed too.
func (t *trial) wantNotified(what string, change func(session.Record, string) error) {
	t.Helper()
	notifier := t.store.(session.Notifier)
	rec := newRecord()
	ref := t.create(rec)
	first, stopFirst := notifier.Notify(ref)
	second, stopSecond := notifier.Notify(ref)
	_, stop := notifier.Notify(ref)
	stop()
	stop()
	if err := change(rec, ref); err != nil {
		t.broke(ruleUpdate, "%s: %v", what, err)
	}
	for _, changed := range []<-chan struct{}{first, second} {
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.broke(ruleNotify, "the channel is open 10 s after %s has returned", what)
		}
	}
	stopFirst()
	stopSecond()
}

// RunRevoker tests a Revoker, each case in a subtest.
func RunRevoker(t *testing.T, newRevoker func(t *testing.T) session.Revoker) {
	for _, c := range revokerCases {
		t.Run(c.name, func(t *testing.T) {
			c.run(&revokerTrial{tb: t, revoker: newRevoker(t)})
		})
	}
}

type revokerTrial struct {
	tb
	revoker session.Revoker
}

type revokerCase struct {
	name string
	run  func(t *revokerTrial)
}

var revokerCases = []revokerCase{
	{"marks are told in the order of the keys", func(t *revokerTrial) {
		a, b, c := newSubject(), newSubject(), newSubject()
		before := after(0)
		t.revoke(a, before, after(time.Hour))
		t.revoke(b, before.Add(time.Second), after(time.Hour))
		t.want(ruleRevoked, []string{a, b, c}, before, before.Add(time.Second), time.Time{})
		t.want(ruleRevoked, []string{c, b, a}, time.Time{}, before.Add(time.Second), before)
		t.want(ruleRevoked, []string{c}, time.Time{})
	}},
	{"the later mark stays", func(t *revokerTrial) {
		key, before := newSubject(), after(0)
		for _, shift := range []time.Duration{0, time.Minute, -time.Hour} {
			t.revoke(key, before.Add(shift), after(time.Hour))
		}
		t.want(ruleRevokeMax, []string{key}, before.Add(time.Minute))
	}},
	{"a mark is kept until the latest time", func(t *revokerTrial) {
		key, before, soon := newSubject(), after(0), after(50*time.Millisecond)
		t.revoke(key, before, after(time.Hour))
		t.revoke(key, before.Add(-time.Minute), soon)
		sleepUntil(soon)
		t.revoke(newSubject(), before, after(time.Hour)) // which may tidy up
		t.want(ruleRevokeKeep, []string{key}, before)
	}},
	{"marks at once", func(t *revokerTrial) {
		key, before := newSubject(), after(0)
		var wg sync.WaitGroup
		errs := make([]error, 16)
		for i := range errs {
			wg.Go(func() {
				errs[i] = t.revoker.Revoke(t.Context(), key, before.Add(time.Duration(i)*time.Second), after(time.Hour))
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				t.Fatal(broke(ruleRevoke, "Revoke beside others: %v", err))
			}
		}
		t.want(ruleRevokeMax, []string{key}, before.Add(time.Duration(len(errs)-1)*time.Second))
	}},
}

func (t *revokerTrial) revoke(key string, before, until time.Time) {
	t.Helper()
	if err := t.revoker.Revoke(t.Context(), key, before, until); err != nil {
		t.Fatal(broke(ruleRevoke, "Revoke: %v", err))
	}
}

func (t *revokerTrial) want(r rule, keys []string, want ...time.Time) {
	t.Helper()
	got, err := t.revoker.RevokedBefore(t.Context(), keys...)
	if err != nil || !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Fatal(broke(r, "RevokedBefore returned %v, %v; want %v", got, err, want))
	}
}
