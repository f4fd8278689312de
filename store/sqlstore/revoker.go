package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"
)

// Revoke implements [store.Revoker]. It takes one statement.
func (st *Store) Revoke(ctx context.Context, key string, before, until time.Time) error {
	return st.do(ctx, "revoke", func(ctx context.Context) error {
		_, err := st.exec(ctx, &st.revokeKey, &values{
			name:  hashed(kindRevocation, key),
			value: before.UnixMilli(),
			until: until.UnixMilli(),
		})
		return err
	})
}

// RevokedBefore implements [store.Revoker]. It takes one statement for up to 512
// keys.
func (st *Store) RevokedBefore(ctx context.Context, keys ...string) ([]time.Time, error) {
	names := make([]name, len(keys))
	for i, key := range keys {
		names[i] = hashed(kindRevocation, key)
	}
	found := make(map[name]int64, len(keys))
	err := st.do(ctx, "revoked before", func(ctx context.Context) error {
		for batch := range slices.Chunk(names, batchSize) {
			text, args := in(&st.compiler, &st.controlRows, &values{}, batch)
			err := st.query(ctx, text, args, func(rows *sql.Rows) error {
				n, value, err := scanControl(rows)
				found[n] = value
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	times := make([]time.Time, len(keys))
	for i, n := range names {
		if value, ok := found[n]; ok {
			times[i] = time.UnixMilli(value)
		}
	}
	return times, nil
}
