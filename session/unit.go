package session

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/typedsession/typedsession/internal/engine"
	"github.com/typedsession/typedsession/internal/token"
	"github.com/typedsession/typedsession/internal/transport"
	"github.com/typedsession/typedsession/store"
)

// unit is the unit of work of one request: what the client presented, the stored
// session as last seen, what the request wants, and what the client must be
// told. Session.mu guards it, except for read, which has a lock of its own so
// that the accessors of Session work at all times.
type unit[T any] struct {
	m        *Manager[T]
	request  *http.Request  // nil after LoadToken
	arrived  int64          // when the request arrived; logins are compared with revocations by it
	progress *atomic.Uint32 // the Session's

	// What was presented.
	seen  transport.Seen
	stale bool // the token was sealed under an older key or name

	phase      phase
	err        error            // of phaseFailed; sticky
	needed     bool             // the handler relied on the session in spite of err
	passing    bool             // err is that of a caller's own context; a later caller may load again
	snapshot   *engine.Snapshot // of phaseStored; else nil
	first      engine.Snapshot  // what snapshot points to at first, to save an allocation
	successor  *engine.Snapshot // of phaseEnded by a renewal: the record under its new secret
	missed     bool             // of phaseEnded: the successor lacks changes of the request
	former     ID               // of the session that ended or was destroyed
	formerly   string           // its subject
	destroyed  *engine.Snapshot // to be deleted by the next save
	loggedOut  bool             // Destroy was called in phaseEnded: what follows it is dropped without an error
	lapsed     ID               // of the session that a token opened until it expired
	baseOwner  string           // the subject of the state before the updates
	unanswered []unanswered     // writes since the last one that was answered

	intent       intent
	*changes[T]                // nil if there was none
	shared       bool          // readers may look at read
	extendFailed bool          // an extension has failed and is not tried again
	wake         chan struct{} // is closed when a new session is stored; nil if it is not watched

	outbox outbox

	read struct {
		mu    sync.Mutex
		state T // is written under both locks
		view  view
	}
}

// phase says what has become of the session within the request.
type phase uint8

const (
	phaseNew    phase = iota // there is no record; a change creates one
	phaseStored              // snapshot is the record
	phaseEnded               // the session ended under the request; only a login goes on
	phaseFailed              // the session could not be loaded
)

// intent is what the request wants beside changes of the state. The zero intent
// wants nothing.
type intent struct {
	renew      bool // Renew or Login was called
	login      bool // Login was called
	exempt     bool // RevokeOthers was called
	persistent *bool
}

// outbox is what leaves with the response or after the lock is released.
type outbox struct {
	action action
	vary   [1]string // the response's header, to save an allocation
	events []Event
}

// action is what the client must be told.
type action uint8

const (
	tellNothing action = iota
	tellToken          // a new token, or a later expiry of its cookie
	tellEnd            // that it has no token any more
)

// view is what the accessors of a Session read.
type view struct {
	id            ID
	created       int64
	expires       int64
	authenticated int64
	isNew         bool
	status        Status
}

// unanswered is a write whose answer was lost: it may be in the store or not, or
// reach it yet.
type unanswered struct {
	rev      store.Rev
	secret   token.Secret
	newToken bool // the client must be told of it
	updates  int  // how many of the updates it holds
}

// supersededGrace is how long after a renewal a request with the old secret is
// taken for a parallel request of the same browser. Such a request must not be
// answered with a cookie, which would overwrite that of the renewal.
const supersededGrace = 30 * time.Second

// load finds the session that one of the tokens opens. Each is tried, because a
// cookie of the same name that an attacker planted must not hide the real one.
func (u *unit[T]) load(ctx context.Context, candidates []transport.Candidate) {
	var found engine.Snapshot
	for _, c := range candidates {
		f, err := u.m.engine.Find(ctx, c, time.Now().UnixMilli(), &found)
		switch {
		case err != nil:
			u.becomeFailed(err, f.ID)
			return
		case f.Outcome != engine.Live:
			u.reject(f)
			continue
		case u.snapshot != nil && found.Meta.Extended <= u.first.Meta.Extended:
			continue // an older cookie of a client-held session
		}
		if err := u.replay(found.State); err != nil {
			// The record stays as it is, and what this request writes becomes a
			// new session, so that rolling a deployment back loses nothing.
			u.reject(engine.Finding{Outcome: engine.Invalid, ID: f.ID, Subject: f.Subject, Err: err})
			continue
		}
		u.first, u.stale = found, f.Stale
		u.becomeStored(&u.first)
		if !u.m.engine.ClientHeld() {
			break
		}
	}
	if u.phase == phaseStored {
		u.event(Event{Kind: EventLoaded, ID: u.snapshot.ID, Subject: u.snapshot.Subject})
		return
	}
	u.show(func(v *view) { v.isNew = true })
	if err := u.replay(nil); err != nil {
		u.becomeFailed(err, ID{})
	}
}

// reject reports that a token opens no live session. If the session ended under
// the request, the request goes on in phaseEnded.
func (u *unit[T]) reject(f engine.Finding) {
	e := Event{Kind: EventRejected, ID: f.ID, Subject: f.Subject, Reason: ReasonUnknown, Err: f.Err}
	ended := false
	switch f.Outcome {
	case engine.Unauthentic:
		e.Reason = ReasonUnauthentic
	case engine.Invalid:
		e.Reason = ReasonUndecodable
	case engine.Deleted:
		ended = u.arrived < f.At
	case engine.NotFound:
		u.lapsed = f.ID
		// The tombstone that would tell may be gone.
		ended = time.Now().UnixMilli()-u.arrived >= store.TombstoneLife.Milliseconds()
	case engine.Superseded:
		if ended = u.arrived-f.At < supersededGrace.Milliseconds(); ended {
			e.Kind, e.Reason = EventSuperseded, ""
		} else {
			e.Subject = ""
		}
	}
	u.event(e)
	if ended && u.phase == phaseNew {
		u.phase, u.successor, u.former = phaseEnded, f.Current, f.ID
	}
}

// The transitions between phases. From the load on:
//
//	from          becomeStored   becomeEnded   becomeNew     becomeFailed
//	phaseNew      created        -             destroyed     not loaded
//	phaseStored   saved          see ended     destroyed     -
//	phaseEnded    login          -             -             -
//	phaseFailed   -              -             -             -

// becomeStored makes s the session's record.
func (u *unit[T]) becomeStored(s *engine.Snapshot) {
	u.phase, u.snapshot, u.successor = phaseStored, s, nil
	u.show(func(v *view) {
		v.id, v.created, v.expires, v.authenticated = s.ID, s.Meta.Created, s.Expires, s.Meta.Authenticated
	})
	if u.wake != nil {
		close(u.wake)
		u.wake = nil
	}
}

// becomeEnded drops the record: it was destroyed, revoked, expired or superseded
// under the request. successor is the record under its new secret, if any.
func (u *unit[T]) becomeEnded(successor *engine.Snapshot) {
	u.former, u.formerly = u.snapshot.ID, u.snapshot.Subject
	u.phase, u.snapshot, u.successor = phaseEnded, nil, successor
	u.missed = successor != nil && u.pending() > 0
	u.stale, u.outbox.action = false, tellNothing
	u.show(func(v *view) { *v = view{isNew: true, status: v.status} })
}

// becomeNew drops the record and everything that was not saved, for Destroy.
func (u *unit[T]) becomeNew() error {
	u.outbox.action = tellNothing
	u.loggedOut = u.phase == phaseEnded
	if u.seen.Any() && !u.loggedOut {
		u.outbox.action = tellEnd
	}
	switch {
	case u.phase == phaseStored:
		u.destroyed, u.former, u.formerly = u.snapshot, u.snapshot.ID, u.snapshot.Subject
		u.phase, u.snapshot = phaseNew, nil
	case u.lapsed != ID{} && u.phase == phaseNew && u.destroyed == nil && !u.m.engine.ClientHeld():
		// A concurrent request may still be using it, and must not restore it.
		u.destroyed, u.lapsed = &engine.Snapshot{ID: u.lapsed}, ID{}
	}
	u.intent, u.stale, u.missed = intent{}, false, false
	u.show(func(v *view) { *v = view{isNew: true, status: StatusDestroyed} })
	u.settle()
	return u.replay(nil)
}

// becomeFailed notes why the session could not be loaded.
func (u *unit[T]) becomeFailed(err error, id ID) {
	u.phase, u.err = phaseFailed, wrap("load", err)
	u.event(Event{Kind: EventFailed, ID: id, Err: u.err})
	u.show(func(v *view) { v.isNew = true })
	_ = u.replay(nil) // the state that the handler sees; err is sticky
}

// dirty reports whether there is a change that was not saved.
func (u *unit[T]) dirty() bool {
	stored := u.phase == phaseStored
	return u.pending() > 0 || stored && (u.intent.renew || u.intent.persistent != nil)
}

// due reports whether the session needs a write although the request wants none:
// to extend it, or to put it into the index of its subject.
func (u *unit[T]) due() bool {
	if u.phase != phaseStored || u.extendFailed {
		return false
	}
	if u.m.extendsReads && u.m.engine.Due(u.snapshot, time.Now().UnixMilli()) {
		return true
	}
	// Without a Revoker the subject of a session that the client holds is not
	// used, and what only reads must not write back a state.
	indexed := !u.m.engine.ClientHeld() || u.m.engine.HasRevoker()
	return indexed && u.snapshot.Subject != u.baseOwner
}

// commit saves what the request did before the response begins. The context is
// not cancelled with the client's: a logout is not lost if the client hangs up.
func (u *unit[T]) commit(ctx context.Context) error {
	if u.phase == phaseFailed {
		if !u.needed {
			return nil // Load returned the error to the handler
		}
		return u.err
	}
	if u.destroyed == nil && !u.dirty() && !u.stale && !u.due() {
		return nil
	}
	late := errors.Is(ctx.Err(), context.DeadlineExceeded)
	own := detach(ctx)
	defer own.end()
	if !late {
		err := u.save(own, nil)
		if errors.Is(err, errDiscarded) || errors.Is(err, errAfterLogout) {
			return nil // reported
		}
		return wrap("commit", err)
	}
	// TimeoutHandler, for instance, has answered for the handler, and the client
	// has been told of no success. A logout counts all the same.
	err := u.deleteDestroyed(own)
	if err == nil && u.dirty() {
		err = u.fail("commit", context.DeadlineExceeded)
	}
	return wrap("commit", err)
}

// announce puts on the response what the client must be told.
func (u *unit[T]) announce(header http.Header) {
	t := u.m.transport
	t.Vary(header, &u.outbox.vary)
	switch u.outbox.action {
	case tellToken:
		var maxAge time.Duration
		if u.snapshot.Meta.Persistent {
			left := min(u.snapshot.Expires-time.Now().UnixMilli(), maxCookieAge.Milliseconds())
			maxAge = time.Duration(max(left+999, 1000)/1000) * time.Second
		}
		t.Write(header, u.m.engine.Token(u.snapshot), maxAge, u.seen)
		transport.NoStore(header)
	case tellEnd:
		t.Expire(header, u.seen, u.request.Host, u.request.URL.Path)
		transport.NoStore(header)
	}
	u.outbox.action = tellNothing
}

// show changes what the accessors see.
func (u *unit[T]) show(change func(*view)) {
	u.read.mu.Lock()
	change(&u.read.view)
	u.read.mu.Unlock()
}

// look returns what the accessors see.
func (u *unit[T]) look() view {
	u.read.mu.Lock()
	defer u.read.mu.Unlock()
	return u.read.view
}

// drawID returns the session's ID and draws one if it has none yet.
func (u *unit[T]) drawID() ID {
	u.read.mu.Lock()
	defer u.read.mu.Unlock()
	if u.read.view.id == (ID{}) {
		u.read.view.id = store.NewID()
	}
	return u.read.view.id
}

// event keeps an event until the lock is released, if anyone wants it.
func (u *unit[T]) event(e Event) {
	if u.m.events.accepts(&e) {
		u.outbox.events = append(u.outbox.events, e)
	}
}

// fail reports an error of an operation and returns it.
func (u *unit[T]) fail(verb string, err error) error {
	id, subject := u.former, u.formerly
	if u.snapshot != nil {
		id, subject = u.snapshot.ID, u.snapshot.Subject
	} else if seen := u.look().id; seen != (ID{}) {
		id = seen
	}
	u.event(Event{Kind: EventFailed, ID: id, Subject: subject, Err: wrap(verb, err)})
	return err
}

// committed reports whether the header has left, so that the client can be told
// nothing more. During the commit it has not.
func (u *unit[T]) committed() bool { return u.progress.Load() != responseOpen }

// hungUp reports whether the client has dropped the request, so that it learns no
// new secret.
func (u *unit[T]) hungUp() bool {
	return u.request != nil && errors.Is(u.request.Context().Err(), context.Canceled)
}

// base returns the encoded state without the updates that are not saved, nil if
// that is the initial one.
func (u *unit[T]) base() []byte {
	if u.snapshot == nil {
		return nil
	}
	return u.snapshot.State
}

// changed notes that the application has changed the state.
func (u *unit[T]) changed() {
	u.show(func(v *view) {
		if v.status != StatusRenewed {
			v.status = StatusChanged
		}
	})
}
