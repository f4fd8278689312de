package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/typedsession/typedsession/internal/engine"
	"github.com/typedsession/typedsession/internal/payload"
	"github.com/typedsession/typedsession/internal/token"
	"github.com/typedsession/typedsession/store"
)

// errUncertain is the error of a save after a write without an answer, if
// another request has written since. It cannot be told whether the updates are
// in what that request has written; applied again, they might be applied twice.
var errUncertain = fmt.Errorf("%w: the change was made or it was not", ErrUnavailable)

// maxAttempts bounds how often a write is tried that meets conflicts. All but
// the first two attempts wait in the session's queue in this process, so that
// mostly other processes conflict with them.
const maxAttempts = 100

// save brings the store up to the state: it deletes what was destroyed, and
// creates or updates the record. tx, if it is not nil, is a transaction: it
// changes the state further, and is called again on a fresher state after each
// conflict. Its error ends the save before anything is written.
func (u *unit[T]) save(ctx context.Context, tx func() error) error {
	if err := u.deleteDestroyed(ctx); err != nil {
		return err
	}
	if u.phase == phaseStored {
		return u.update(ctx, tx)
	}
	return u.create(ctx, tx)
}

// deleteDestroyed deletes the record of a destroyed session.
func (u *unit[T]) deleteDestroyed(ctx context.Context) error {
	s := u.destroyed
	if s == nil {
		return nil
	}
	if u.m.engine.ClientHeld() && u.committed() && !u.m.engine.HasRevoker() {
		u.destroyed = nil
		return u.fail("destroy", ErrCommitted)
	}
	if err := u.m.engine.Delete(ctx, s.ID); err != nil {
		return u.fail("destroy", err)
	}
	u.destroyed = nil
	if s.Seen == 0 {
		return nil // it has expired before
	}
	u.event(Event{Kind: EventDestroyed, ID: s.ID, Subject: s.Subject})
	return nil
}

// refresh loads the record as the store holds it now, for a transaction.
func (u *unit[T]) refresh(ctx context.Context) error {
	if err := u.deleteDestroyed(ctx); err != nil || u.phase != phaseStored {
		return err
	}
	rec, err := u.m.engine.LoadUncached(ctx, u.snapshot.ID)
	switch {
	case err == nil:
		return u.overtaken(&rec)
	case !errors.Is(err, ErrNotFound):
		return u.fail("load", err)
	case !isDeleted(err) && u.m.engine.Restorable(u.snapshot, u.snapshot.Subject, u.arrived):
		return u.replay(u.snapshot.State)
	}
	u.gone()
	return nil
}

// adopt goes on with what Verify or Reload has found: with the record, or in
// phaseEnded.
func (u *unit[T]) adopt(f engine.Finding, s *engine.Snapshot) {
	if f.Outcome == engine.Live {
		err := u.replay(s.State)
		if err == nil {
			adopted := *s
			u.becomeStored(&adopted)
			return
		}
		f = engine.Finding{Outcome: engine.Invalid, ID: f.ID, Subject: f.Subject, Err: err}
	}
	u.reject(f)
	u.becomeEnded(f.Current)
}

// create stores a new session, if there is anything to store.
func (u *unit[T]) create(ctx context.Context, tx func() error) error {
	if tx != nil {
		// From the start: tx must leave no trace if it fails.
		if err := u.replay(nil); err != nil {
			return err
		}
		if err := tx(); err != nil {
			return err
		}
	} else if u.pending() == 0 {
		u.intent.renew, u.intent.login = false, false // a renewal is no login
		return nil
	}
	subject := u.owner(&u.read.state)
	encoded, err := u.encode()
	if err != nil {
		return err
	}
	unchanged := subject == "" && bytes.Equal(encoded[payload.Room:], u.m.initial)
	if unchanged && (u.phase != phaseEnded || tx == nil && !u.missed) {
		u.settle()
		return nil // worth neither a record nor a cookie
	}
	if u.phase == phaseEnded && u.joinable(subject) {
		return u.join(ctx, tx)
	}
	if err := u.refusal(subject); err != nil {
		return u.drop(err)
	}
	return u.insert(ctx, encoded, subject)
}

// refusal returns why the request cannot start a session, or nil.
func (u *unit[T]) refusal(subject string) error {
	switch {
	case u.phase == phaseEnded && subject == "" && u.loggedOut:
		return errAfterLogout
	case u.phase == phaseEnded && subject == "":
		return ErrEnded
	case u.committed():
		return ErrCommitted
	case u.withheld() && subject == "":
		return errDiscarded
	case u.withheld():
		return ErrWithheld
	}
	return nil
}

// withheld reports whether the browser may hold a cookie that it did not send.
func (u *unit[T]) withheld() bool {
	return !u.seen.Any() && u.request != nil && !u.m.cfg.Transport.isHeader && u.m.cfg.Cookie.withheld(u.request)
}

// insert creates the record of a new session.
func (u *unit[T]) insert(ctx context.Context, encoded []byte, subject string) error {
	ch := engine.Change{
		State: encoded, Subject: subject, Persistent: u.m.cfg.Cookie.Persistent,
		Extend: true, Renew: true, Login: subject != "", Arrived: u.arrived,
	}
	if u.intent.persistent != nil {
		ch.Persistent = *u.intent.persistent
	}
	if ch.Login {
		ch.Label = u.label()
	}
	saved := new(engine.Snapshot)
	err := u.m.engine.Create(ctx, u.drawID(), &ch, saved)
	if errors.Is(err, store.ErrExists) {
		// Only if this creation was tried before and its answer was lost. No
		// client has the secret of what that has stored.
		if err := u.m.engine.Delete(ctx, u.drawID()); err != nil {
			return u.fail("create", err)
		}
		u.show(func(v *view) { v.id = ID{} })
		err = u.m.engine.Create(ctx, u.drawID(), &ch, saved)
	}
	if err != nil {
		return u.fail("create", err)
	}
	u.saved(saved)
	u.outbox.action = tellToken
	u.event(Event{Kind: EventCreated, ID: saved.ID, Subject: subject})
	u.limit(ctx, subject)
	return nil
}

// joinable reports whether a request whose session was superseded under it goes
// on with that session: if its own updates log in the subject that the session
// has now, or if it has just authenticated the subject that the session had and
// has. Otherwise a form sent twice would start a session without the cart, and
// the cookie of that would win.
func (u *unit[T]) joinable(subject string) bool {
	next := u.successor
	return next != nil && next.Subject != "" && !u.committed() &&
		(subject == next.Subject || u.intent.login && u.formerly == next.Subject)
}

// join applies the updates to the session that another request has renewed, and
// renews it again.
func (u *unit[T]) join(ctx context.Context, tx func() error) error {
	if u.hungUp() {
		// A browser drops the first of two submissions of a form. If that is
		// served last, its new secret would supersede the one that the browser
		// gets with the answer to the second.
		return u.drop(ErrEnded)
	}
	next := u.successor
	if err := u.replay(next.State); err != nil {
		return u.drop(ErrEnded)
	}
	u.becomeStored(next)
	u.intent.renew, u.intent.login = true, true
	err := u.update(ctx, tx)
	if u.joined() { // it failed, and the request has no secret of that session
		u.becomeEnded(u.snapshot)
		if undo := u.replay(nil); err == nil {
			err = undo // nor may it see the state
		}
	}
	return err
}

// joined reports whether the snapshot is that of another request's renewal,
// whose secret this request does not have.
func (u *unit[T]) joined() bool {
	return u.snapshot != nil && u.snapshot.Secret == token.Secret{} && !u.m.engine.ClientHeld()
}

// update stores a changed or extended session. The write is conditional on the
// revision that was loaded. If that has been replaced, the updates are applied
// to the current state, and the write is tried again.
func (u *unit[T]) update(ctx context.Context, tx func() error) error {
	w := &writer{queue: u.m.queues.Of(u.snapshot.ID), id: u.snapshot.ID}
	defer w.leave()
	if w.queue.Busy(w.id) && (tx != nil || u.dirty()) {
		if err := w.enter(ctx); err != nil {
			return u.fail("save", err)
		}
	}
	for attempt := 1; u.phase == phaseStored; attempt++ {
		overtaken, err := u.attempt(ctx, tx)
		if overtaken == nil {
			return err
		}
		if err := w.wait(ctx, attempt); err != nil {
			return u.fail("save", err)
		}
		if err := u.catchUp(ctx, overtaken); err != nil {
			return err
		}
	}
	// The session has ended under the request. What follows may have to wait in
	// the queue itself.
	w.leave()
	if err := u.replay(nil); err != nil {
		return err
	}
	return u.create(ctx, tx)
}

// attempt runs the transaction, if there is one, and tries the write that is then
// due. overtaken is not nil if another request was faster.
func (u *unit[T]) attempt(ctx context.Context, tx func() error) (overtaken, err error) {
	if tx != nil {
		if err := tx(); err != nil {
			return nil, err
		}
	}
	p, err := u.plan(ctx, tx != nil)
	if err != nil || p.kind == writeNothing {
		return nil, err
	}
	err = u.write(ctx, p)
	switch {
	case err == nil:
		return nil, nil
	case p.kind == writeExtension:
		u.extensionFailed(err)
		return nil, nil
	case isOvertaken(err):
		return err, nil
	}
	return nil, u.fail("save", err)
}

// extensionFailed ends a request that has changed nothing and could not extend
// its session: another request has used it just now, or it has ended, or the
// store did not answer. None of that concerns the request.
func (u *unit[T]) extensionFailed(err error) {
	u.extendFailed = true
	if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) &&
		!errors.Is(err, store.ErrExists) && !errors.Is(err, ErrRevoked) {
		_ = u.fail("extend", err)
	}
}

// write hands a change to the store.
func (u *unit[T]) write(ctx context.Context, p writePlan) error {
	saved := new(engine.Snapshot)
	err := u.m.engine.Update(ctx, u.snapshot, &p.change, saved)
	if err == nil {
		u.updated(ctx, saved, p)
		return nil
	}
	if errors.Is(err, ErrNotFound) && !isDeleted(err) && u.m.engine.Restorable(u.snapshot, p.change.Subject, u.arrived) {
		err = u.m.engine.Restore(ctx, u.snapshot, &p.change, saved)
		switch {
		case err == nil:
			u.updated(ctx, saved, p)
			return nil
		case errors.Is(err, ErrRevoked) && !p.change.Login:
			err = errGone
		}
	} else if errors.Is(err, ErrNotFound) {
		err = errGone
	}
	switch {
	case p.kind == writeExtension:
	case errors.Is(err, ErrConflict):
		u.event(Event{Kind: EventConflict, ID: u.snapshot.ID, Subject: u.snapshot.Subject})
	case errors.Is(err, ErrUnavailable):
		u.unanswered = append(u.unanswered, unanswered{saved.Rev, saved.Secret, p.newToken, u.pending()})
	}
	return err
}

// isOvertaken reports whether a write failed because the record is not what it
// was: another request has changed, ended or restored it.
func isOvertaken(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) || errors.Is(err, store.ErrExists)
}

// catchUp goes on with what the store holds after a write was overtaken.
func (u *unit[T]) catchUp(ctx context.Context, err error) error {
	var conflict *store.ConflictError
	switch {
	case errors.As(err, &conflict):
		return u.overtaken(&conflict.Current)
	case errors.Is(err, errGone):
		u.gone()
		return nil
	}
	return u.refresh(ctx) // restored by another request, or deleted
}

// gone goes on without the session.
func (u *unit[T]) gone() {
	u.adopt(engine.Finding{Outcome: engine.NotFound, ID: u.snapshot.ID, Subject: u.snapshot.Subject}, nil)
}

// errGone is the error of a write to a session that is not in the store any more
// and must not be restored.
var errGone = fmt.Errorf("not restored: %w", ErrNotFound)

func isDeleted(err error) bool {
	var deleted *store.DeletedError
	return errors.As(err, &deleted)
}

// overtaken goes on with the record that another request has written.
func (u *unit[T]) overtaken(rec *store.Record) error {
	if u.uncertain(rec.Rev) {
		return u.fail("save", errUncertain)
	}
	u.reconcile(rec.Rev)
	s := *u.snapshot
	f := u.m.engine.Verify(rec, s.Meta.Extended, &s)
	if next := f.Current; u.joined() && next != nil && next.Subject == s.Subject {
		// The write that joins the session renews it, whatever its secret is.
		if err := u.replay(next.State); err == nil {
			u.becomeStored(next)
			return nil
		}
	}
	// The token must open the current record too: it may have been renewed.
	u.adopt(f, &s)
	return nil
}

// uncertain reports whether updates were in a write without an answer, and the
// record has another revision.
func (u *unit[T]) uncertain(rev store.Rev) bool {
	uncertain := false
	for _, w := range u.unanswered {
		if w.rev == rev {
			return false
		}
		uncertain = uncertain || w.updates > 0
	}
	return uncertain && rev != u.snapshot.Rev
}

// reconcile recognises the request's own write in the store after its answer was
// lost: the secret of that write is the valid one then, and its updates are saved.
func (u *unit[T]) reconcile(rev store.Rev) {
	if rev == u.snapshot.Rev {
		return // those writes may still arrive
	}
	for _, w := range u.unanswered {
		if w.rev != rev {
			continue
		}
		s := *u.snapshot
		s.Secret = w.secret
		u.snapshot = &s
		if w.newToken {
			u.outbox.action = tellToken
		}
		if u.changes != nil {
			u.changes.settle(w.updates)
		}
	}
	u.unanswered = nil
}

// updated notes a write that has replaced the record.
func (u *unit[T]) updated(ctx context.Context, saved *engine.Snapshot, p writePlan) {
	e := Event{Kind: EventSaved, ID: saved.ID, Subject: saved.Subject}
	switch p.kind {
	case writeExtension:
		e.Kind = EventExtended
	case writeSecret:
		e.Kind = EventRenewed
		u.show(func(v *view) { v.status = StatusRenewed })
	}
	changed := saved.Subject != u.snapshot.Subject
	if p.newToken || saved.Meta.Persistent {
		u.outbox.action = tellToken
	}
	u.saved(saved)
	u.event(e)
	if changed {
		u.limit(ctx, saved.Subject)
	}
}

// saved makes what was written the session's record.
func (u *unit[T]) saved(s *engine.Snapshot) {
	u.intent, u.stale, u.missed = intent{}, false, false
	u.settle()
	u.baseOwner = s.Subject
	u.becomeStored(s)
}

// limit ends the sessions of a subject that are too many.
func (u *unit[T]) limit(ctx context.Context, subject string) {
	if u.m.cfg.MaxSessionsPerSubject == 0 || subject == "" {
		return
	}
	ended, err := u.m.engine.Limit(ctx, subject, u.m.cfg.MaxSessionsPerSubject)
	for _, id := range ended {
		u.event(Event{Kind: EventDestroyed, ID: id, Subject: subject})
	}
	if err != nil {
		_ = u.fail("limit", err)
	}
}

// drop gives up what was not saved and reports it. The state goes back to what
// is stored, so that the next change does not include it.
func (u *unit[T]) drop(err error) error {
	u.settle()
	u.intent, u.missed = intent{}, false
	err = u.fail("save", err)
	var base []byte
	if u.snapshot != nil {
		base = u.snapshot.State
	}
	if undo := u.replay(base); undo != nil {
		return undo
	}
	return err
}
