package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/typedsession/typedsession/store"
)

// listing returns a store whose ListSessions is changed.
func listing(change func([]store.Record) []store.Record) func() store.Store {
	return breaking(func(m *model, st *brokenStore) {
		st.list = func(ctx context.Context, subject string) ([]store.Record, error) {
			recs, err := m.ListSessions(ctx, subject)
			return change(recs), err
		}
	})
}

// confusing returns a store that takes subjects for the same if same does.
func confusing(same func(a, b string) bool) func() store.Store {
	return breaking(func(m *model, st *brokenStore) {
		st.list = func(_ context.Context, subject string) ([]store.Record, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			var recs []store.Record
			for _, k := range m.kept {
				if k.isLive() && same(k.rec.Subject, subject) {
					recs = append(recs, clone(k.rec))
				}
			}
			return recs, nil
		}
	})
}

// expiredListed returns a store whose ListSessions also returns records that
// have expired.
var expiredListed = breaking(func(m *model, st *brokenStore) {
	st.list = func(_ context.Context, subject string) ([]store.Record, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		var recs []store.Record
		for _, k := range m.kept {
			if !k.isDeleted() && k.rec.Subject == subject {
				recs = append(recs, clone(k.rec))
			}
		}
		return recs, nil
	}
})

// leavingOut returns a store whose ListSessions leaves out what was written by an
// Update for which leaveOut reports true.
func leavingOut(leaveOut func(old, rec store.Record) bool) func() store.Store {
	return breaking(func(m *model, st *brokenStore) {
		var unindexed sync.Map
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			old, _ := m.Load(ctx, rec.ID)
			err := m.Update(ctx, base, rec)
			if err == nil && leaveOut(old, rec) {
				unindexed.Store(rec.ID, true)
			}
			return err
		}
		st.list = func(ctx context.Context, subject string) ([]store.Record, error) {
			recs, err := m.ListSessions(ctx, subject)
			return slices.DeleteFunc(recs, func(rec store.Record) bool {
				_, ok := unindexed.Load(rec.ID)
				return ok
			}), err
		}
	})
}

var listMistakes = []mistake{
	{
		"one session only", "list: the sessions of a subject",
		[]string{
			"list: after a delete", "list: during logins and logouts", "revocation: exceptions",
		},
		listing(func(recs []store.Record) []store.Record { return recs[:min(len(recs), 1)] }),
	},
	{"login fields listed", "list: the sessions of a subject", nil, listing(func(recs []store.Record) []store.Record {
		for i := range recs {
			recs[i].LoginSince = time.Now()
		}
		return recs
	})},
	{
		"subjects compared without trailing spaces", "list: subjects of any bytes", nil,
		confusing(func(a, b string) bool { return strings.TrimRight(a, " ") == strings.TrimRight(b, " ") }),
	},
	{
		"subjects compared in any case", "list: subjects of any bytes", nil,
		confusing(func(a, b string) bool { return strings.EqualFold(a, b) && a != "" }),
	},
	{
		"a login by Update not added", "list: an anonymous session becomes a subject's", nil,
		leavingOut(func(old, rec store.Record) bool { return old.Subject == "" && rec.Subject != "" }),
	},
	{
		"a change of the subject not added", "list: a session changes its subject", nil,
		leavingOut(func(old, rec store.Record) bool {
			return old.Subject != "" && old.Subject != rec.Subject && !rec.LoginSince.IsZero()
		}),
	},
	{"the former subject not removed", "list: a session changes its subject", nil, breaking(func(m *model, st *brokenStore) {
		var former sync.Map
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			old, _ := m.Load(ctx, rec.ID)
			err := m.Update(ctx, base, rec)
			if err == nil && old.Subject != rec.Subject {
				former.Store(old.Subject, rec)
			}
			return err
		}
		st.list = func(ctx context.Context, subject string) ([]store.Record, error) {
			recs, err := m.ListSessions(ctx, subject)
			if rec, ok := former.Load(subject); ok {
				recs = append(recs, rec.(store.Record))
			}
			return recs, err
		}
	})},
	{
		"a write that is no login taken for a logout", "list: after an update",
		[]string{"list: during logins and logouts", "revocation: exceptions"},
		leavingOut(func(_, rec store.Record) bool { return rec.LoginSince.IsZero() && rec.IndexUntil.IsZero() }),
	},
	{"deleted sessions listed", "list: after a delete", []string{
		"list: during logins and logouts", "revocation: the sessions of a subject", "revocation: exceptions",
		"revocation: creates of logins in flight", "revocation: during updates",
	}, breaking(func(m *model, st *brokenStore) {
		var mu sync.Mutex
		created := make(map[string][]store.Record)
		st.create = func(ctx context.Context, rec store.Record) error {
			err := m.Create(ctx, rec)
			if err == nil {
				mu.Lock()
				created[rec.Subject] = append(created[rec.Subject], clone(rec))
				mu.Unlock()
			}
			return err
		}
		st.list = func(ctx context.Context, subject string) ([]store.Record, error) {
			recs, err := m.ListSessions(ctx, subject)
			mu.Lock()
			defer mu.Unlock()
			for _, rec := range created[subject] {
				m.inside(rec.ID, func(k *kept) {
					if k.isDeleted() {
						recs = append(recs, rec)
					}
				})
			}
			return recs, err
		}
	})},
	{"expired sessions listed", "list: an expired session", nil, expiredListed},
	{"an index entry until the first expiry", "list: an extended session", nil, breaking(func(m *model, st *brokenStore) {
		var until sync.Map
		st.create = func(ctx context.Context, rec store.Record) error {
			if !rec.IndexUntil.IsZero() {
				until.Store(rec.ID, rec.IndexUntil)
			}
			return m.Create(ctx, rec)
		}
		st.list = func(ctx context.Context, subject string) ([]store.Record, error) {
			recs, err := m.ListSessions(ctx, subject)
			return slices.DeleteFunc(recs, func(rec store.Record) bool {
				end, ok := until.Load(rec.ID)
				return ok && !time.Now().Before(end.(time.Time))
			}), err
		}
	})},
	{"ListSessions returns a slice that is written over", "list: the payloads that ListSessions returned", nil, breaking(func(m *model, st *brokenStore) {
		st.list = func(_ context.Context, subject string) ([]store.Record, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			var recs []store.Record
			for _, k := range m.kept {
				if k.isLive() && k.rec.Subject == subject {
					recs = append(recs, k.rec)
				}
			}
			return recs, nil
		}
		inPlace(m, st)
	})},
}

// refusing returns a store that decides by covers which logins are refused.
func refusing(covers func(before time.Time, old, rec store.Record) bool) func() store.Store {
	return breaking(func(m *model, _ *brokenStore) { m.covers = covers })
}

// revoking returns a store whose RevokeSubject is replaced.
func revoking(revoke func(m *model, subject string, before time.Time, except []store.ID) []store.ID) func() store.Store {
	return breaking(func(m *model, st *brokenStore) {
		st.revoke = func(_ context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
			return revoke(m, subject, before, except), nil
		}
	})
}

var revocationMistakes = []mistake{
	{
		"the IDs are not returned", "revocation: the sessions of a subject",
		[]string{
			"revocation: exceptions", "revocation: during updates", "revocation: two at once",
			"revocation: creates of logins in flight", "revocation: updates that are logins in flight",
		},
		revoking(func(m *model, subject string, before time.Time, except []store.ID) []store.ID {
			_, _ = m.RevokeSubject(context.Background(), subject, before, except...)
			return nil
		}),
	},
	{
		"a RevokeSubject without tombstones", "revocation: tombstones", nil,
		revoking(func(m *model, subject string, before time.Time, except []store.ID) []store.ID {
			ids, _ := m.RevokeSubject(context.Background(), subject, before, except...)
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, id := range ids {
				delete(m.kept, id)
			}
			return ids
		}),
	},
	{
		"the first exception only", "revocation: exceptions", nil,
		revoking(func(m *model, subject string, before time.Time, except []store.ID) []store.ID {
			ids, _ := m.RevokeSubject(context.Background(), subject, before, except[:min(len(except), 1)]...)
			return ids
		}),
	},
	{
		"subjects taken for patterns", "revocation: subjects of any bytes", nil,
		revoking(func(m *model, subject string, before time.Time, except []store.ID) []store.ID {
			prefix, ok := strings.CutSuffix(subject, "*")
			if !ok {
				ids, _ := m.RevokeSubject(context.Background(), subject, before, except...)
				return ids
			}
			m.mu.Lock()
			subjects := []string{subject}
			for _, k := range m.kept {
				if k.isLive() && strings.HasPrefix(k.rec.Subject, prefix) {
					subjects = append(subjects, k.rec.Subject)
				}
			}
			m.mu.Unlock()
			var all []store.ID
			for _, subject := range subjects {
				ids, _ := m.RevokeSubject(context.Background(), subject, before, except...)
				all = append(all, ids...)
			}
			return all
		}),
	},
	{"sessions that were once the subject's", "revocation: a session that has changed its subject", nil, breaking(func(m *model, st *brokenStore) {
		var first sync.Map
		st.create = func(ctx context.Context, rec store.Record) error {
			first.Store(rec.Subject, rec.ID)
			return m.Create(ctx, rec)
		}
		st.revoke = func(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
			ids, err := m.RevokeSubject(ctx, subject, before, except...)
			if id, ok := first.Load(subject); ok && !slices.Contains(except, id.(store.ID)) {
				m.inside(id.(store.ID), func(k *kept) {
					if k.isLive() {
						m.leaveTombstone(id.(store.ID))
					}
				})
			}
			return ids, err
		}
	})},
	{
		"a revocation kept only if there are sessions", "revocation: no sessions",
		[]string{
			"revocation: creates of logins", "revocation: updates that are logins", "revocation: a login that is refused",
			"revocation: the latest time counts",
		},
		revoking(func(m *model, subject string, before time.Time, except []store.ID) []store.ID {
			ids, _ := m.RevokeSubject(context.Background(), subject, before, except...)
			pause() // logins in flight are refused until then
			m.mu.Lock()
			defer m.mu.Unlock()
			if len(ids) == 0 {
				delete(m.revoked, subject)
			}
			return ids
		}),
	},
	{
		"a login in the second after a revocation refused", "revocation: creates of logins",
		[]string{"revocation: updates that are logins", "revocation: a login that is refused"},
		refusing(func(before time.Time, _, rec store.Record) bool {
			return !rec.LoginSince.IsZero() && !rec.LoginSince.Truncate(time.Second).After(before)
		}),
	},
	{
		"a login at the time of a revocation accepted", "revocation: creates of logins",
		[]string{
			"revocation: updates that are logins", "revocation: a login that is refused", "revocation: no sessions",
			"revocation: creates of logins in flight", "revocation: updates that are logins in flight",
		},
		refusing(func(before time.Time, _, rec store.Record) bool {
			return !rec.LoginSince.IsZero() && rec.LoginSince.Before(before)
		}),
	},
	{
		"the subject's own session logs in unchecked", "revocation: updates that are logins", nil,
		refusing(func(before time.Time, old, rec store.Record) bool {
			return old.Subject != rec.Subject && covers(before, old, rec)
		}),
	},
	{
		"every write of a revoked subject refused", "revocation: writes that are not logins",
		[]string{"revocation: exceptions"},
		refusing(func(before time.Time, _, rec store.Record) bool { return !rec.LoginSince.After(before) }),
	},
	{"a refused login stored", "revocation: a login that is refused", []string{
		"revocation: creates of logins in flight",
	}, breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) error {
			err := m.Create(ctx, rec)
			if errors.Is(err, store.ErrRevoked) {
				rec.LoginSince = time.Time{}
				return errors.Join(err, m.Create(ctx, rec))
			}
			return err
		}
	})},
	{"a refused login updates", "revocation: a login that is refused", []string{
		"revocation: updates that are logins in flight",
	}, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			err := m.Update(ctx, base, rec)
			if errors.Is(err, store.ErrRevoked) {
				rec.LoginSince = time.Time{}
				return errors.Join(err, m.Update(ctx, base, rec))
			}
			return err
		}
	})},
	{"a repeated login recognised, deleted", "revocation: a login that is refused and repeated", nil, breaking(func(m *model, st *brokenStore) {
		var updated sync.Map
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			err := m.Update(ctx, base, rec)
			if _, again := updated.LoadOrStore(rec.Rev, true); again && errors.Is(err, store.ErrNotFound) && !rec.LoginSince.IsZero() {
				return nil
			}
			return err
		}
	})},
	{"the last revocation counts", "revocation: the latest time counts", nil, breaking(func(m *model, st *brokenStore) {
		st.revoke = func(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
			m.mu.Lock()
			delete(m.revoked, subject)
			m.mu.Unlock()
			return m.RevokeSubject(ctx, subject, before, except...)
		}
	})},
}
