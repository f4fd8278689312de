package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/typedsession/typedsession/store"
)

// bucketSize is how long a bucket of the column sweep is, in milliseconds. Rows
// are swept by that column and not by expires, since PostgreSQL rewrites every
// index of a row when an indexed column changes. Of the updates that extend a
// session every few minutes one in many changes the bucket.
const bucketSize = 60 * 60 * 1000

// bucket returns the first bucket in which a row that ends at that time may be
// swept.
func bucket(end int64) int64 {
	return min(max(end/bucketSize+1, math.MinInt32), math.MaxInt32)
}

// Create implements [store.Store]. It takes one statement, or two if there is a
// row with the ID.
//
// Returns ErrTooLarge if subject and payload are longer than 1 MiB, and ErrFull
// if the database says that its disk or its file is full.
func (st *Store) Create(ctx context.Context, rec store.Record) error {
	if len(rec.Subject)+len(rec.Payload) > maxSize {
		return store.ErrTooLarge
	}
	return st.do(ctx, "create", func(ctx context.Context) error {
		err := st.write(ctx, &st.create, &st.createLogin, &values{rec: rec}, st.created)
		if err != nil && isFull(err) {
			return fmt.Errorf("%w: %w", store.ErrFull, err)
		}
		return err
	})
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
	case found.holds(v.rec.Rev):
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
	if len(rec.Subject)+len(rec.Payload) > maxSize {
		return store.ErrTooLarge
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
