package rueidis

import (
	"context"
	"errors"
	"fmt"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/store"
)

// check takes a session from its login to its end, so that Open fails if the
// server cannot be used or the user lacks a right.
func (st *Store) check(ctx context.Context) error {
	// The client sends it when a connection has been silent for a while. A
	// server that refuses it logs each refusal.
	if err := st.client.Do(ctx, st.client.B().Ping().Build()).Error(); err != nil {
		return fmt.Errorf("rueidis: ping: %w", err)
	}
	// A script is sent as text when the server does not have it, which may be after
	// its next restart only.
	if err := st.client.Do(ctx, st.client.B().Eval().Script("return 1").Numkeys(1).Key(st.opts.Prefix).Build()).Error(); err != nil {
		return fmt.Errorf("rueidis: eval: %w", err)
	}
	rec := store.Record{ID: store.NewID(), Rev: store.NewRev(), Expires: time.Now().Add(time.Minute)}
	rec.Subject = rec.ID.String()
	rec.LoginSince = time.Now()
	if err := st.Create(ctx, rec); err != nil {
		return err
	}
	if _, err := st.LoadUncached(ctx, rec.ID); err != nil {
		return err
	}
	if err := st.checkCache(ctx, rec); err != nil {
		return err
	}
	base := rec.Rev
	rec.Rev = store.NewRev()
	if err := st.Update(ctx, base, rec); err != nil {
		return err
	}
	if err := st.checkCache(ctx, rec); err != nil {
		return err
	}
	if err := st.checkIndex(ctx, rec); err != nil {
		return err
	}
	return st.Delete(ctx, rec.ID)
}

// checkIndex makes sure that a session is found by its subject. It is not if a
// proxy sends a script to the node of the script's first key and hides
// that the second key belongs to another.
func (st *Store) checkIndex(ctx context.Context, rec store.Record) error {
	for {
		listed, err := st.ListSessions(ctx, rec.Subject)
		if err != nil {
			return err
		}
		if len(listed) == 1 {
			break
		}
		if st.sharded.Swap(true) {
			return errors.New("rueidis: list sessions: a session that was stored is not found")
		}
		base := rec.Rev
		rec.Rev = store.NewRev()
		if err := st.Update(ctx, base, rec); err != nil {
			return err
		}
	}
	if _, err := st.RevokeSubject(ctx, rec.Subject, rec.LoginSince); err != nil {
		return err
	}
	if err := st.drop(ctx, st.indexKey(rec.Subject), rec.ID); err != nil {
		return fmt.Errorf("rueidis: index: %w", err)
	}
	return nil
}

// checkCache makes sure that the client, if it is to cache, does so, and that
// the server tells it of changes: without a right to be told it would cache all
// the same.
func (st *Store) checkCache(ctx context.Context, rec store.Record) error {
	if st.recent == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, st.opts.Timeout)
	defer cancel()
	for {
		value, err := st.client.DoCache(ctx, client.Cacheable(st.get(rec.ID)).Pin(), time.Minute).AsBytes()
		if err != nil {
			return fmt.Errorf("rueidis: cached load: %w", err)
		}
		if s, err := decode(rec.ID, value); err == nil && s.Rev == rec.Rev {
			return nil
		}
		if pause(ctx, 0) != nil {
			return fmt.Errorf("rueidis: cached load: %w within %v", errNoNotice, st.opts.Timeout)
		}
	}
}

// errNoNotice means that the cache is not told of changes.
var errNoNotice = errors.New("no notice of a change")
