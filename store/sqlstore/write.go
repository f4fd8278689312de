package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/typedsession/typedsession/store"
)

// Rows are swept by the column sweep and not by expires, since PostgreSQL
// rewrites every index of a row when an indexed column changes. sweep holds a
// minute, and changes with one in 40 of the updates that extend a session every
// six minutes.
const (
	minute          = 60 * 1000       // milliseconds
	recordBucket    = 4 * 60 * minute // so long may an expired record stay
	tombstoneBucket = 15 * minute
)

// sweepAt returns the minute from which on a row may be swept that ends at a
// time, given in Unix milliseconds. It is the end of a bucket.
func sweepAt(end, bucket int64) int64 {
	at := (end/bucket + 1) * (bucket / minute)
	return min(max(at, math.MinInt32), math.MaxInt32)
}

// Create implements [store.Store]. It takes one statement, or two if there is a
// row with the ID.
//
// Returns ErrTooLarge if subject and payload are longer than 1 MiB, and ErrFull
// if the database says that its disk or its file is full.
func (st *Store) Create(ctx context.Context, rec store.Record) error {
	if err := check(rec); err != nil {
		return err
	}
	return st.do(ctx, "create", func(ctx context.Context) error {
		err := st.write(ctx, &st.create, &st.createLogin, &values{rec: rec}, st.created)
		if err != nil && isFull(err) {
			return fmt.Errorf("%w: %w", store.ErrFull, err)
		}
		return err
	})
}

// check refuses records that the table cannot hold.
func check(rec store.Record) error {
	switch {
	case rec.ID == (store.ID{}) || rec.Rev == 0:
		return errors.New("sqlstore: a record without an ID or a revision")
	case len(rec.Subject)+len(rec.Payload) > maxSize:
		return store.ErrTooLarge
	}
	return nil
}

// created says what came of a Create that has inserted no row.
func (st *Store) created(ctx context.Context, v *values, cause error) (again bool, err error) {
	found, err := st.row(ctx, v.rec.ID)
	switch {
	case errors.Is(err, store.ErrNotFound) && cause != nil:
		return false, cause
	case errors.Is(err, store.ErrNotFound):
		return true, nil
	case err != nil:
		return false, err
	case !found.deleted && found.rec.Rev == v.rec.Rev:
		return false, nil
	case found.deleted || found.gone() == nil:
		return false, store.ErrExists
	}
	// An expired record is in the way.
	v.base = found.rec.Rev
	_, err = st.exec(ctx, &st.forget, v)
	return true, err
}

// Update implements [store.Store]. It takes one statement, or two if it changes
// nothing.
//
// Returns ErrTooLarge if subject and payload are longer than 1 MiB.
func (st *Store) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	if err := check(rec); err != nil {
		return err
	}
	return st.do(ctx, "update", func(ctx context.Context) error {
		return st.write(ctx, &st.update, &st.updateLogin, &values{rec: rec, base: base}, st.updated)
	})
}

// updated says what came of an Update that has changed no row.
func (st *Store) updated(ctx context.Context, v *values, cause error) (again bool, err error) {
	if cause != nil {
		return false, cause
	}
	// A statement of its own: on PostgreSQL, a read within the UPDATE's statement
	// returns the record as it was before the writer that the UPDATE waited for.
	found, err := st.row(ctx, v.rec.ID)
	if err == nil {
		err = found.gone()
	}
	switch {
	case err != nil:
		return false, err
	case found.holds(v.rec.Rev):
		return false, nil
	case found.rec.Rev != v.base:
		return false, &store.ConflictError{Current: found.rec}
	}
	return true, nil
}

// write runs a statement until it has changed a row, or until result says what
// came of it. A login runs the statement that has a gate.
func (st *Store) write(ctx context.Context, plain, login *statement, v *values,
	result func(ctx context.Context, v *values, cause error) (again bool, err error),
) error {
	s := plain
	isLogin := v.rec.Subject != "" && !v.rec.LoginSince.IsZero()
	if isLogin {
		s = login
		st.prepareLogin(v)
	}
	for {
		v.now = time.Now().UnixMilli()
		n, err := st.exec(ctx, s, v)
		if err == nil && n > 0 {
			return nil
		}
		if again, err := result(ctx, v, err); err != nil || !again {
			return err
		}
		if isLogin {
			if err := st.passGate(ctx, v); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// Delete implements [store.Store]. It takes one statement.
func (st *Store) Delete(ctx context.Context, id store.ID) error {
	rev := store.NewRev()
	return st.do(ctx, "delete", func(ctx context.Context) error {
		now := time.Now()
		_, err := st.exec(ctx, &st.remove, &values{
			rec:   store.Record{ID: id, Rev: rev},
			now:   now.UnixMilli(),
			until: now.Add(store.TombstoneLife).UnixMilli(),
		})
		return err
	})
}
