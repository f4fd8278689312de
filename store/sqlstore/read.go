package sqlstore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/typedsession/typedsession/store"
)

// row is what the table holds for an ID.
type row struct {
	rec     store.Record
	written time.Time // or deleted
	deleted bool
	past    []store.Rev // replaced lately, newest first
}

// Load implements [store.Store]. It takes one statement.
func (st *Store) Load(ctx context.Context, id store.ID) (store.Record, error) {
	var rec store.Record
	err := st.do(ctx, "load", func(ctx context.Context) error {
		found, err := st.row(ctx, id)
		if err == nil {
			err = found.gone()
		}
		if err == nil {
			rec = found.rec
		}
		return err
	})
	return rec, err
}

// row reads the row of an ID, also if it has expired or is a tombstone. Returns
// ErrNotFound if there is none.
func (st *Store) row(ctx context.Context, id store.ID) (row, error) {
	found := row{rec: store.Record{ID: id}}
	var rev, expires, written int64
	var subject, past []byte
	args := st.read.values(&values{rec: found.rec})
	err := st.db.QueryRowContext(ctx, st.read.text, args...).
		Scan(&rev, &expires, &written, &found.deleted, &subject, &past, &found.rec.Payload)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, store.ErrNotFound
	}
	if err != nil {
		return row{}, err
	}
	found.rec.Rev = store.Rev(rev)
	found.rec.Expires = time.UnixMilli(expires)
	found.rec.Subject = string(subject)
	found.written = time.UnixMilli(written)
	for ; len(past) >= 8; past = past[8:] {
		found.past = append(found.past, store.Rev(binary.BigEndian.Uint64(past)))
	}
	return found, nil
}

// gone returns why there is no record, or nil if there is one.
func (r *row) gone() error {
	switch {
	case r.deleted:
		return &store.DeletedError{At: r.written}
	case !time.Now().Before(r.rec.Expires):
		return store.ErrNotFound
	}
	return nil
}

// holds reports whether a write of that revision was applied, be it replaced
// since.
func (r *row) holds(rev store.Rev) bool {
	return !r.deleted && (r.rec.Rev == rev || slices.Contains(r.past, rev))
}
