package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"math"
	"slices"
	"time"
)

const (
	// sweepMargin is how long after its end a row is swept at the earliest, in
	// milliseconds, because the clocks of processes differ.
	sweepMargin = 60_000

	// sweepLease is how long a process that sweeps excludes others after its
	// last batch, in milliseconds, should it end without a word.
	sweepLease = 60_000
)

// DeleteExpired deletes expired records, and tombstones and revocations whose
// time has passed, and returns how many rows it has deleted. It works in batches
// of 512, each of two statements that hold no lock on any other row. A record can
// be swept within four hours after it has expired, a tombstone within a quarter of
// an hour after [store.TombstoneLife].
//
// Of all processes with the same table one sweeps at a time. DeleteExpired
// returns 0 without an error while another process sweeps.
func (st *Store) DeleteExpired(ctx context.Context) (int, error) {
	lease := &values{name: name{kindSweep}}
	for deleted := 0; ; {
		mine, err := st.takeLease(ctx, lease)
		if err != nil || !mine {
			return deleted, err
		}
		found, n, err := st.deleteBatch(ctx)
		deleted += n
		if err != nil {
			return deleted, err
		}
		if found == 0 {
			return deleted, st.releaseLease(ctx, lease)
		}
	}
}

// takeLease takes or extends the right to sweep. It reports false if another
// process has it.
func (st *Store) takeLease(ctx context.Context, lease *values) (mine bool, err error) {
	err = st.do(ctx, "delete expired", func(ctx context.Context) error {
		for range 2 {
			lease.now = time.Now().UnixMilli()
			// Another value, since MySQL does not count a row that stays as it is.
			lease.until = max(lease.now+sweepLease, lease.value+1)
			n, err := st.exec(ctx, &st.take, lease)
			if err != nil {
				return err
			}
			if mine = n > 0; mine {
				lease.value = lease.until
				return nil
			}
			// The row may be missing.
			missing := &values{name: lease.name, until: math.MaxInt64}
			if _, err := st.exec(ctx, &st.ensure, missing); err != nil {
				return err
			}
		}
		return nil
	})
	return mine, err
}

func (st *Store) releaseLease(ctx context.Context, lease *values) error {
	return st.do(ctx, "delete expired", func(ctx context.Context) error {
		_, err := st.exec(ctx, &st.release, lease)
		return err
	})
}

// deleteBatch deletes the next rows of both tables. It returns how many it has
// found, and how many of these it has deleted.
func (st *Store) deleteBatch(ctx context.Context) (found, deleted int, err error) {
	v := &values{now: time.Now().UnixMilli() - sweepMargin}
	err = st.do(ctx, "delete expired", func(ctx context.Context) error {
		found = 0
		for _, t := range []struct{ find, remove *statement }{
			{&st.expired, &st.deleteRows},
			{&st.expiredControl, &st.deleteControl},
		} {
			var keys []name
			err := st.query(ctx, t.find.text, t.find.values(v), func(rows *sql.Rows) error {
				id, err := scanID(rows)
				keys = append(keys, name(id))
				return err
			})
			if err != nil {
				return err
			}
			found += len(keys)
			if len(keys) == 0 {
				continue
			}
			// In order, as another statement that locks some of them does it.
			slices.SortFunc(keys, func(a, b name) int { return slices.Compare(a[:], b[:]) })
			text, args := in(&st.compiler, t.remove, v, keys)
			n, err := st.execText(ctx, text, args)
			deleted += int(n)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return found, deleted, err
}

// sweep deletes expired rows until the store is closed.
func (st *Store) sweep(interval time.Duration, onSweep func(int, error)) {
	defer st.sweeps.Done()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-st.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		timer := time.NewTimer(jitter(interval))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		deleted, err := st.DeleteExpired(ctx)
		if onSweep != nil && ctx.Err() == nil {
			onSweep(deleted, err)
		}
	}
}

// jitter returns a random duration between three and five quarters of d, so that
// processes which were started together do not sweep together.
func jitter(d time.Duration) time.Duration {
	var random [4]byte
	rand.Read(random[:]) // never fails: it ends the program instead
	share := float64(binary.BigEndian.Uint32(random[:])) / (1 << 32)
	return d - d/4 + time.Duration(share*float64(d)/2)
}
