package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/store"
)

// errEnded is what Save and Transact answer where the session ended meanwhile.
var errEnded = ErrEnded

// errDoubt is the error of a save that follows one which got no answer, where
// somebody else has written since. Nobody can tell whether the updates are in
// what that one wrote upon; made again, they might be made twice.
var errDoubt = fmt.Errorf("%w: the change was made or it was not", ErrUnavailable)

// maxAttempts bounds how often a write that meets conflicts is tried. All but
// the first two stand in line in this process, so that hardly anybody but other
// processes can still get in between.
const maxAttempts = 100

// save brings the store up to the state: it deletes what was destroyed, and
// creates or updates the record. tx, when it is not nil, is a transaction: it
// changes the state further, and is called again on a fresher state after each
// conflict; its error ends the save before anything is written.
func (y *cycle) save(ctx context.Context, tx func() error) error {
	if err := y.bury(ctx); err != nil {
		return err
	}
	if y.live {
		return y.update(ctx, tx)
	}
	return y.create(ctx, tx)
}

// bury deletes the record of a destroyed session.
func (y *cycle) bury(ctx context.Context) error {
	if !y.doomed {
		return nil
	}
	if y.core.clientHeld && y.begun && y.core.revoker == nil {
		y.doomed = false
		return y.failed("destroy", ErrCommitted)
	}
	if err := storeError(y.core.delete(ctx, y.former)); err != nil {
		return y.failed("destroy", err)
	}
	if y.core.revoker != nil {
		if err := y.core.revokeID(ctx, y.former); err != nil {
			return y.failed("destroy", err)
		}
	}
	y.event(Event{Kind: EventDestroyed, ID: y.former, Subject: y.subject})
	y.doomed, y.subject = false, ""
	return nil
}

// refresh takes the record as the store holds it now, for a transaction.
func (y *cycle) refresh(ctx context.Context) error {
	y.loaded = time.Now().UnixMilli()
	if err := y.bury(ctx); err != nil || !y.live {
		return err
	}
	id := y.id()
	rec, err := y.core.loadFresh(ctx, id, y.ref)
	switch {
	case errors.Is(err, ErrNotFound):
		y.event(Event{Kind: EventRejected, ID: id, Subject: y.subject, Reason: ReasonUnknown})
		y.live = false
	case err != nil:
		return y.failed("load", err)
	case rec.Rev != y.rev && y.state.doubtful(rec.Rev):
		return y.failed("save", errDoubt)
	default:
		y.adopt(id, y.ref, &rec, y.loaded)
	}
	switch {
	case y.doomed:
		return y.bury(ctx)
	case !y.live:
		y.end()
	}
	return nil
}

// create stores a new session, if there is anything to store.
func (y *cycle) create(ctx context.Context, tx func() error) error {
	if tx != nil {
		// From the beginning: tx must leave no trace where it fails.
		if err := y.state.rebuild(nil); err != nil {
			return err
		}
		if err := tx(); err != nil {
			return err
		}
	} else if !y.state.pending() && !(y.muted && y.renew) {
		return nil
	}
	subject := y.state.owner()
	encoded, err := y.encode()
	if err != nil {
		return err
	}
	if login := subject != "" || y.muted && y.renew; !login {
		initial, err := y.state.initial()
		if err != nil {
			return err
		}
		unchanged := bytes.Equal(encoded[maxHeaderSize:], initial)
		switch {
		case unchanged && (tx == nil || !y.muted):
			y.state.settle()
			return nil // worth neither a record nor a cookie
		case y.muted:
			return y.drop(errEnded)
		}
	}
	if y.begun {
		return y.drop(fmt.Errorf("session: create: %w", ErrCommitted))
	}
	w := y.birth(encoded, subject)
	ref, err := y.insert(ctx, &w)
	if errors.Is(err, store.ErrExists) {
		// Only where this creation was tried before and its answer was lost.
		// Nobody has the secret of what it has made.
		if err := storeError(y.core.delete(ctx, w.rec.ID)); err != nil {
			return y.failed("create", err)
		}
		y.show(func(v *view) { v.id = ID{} })
		w = y.birth(encoded, subject)
		ref, err = y.insert(ctx, &w)
	}
	if err != nil {
		return y.failed("create", err)
	}
	y.keep(ref, &w)
	y.muted = false
	y.tell = tellToken
	y.event(Event{Kind: EventCreated, ID: w.rec.ID, Subject: subject})
	y.limit(ctx, subject)
	return nil
}

// insert hands a new record to the store.
func (y *cycle) insert(ctx context.Context, w *write) (ref string, err error) {
	w.rec.ID = y.drawID()
	y.finish(w)
	if y.core.held != nil {
		return y.encodeRecord(w)
	}
	return "", storeError(y.core.store.Create(ctx, w.rec))
}

// update stores a changed or extended session. The write is conditional on the
// revision that was loaded; when that has been overtaken, the updates are
// applied to the current state, and it is tried again.
func (y *cycle) update(ctx context.Context, tx func() error) error {
	id := y.id()
	line := y.core.lines.of(id)
	waited, in, paused := false, false, false
	enter := func() (err error) {
		waited = true
		if in, err = line.enter(ctx, id); err != nil {
			return y.failed("save", fmt.Errorf("%w: %w", ErrConflict, err))
		}
		return nil
	}
	defer func() {
		if in {
			line.leave()
		}
	}()
	if line.serves(id) && (tx != nil || y.unsaved()) {
		if err := enter(); err != nil {
			return err
		}
	}
	for attempt := 1; ; attempt++ {
		if tx != nil {
			if err := tx(); err != nil {
				return err
			}
		}
		w, err := y.change(tx != nil)
		if err != nil || w.purpose == writeNothing {
			return err
		}
		ref, err := y.replace(ctx, &w)
		if err == nil {
			became := w.rec.Subject != y.subject
			y.updated(ref, &w)
			if became {
				y.limit(ctx, w.rec.Subject)
			}
			return nil
		}
		var conflict *store.ConflictError
		switch {
		case w.purpose == writeExpiry:
			y.tried = true
			// Somebody else has used the session just now, or it has ended, or
			// the store is out of reach. The request changed nothing, so that
			// none of it is its concern.
			if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
				_ = y.failed("extend", err)
			}
			return nil
		case errors.Is(err, ErrNotFound):
			y.event(Event{Kind: EventRejected, ID: id, Subject: y.subject, Reason: ReasonUnknown})
			return y.outlive(ctx, tx)
		case !errors.As(err, &conflict):
			return y.failed("save", err)
		}
		y.event(Event{Kind: EventConflict, ID: id, Subject: y.subject})
		if y.state.doubtful(conflict.Current.Rev) {
			return y.failed("save", errDoubt)
		}
		if attempt == maxAttempts {
			return y.failed("save", fmt.Errorf("%w: gave up after %d attempts", ErrConflict, attempt))
		}
		switch {
		case !waited:
			if err := enter(); err != nil {
				return err
			}
		case attempt > 4 && !paused:
			// The first few conflicts are no other process's: some requests of
			// this one were past the line already.
			if err := pause(ctx, attempt, w.rec.Rev); err != nil {
				return y.failed("save", fmt.Errorf("%w: %w", ErrConflict, err))
			}
			paused = true
		default:
			// After a pause the record was an old one. The attempt has brought
			// the present one, which is of use only at once.
			paused = false
		}
		// The token must open the current record too: it may have been renewed.
		y.adopt(id, y.ref, &conflict.Current, time.Now().UnixMilli())
		switch {
		case y.doomed:
			return y.save(ctx, tx)
		case !y.live:
			return y.outlive(ctx, tx)
		}
	}
}

// replace hands a changed record to the store.
func (y *cycle) replace(ctx context.Context, w *write) (ref string, err error) {
	if y.core.revoker != nil {
		// Revoked since it was loaded: a new cookie would be a new lease.
		switch revoked, err := y.core.revoked(ctx, w.rec.ID, y.subject, &y.header); {
		case err != nil:
			return "", err
		case revoked:
			return "", ErrNotFound
		}
	}
	if y.core.held != nil {
		if _, err := y.core.held.Decode(y.ref); err != nil { // expired
			return "", err
		}
		return y.encodeRecord(w)
	}
	err = storeError(y.core.store.Update(ctx, y.rev, w.rec))
	if w.purpose != writeExpiry && errors.Is(err, ErrUnavailable) {
		y.state.lost(w.rec.Rev) // it may be in the store: see adopt
		y.unanswered = &lostWrite{w.rec.Rev, w.secret, y.news(w), y.unanswered}
	}
	return "", err
}

// pause waits before one more attempt against other processes: at random, so
// that they do not meet again, up to a bound that grows from 1 to 32 ms. A
// revision is random enough.
func pause(ctx context.Context, attempt int, random store.Rev) error {
	bound := time.Millisecond << min(attempt/4-1, 5)
	timer := time.NewTimer(time.Duration(uint64(random) % uint64(bound)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outlive goes on where the session ended under the request. It is never
// revived: the updates are applied to the initial state, so that nothing of the
// old one comes back, and only a login of its own makes a new session of it.
func (y *cycle) outlive(ctx context.Context, tx func() error) error {
	y.end()
	if err := y.state.rebuild(nil); err != nil {
		return err
	}
	return y.create(ctx, tx)
}

// end takes note that the session has ended under the request.
func (y *cycle) end() {
	y.former = y.id()
	y.live, y.muted, y.reseal = false, true, false
	y.tell, y.subject = tellNothing, ""
	y.show(func(v *view) { *v = view{isNew: true, status: v.status} })
}

// drop gives up what was not saved, and says so. The state goes back to what is
// stored, so that the next change does not bring it along.
func (y *cycle) drop(err error) error {
	y.state.settle()
	y.renew, y.proven, y.keepIt, y.persist = false, false, false, nil
	y.fail(err)
	if undo := y.state.rebuild(y.base()); undo != nil {
		return undo
	}
	return err
}

// failed reports an error of the store, of a codec, or of the size.
func (y *cycle) failed(verb string, err error) error {
	err = fmt.Errorf("session: %s: %w", verb, err)
	y.fail(err)
	return err
}
