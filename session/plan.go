package session

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2" //nolint:depguard // jitter between retries, not a secret
	"time"

	"github.com/typedsession/typedsession/internal/engine"
	"github.com/typedsession/typedsession/internal/payload"
	"github.com/typedsession/typedsession/internal/writequeue"
)

// writePlan is the write that a request calls for.
type writePlan struct {
	kind     writeKind
	change   engine.Change
	newToken bool // the client must be told of it
}

// writeKind is what a write is for.
type writeKind uint8

const (
	writeNothing   writeKind = iota
	writeExtension           // an unchanged session
	writeState
	writeSecret // and perhaps the state
)

// plan returns the write that the request calls for, which may be none. tx means
// that a transaction has just run.
func (u *unit[T]) plan(ctx context.Context, tx bool) (writePlan, error) {
	s := u.snapshot
	p := writePlan{change: engine.Change{
		Subject: u.baseOwner, Persistent: s.Meta.Persistent, Extend: true,
		Login: u.intent.login, Exempt: u.intent.exempt, Arrived: u.arrived,
	}}
	if tx || u.pending() > 0 {
		if err := u.planState(&p); err != nil {
			return writePlan{}, err
		}
	}
	if keep := u.intent.persistent; keep != nil && *keep != s.Meta.Persistent {
		p.kind, p.change.Persistent = max(p.kind, writeState), *keep
	}
	if u.hungUp() && p.kind == writeNothing {
		// The client would not get the new secret, and would come again with
		// the old one: with the second submission of a form, for instance.
		u.intent.renew, u.intent.login, p.change.Login = false, false, false
	}
	if u.intent.renew {
		p.kind = writeSecret
	}
	if p.kind == writeNothing {
		u.settle()
		u.intent.persistent = nil
		u.planUpkeep(ctx, &p)
	}
	if p.kind == writeSecret {
		p.change.Renew = true
	}
	if p.change.Login {
		p.change.Label = u.label()
	}
	p.newToken = u.needsToken(&p)
	if u.committed() && p.newToken {
		return writePlan{}, u.tooLate(p.kind, tx)
	}
	return p, nil
}

// needsToken reports whether the client must be told of a write.
func (u *unit[T]) needsToken(p *writePlan) bool {
	switch p.kind {
	case writeNothing:
		return false
	case writeSecret:
		return true
	}
	return u.stale || u.m.engine.ClientHeld() || p.change.Persistent != u.snapshot.Meta.Persistent
}

// tooLate gives up a write of which the client cannot be told any more.
func (u *unit[T]) tooLate(kind writeKind, tx bool) error {
	switch {
	case kind == writeExtension:
		return nil
	case tx:
		return ErrCommitted // the caller takes back what the transaction did
	}
	return u.drop(ErrCommitted)
}

// planState plans to write the state, if it differs from the stored one.
func (u *unit[T]) planState(p *writePlan) error {
	encoded, err := u.encode()
	if err != nil {
		return err
	}
	// A write without an answer may have changed the record from what is known.
	if len(u.unanswered) == 0 && bytes.Equal(encoded[payload.Room:], u.snapshot.State) {
		return nil
	}
	p.kind, p.change.State = writeState, encoded
	p.change.Subject = u.owner(&u.read.state)
	if p.change.Subject != u.baseOwner {
		p.kind, p.change.Login = writeSecret, true
	}
	return nil
}

// planUpkeep plans what a session needs that the request has not changed: a later
// expiry, its place in the index of its subject, a token under the newest key.
func (u *unit[T]) planUpkeep(ctx context.Context, p *writePlan) {
	e := u.m.engine
	due := u.due()
	if u.stale && !u.committed() && !due && !e.ClientHeld() && !e.SealsRecords() {
		// The record stays as it is. A secret that a login has superseded must
		// not be sent again: it would overwrite the login's cookie.
		if _, err := e.Check(ctx, *u.snapshot); err == nil {
			u.outbox.action = tellToken
		}
		u.stale = false
		return
	}
	reseal := u.stale && (u.m.extendsReads || !e.ClientHeld())
	if !due && !reseal {
		return
	}
	p.kind = writeExtension
	p.change.Extend = u.m.extendsReads && e.Due(u.snapshot, time.Now().UnixMilli())
}

// writer is an update's place in the queue of its session.
type writer struct {
	queue  *writequeue.Queue
	id     ID
	waited bool
	in     bool
	paused bool
}

// enter waits in the queue.
func (w *writer) enter(ctx context.Context) (err error) {
	w.waited = true
	if w.in, err = w.queue.Enter(ctx, w.id); err != nil {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return nil
}

// leave leaves the queue, if the update is in it.
func (w *writer) leave() {
	if w.in {
		w.queue.Leave()
		w.in = false
	}
}

// wait waits before the attempt that follows a conflict. The first few conflicts
// are with requests of this process that were past the queue. Later ones are with
// other processes: every second attempt is made after a pause, since after a
// pause the known record is an old one, and the attempt after that at once.
func (w *writer) wait(ctx context.Context, attempt int) error {
	switch {
	case attempt == maxAttempts:
		return fmt.Errorf("%w: gave up after %d attempts", ErrConflict, attempt)
	case !w.waited:
		return w.enter(ctx)
	case attempt > 4 && !w.paused:
		w.paused = true
		return pause(ctx, attempt)
	}
	w.paused = false
	return nil
}

// pause waits for a random time, so that processes do not meet again, below a
// bound that grows from 1 to 32 ms.
func pause(ctx context.Context, attempt int) error {
	bound := time.Millisecond << min(attempt/4-1, 5)
	timer := time.NewTimer(rand.N(bound))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrConflict, ctx.Err())
	}
}
