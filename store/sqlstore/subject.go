package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/typedsession/typedsession/store"
)

// ListSessions implements [store.SubjectIndex]. It takes one statement.
func (st *Store) ListSessions(ctx context.Context, subject string) ([]store.Record, error) {
	if subject == "" {
		return nil, nil
	}
	var found []store.Record
	err := st.do(ctx, "list sessions", func(ctx context.Context) error {
		found = nil
		args := st.list.values(&values{rec: store.Record{Subject: subject}, now: time.Now().UnixMilli()})
		return st.query(ctx, st.list.text, args, func(rows *sql.Rows) error {
			var id, text []byte
			var rev, expires int64
			var rec store.Record
			if err := rows.Scan(&id, &rev, &expires, &text, &rec.Payload); err != nil {
				return err
			}
			copy(rec.ID[:], id)
			rec.Rev, rec.Expires, rec.Subject = store.Rev(rev), time.UnixMilli(expires), string(text)
			found = append(found, rec)
			return nil
		})
	})
	return found, err
}

// RevokeSubject implements [store.SubjectIndex]. It takes three statements for
// up to 512 sessions: one stores the revocation, one finds the sessions, one ends
// them. That cannot be one statement, because the sessions must be looked for
// after the logins have finished that the first statement has waited for.
func (st *Store) RevokeSubject(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
	if subject == "" {
		return nil, nil
	}
	// Tombstones of this call have its revision, so that it counts those that a
	// statement has left whose answer was lost.
	tag := store.NewRev()
	var ended []store.ID
	err := st.do(ctx, "revoke subject", func(ctx context.Context) error {
		now := time.Now()
		v := &values{
			rec:   store.Record{Subject: subject, Rev: tag},
			now:   now.UnixMilli(),
			until: now.Add(store.TombstoneLife).UnixMilli(),
			name:  hashed(kindSubject, subject),
			gate:  gateOf(subject),
			value: before.UnixMilli(),
		}
		if _, err := st.exec(ctx, &st.revoke, v); err != nil {
			return err
		}
		found, err := st.subjectIDs(ctx, v)
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(id store.ID) bool { return slices.Contains(except, id) })
		slices.SortFunc(found, func(a, b store.ID) int { return slices.Compare(a[:], b[:]) })
		exact := true
		for batch := range slices.Chunk(found, batchSize) {
			text, args := in(&st.compiler, &st.end, v, batch)
			n, err := st.execText(ctx, text, args)
			if err != nil {
				return err
			}
			exact = exact && int(n) == len(batch)
		}
		if !exact { // another process has ended some of them
			if found, err = st.tagged(ctx, v, found); err != nil {
				return err
			}
		}
		ended = found
		return nil
	})
	return ended, err
}

// subjectIDs returns the IDs of the subject's live sessions, and of those that
// this revocation has ended.
func (st *Store) subjectIDs(ctx context.Context, v *values) ([]store.ID, error) {
	var found []store.ID
	err := st.query(ctx, st.ids.text, st.ids.values(v), func(rows *sql.Rows) error {
		id, err := scanID(rows)
		found = append(found, id)
		return err
	})
	return found, err
}

// tagged returns those of the IDs whose tombstones are from this revocation.
func (st *Store) tagged(ctx context.Context, v *values, ids []store.ID) ([]store.ID, error) {
	all, err := st.subjectIDs(ctx, &values{rec: store.Record{Subject: v.rec.Subject, Rev: v.rec.Rev}, now: endOfTime})
	return slices.DeleteFunc(ids, func(id store.ID) bool { return !slices.Contains(all, id) }), err
}

// endOfTime is later than any record expires.
const endOfTime = 1<<63 - 1

func scanID(rows *sql.Rows) (id store.ID, err error) {
	var raw []byte
	err = rows.Scan(&raw)
	copy(id[:], raw)
	return id, err
}
