package suite

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

// Operations calls every method of a store that uses the database, apart from
// Migrate. It returns what each returned.
func Operations(t testing.TB, st *sqlstore.Store) map[string]error {
	ctx := context.WithoutCancel(t.Context())
	errs := make(map[string]error)
	rec := newRecord("")
	errs["Check"] = st.Check(ctx)
	errs["Create"] = st.Create(ctx, rec)
	in := login(next(rec, "in"))
	in.Subject = "ann"
	errs["Update"] = st.Update(ctx, rec.Rev, in)
	_, errs["Load"] = st.Load(ctx, rec.ID)
	_, errs["ListSessions"] = st.ListSessions(ctx, "ann")
	errs["Delete"] = st.Delete(ctx, store.NewID())
	_, errs["RevokeSubject"] = st.RevokeSubject(ctx, "ann", time.Now())
	errs["Revoke"] = st.Revoke(ctx, "key", time.Now(), time.Now().Add(-time.Hour))
	_, errs["RevokedBefore"] = st.RevokedBefore(ctx, "key")
	_, errs["DeleteExpired"] = st.DeleteExpired(ctx)
	return errs
}

// LeastRights holds that a store works with the rights that docs/SQL.md names,
// and that each of them is needed. connect connects as a role that has only those
// rights to the table and its control table.
func LeastRights(t *testing.T, admin Database, connect func(t *testing.T, table string, rights []string) Database) {
	all := []string{"SELECT", "INSERT", "UPDATE", "DELETE"}
	for i, missing := range append([]string{""}, all...) {
		rights := all
		if missing != "" {
			rights = append(append([]string(nil), all[:i-1]...), all[i:]...)
		}
		t.Run("without "+missing, func(t *testing.T) {
			table := newTable()
			openTable(t, admin, table)
			limited := connect(t, table, rights)
			st, err := sqlstore.New(limited.DB, limited.Dialect, sqlstore.Options{Table: table, Timeout: 20 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			denied := 0
			start := time.Now()
			for name, err := range Operations(t, st) {
				switch {
				case err == nil || missing != "" && errors.Is(err, store.ErrNotFound):
				case missing == "":
					t.Errorf("%s: %v", name, err)
				default:
					denied++
					wantMessage(t, err, "denied", table)
				}
			}
			if missing != "" && denied == 0 {
				t.Error("no operation needs this right")
			}
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("the operations took %v: a refusal was repeated", took)
			}
			if err := st.Migrate(t.Context()); missing == "SELECT" && err == nil {
				t.Error("Migrate succeeded without the right to read")
			}
		})
	}
}

// ReadOnly holds that a store on a database that cannot be written reads, and
// that writes fail at once. name is the table of another store, which can write.
func ReadOnly(t *testing.T, writable, readOnly Database, words ...string) {
	table := newTable()
	st := open(t, writable, sqlstore.Options{Table: table})
	rec := mustCreate(t, st, newRecord("ann"))
	ro, err := sqlstore.New(readOnly.DB, readOnly.Dialect, sqlstore.Options{Table: table, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	wantRecord(t, ro, rec)
	wantSessions(t, ro, "ann", rec)
	start := time.Now()
	wantMessage(t, ro.Create(t.Context(), newRecord("")), words...)
	wantMessage(t, ro.Update(t.Context(), rec.Rev, next(rec, "")), words...)
	wantMessage(t, ro.Delete(t.Context(), rec.ID), words...)
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("three writes took %v: a refusal was repeated", took)
	}
	wantRecord(t, st, rec)
}
