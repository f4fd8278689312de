package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/typedsession/typedsession/store"
)

// cycle is one session in the course of one request, in bytes: what the client
// presented, the record it led to, what the request wants of it, and what the
// client must be told. Whoever holds the session's turn may use it; what the
// accessors of Session read is in seen, under a lock of its own, so that they
// can be called from inside a callback.
type cycle struct {
	core  *core
	state stater

	arrived *atomic.Int64 // when the request arrived; see store.Record.LoginSince

	// What the client presented.
	err    error // why the session could not be loaded; sticky
	relied bool  // somebody relied on the session in spite of err
	pieces uint8 // of the cookie: a bit for each
	muted  bool  // the session ended under this request: no cookie, unless it is a login of its own

	// The record, as this request last saw it in the store.
	live       bool   // there is one, and what the client presented opens it
	ref        string // the record itself, where the client holds it
	rev        store.Rev
	expires    int64
	subject    string
	header     header
	encoded    []byte // the state in it
	secret     secret
	loaded     int64      // when it was read
	unanswered *lostWrite // the last one

	// What the request wants.
	persist *bool // SetPersistent was called
	former  ID    // of the session that was destroyed, or ended meanwhile
	doomed  bool  // Destroy was called: the record at ref is to be deleted
	renew   bool  // Renew was called
	proven  bool  // Login was called
	keepIt  bool  // RevokeOthers was called
	reseal  bool  // the token was sealed under an older key
	begun   bool  // the response has begun: the client can be told nothing more
	tried   bool  // an extension has failed, and is not tried again

	tell   message
	vary   [1]string // the response's header, to save an allocation
	events []Event

	mu   sync.Mutex
	seen view
}

// view is what the accessors of a Session read.
type view struct {
	id            ID
	created       int64
	expires       int64
	authenticated int64
	isNew         bool
	status        Status
}

// lostWrite is a write upon the record that got no answer: it may be in the store
// or not, or come to it yet.
type lostWrite struct {
	rev    store.Rev
	secret secret
	news   bool // the client must be told of it
	before *lostWrite
}

// message is what the client must be told with the response.
type message uint8

const (
	tellNothing message = iota
	tellToken           // a new token, or a later expiry of its cookie
	tellEnd             // that it has none any more
)

// stater is all that the cycle knows of a state: the typed half of a session.
type stater interface {
	// rebuild makes the state anew from an encoded one, or from the initial one
	// where that is nil, and applies the pending updates in order.
	rebuild(encoded []byte) error
	// encode appends the encoded state.
	encode(dst []byte) ([]byte, error)
	// initial returns the encoded initial state.
	initial() ([]byte, error)
	// owner returns the subject of the state.
	owner() string
	// label returns what to call the session by.
	label() string
	// pending reports whether there are updates that were not saved.
	pending() bool
	// settle forgets the pending updates: they were saved, or never will be.
	settle()
	// lost takes note that the pending updates may have been saved, by a write
	// of that revision which got no answer.
	lost(rev store.Rev)
	// found forgets them, if there was such a write: it is in the store.
	found(rev store.Rev)
	// doubtful reports whether there was such a write, but of another revision
	// than the one that is in the store: it failed, or was written upon.
	doubtful(rev store.Rev) bool
}

// supersededGrace is how long after a renewal the old secret is taken for a
// parallel request of the same browser, which must not be answered with a
// cookie: it would overwrite the one that the login has just set.
const supersededGrace = 30 * time.Second

// load finds the session that one of the tokens leads to. Each is tried, because
// a cookie of the same name that somebody planted must not hide the real one.
func (y *cycle) load(ctx context.Context, tokens []string) {
	buf := tokenBuffers.Get().(*[]byte)
	defer tokenBuffers.Put(buf)
	for _, token := range tokens {
		content, stale, ok := y.core.tokens.open(buf, token)
		if !ok || !y.core.clientHeld && len(content) != contentSize {
			// It never reaches the store.
			y.event(Event{Kind: EventRejected, Reason: ReasonUnauthentic})
			continue
		}
		y.loadContent(ctx, content)
		if y.err != nil {
			break
		}
		if y.live {
			y.muted = false
			y.reseal = stale
			if y.core.listens(EventLoaded) { // or each read would look up its ID for nobody
				y.event(Event{Kind: EventLoaded, ID: y.id(), Subject: y.subject})
			}
			return
		}
	}
	y.show(func(v *view) { v.isNew = true })
	if err := y.state.rebuild(nil); err != nil && y.err == nil {
		y.err = err
	}
}

// loadContent loads what the content of an authentic token leads to.
func (y *cycle) loadContent(ctx context.Context, content []byte) {
	y.loaded = time.Now().UnixMilli()
	var id ID
	ref := ""
	if y.core.clientHeld {
		ref = string(content)
	} else {
		copy(y.secret[:], content[copy(id[:], content):])
	}
	rec, err := y.core.load(ctx, id, ref)
	if err == nil && y.core.fresh != nil && y.mayBeStale(&rec) {
		rec, err = y.core.fresh.LoadUncached(ctx, id)
	}
	switch err = storeError(err); {
	case errors.Is(err, ErrNotFound):
		e := Event{Kind: EventRejected, ID: id, Reason: ReasonUnknown}
		if deleted := (*store.DeletedError)(nil); err != ErrNotFound && !errors.As(err, &deleted) { //nolint:errorlint // whether the store has more to say
			e.Err = err
		}
		y.event(e)
		return
	case err != nil:
		y.err = fmt.Errorf("session: load: %w", err)
		y.event(Event{Kind: EventFailed, ID: id, Err: y.err})
		return
	}
	if y.core.clientHeld {
		id = rec.ID
	}
	y.adopt(id, ref, &rec, y.loaded)
	if y.live {
		y.heed(ctx, id)
	}
}

// mayBeStale reports whether the secret does not open a record that may have come
// from a cache. Where somebody has just logged in at another process, the cached
// record is the one from before, and he must not be taken for a stranger.
func (y *cycle) mayBeStale(rec *store.Record) bool {
	h, _, err := y.core.openPayload(rec)
	return err == nil && h.hash != nil && !y.secret.opens(&h)
}

// adopt makes rec the session's record, if the secret that the client presented
// opens it, and rebuilds the state from it. Otherwise there is no live record
// any more, and an event says why. Until the state is rebuilt nothing changes,
// since an update may panic.
func (y *cycle) adopt(id ID, ref string, rec *store.Record, now int64) {
	h, encoded, err := y.core.openPayload(rec)
	if err == nil && (rec.ID != id || (h.hash == nil) != y.core.clientHeld) {
		err = errPayload // somebody exchanged records in the store
	}
	expires := min(rec.Expires.UnixMilli(), y.core.expiry(&h))
	y.recall(rec.Rev)
	switch {
	case err != nil:
		y.lose(Event{Kind: EventRejected, ID: id, Reason: ReasonUndecodable, Err: err})
		return
	case h.hash != nil && !y.secret.opens(&h):
		if now-h.renewed < supersededGrace.Milliseconds() {
			y.muted = true
			y.lose(Event{Kind: EventSuperseded, ID: id, Subject: rec.Subject})
		} else {
			y.lose(Event{Kind: EventRejected, ID: id, Reason: ReasonUnknown})
		}
		return
	case now >= expires:
		y.lose(Event{Kind: EventRejected, ID: id, Subject: rec.Subject, Reason: ReasonUnknown})
		return
	}
	y.state.found(rec.Rev) // what this request wrote itself is not applied twice
	if err := y.state.rebuild(encoded); err != nil {
		// The record stays as it is, and what this request writes becomes a new
		// session, so that rolling a deployment back loses nothing.
		y.lose(Event{Kind: EventRejected, ID: id, Subject: rec.Subject, Reason: ReasonUndecodable, Err: err})
		return
	}
	if y.doomed {
		return // an update has destroyed it
	}
	y.live, y.ref, y.rev, y.subject = true, ref, rec.Rev, rec.Subject
	y.header, y.encoded, y.expires = h, encoded, expires
	y.showRecord(id)
}

// recall takes note that the record in the store is of that revision: that of a
// lost write, for instance, the secret of which is the present one then.
func (y *cycle) recall(rev store.Rev) {
	if rev == y.rev {
		return // those writes may still come
	}
	for w := y.unanswered; w != nil; w = w.before {
		if w.rev == rev {
			y.secret = w.secret
			if w.news {
				y.tell = tellToken
			}
		}
	}
	y.unanswered = nil
}

// lose takes note, and says, that what the client presented opens no record.
func (y *cycle) lose(e Event) {
	y.live, y.former = false, e.ID
	y.event(e)
}

// base returns what the state is to be rebuilt from.
func (y *cycle) base() []byte {
	if y.live {
		return y.encoded
	}
	return nil
}

// destroy drops the record, and everything that was not saved.
func (y *cycle) destroy() error {
	if y.live {
		y.doomed, y.former = true, y.id()
	}
	y.tell = tellNothing
	if y.pieces != 0 && !y.muted {
		y.tell = tellEnd
	}
	y.live, y.renew, y.proven, y.keepIt, y.persist, y.reseal = false, false, false, false, nil, false
	y.show(func(v *view) { *v = view{isNew: true, status: StatusDestroyed} })
	y.state.settle()
	return y.state.rebuild(nil)
}

// due reports whether the session is to be extended. Rewriting it for every
// request would turn every read into a write; a tenth is close enough.
func (y *cycle) due() bool {
	return y.live && !y.tried && y.core.extend == ExtendOnRequest &&
		y.loaded-y.header.extended > y.core.idle/10 &&
		min(y.loaded+y.core.idle, y.header.created+y.core.absolute) > y.expires
}

// wants reports whether the request wants anything of the store.
func (y *cycle) wants() bool {
	return y.doomed || y.unsaved()
}

// unsaved reports whether there is a change that was not saved.
func (y *cycle) unsaved() bool {
	return y.state.pending() || y.renew && (y.live || y.muted) || y.persist != nil && y.live
}

// commit saves what the request did, in a context that outlives it, before the
// response begins.
func (y *cycle) commit(ctx context.Context) error {
	if y.err != nil {
		if !y.relied {
			return nil // Load handed the error to the handler
		}
		return y.err
	}
	if !y.wants() && !y.due() && !y.reseal {
		return nil
	}
	late := errors.Is(ctx.Err(), context.DeadlineExceeded)
	own := y.core.commits.Beyond(ctx)
	defer own.End()
	if late {
		// Somebody else has answered for the handler, TimeoutHandler for
		// instance, and nobody may have heard of a success. A logout counts all
		// the same.
		err := y.bury(own)
		if err == nil && y.unsaved() {
			err = fmt.Errorf("session: the request is over: %w", context.DeadlineExceeded)
			y.fail(err)
		}
		return err
	}
	err := y.save(own, nil)
	if errors.Is(err, errEnded) {
		return nil // reported; the response is about something else
	}
	return err
}

// announce puts on the response what the client must be told.
func (y *cycle) announce(h http.Header) {
	y.core.carrier.vary(h, &y.vary)
	switch y.tell {
	case tellToken:
		var maxAge time.Duration
		if y.header.persistent {
			left := min(y.expires-time.Now().UnixMilli(), maxCookieAge.Milliseconds())
			maxAge = time.Duration(max(left+999, 1000)/1000) * time.Second
		}
		y.core.carrier.write(h, y.token(), maxAge, y.pieces)
		noStore(h)
	case tellEnd:
		y.core.carrier.write(h, "", 0, y.pieces)
		noStore(h)
	}
	y.tell = tellNothing
}

// token returns the token of the live session.
func (y *cycle) token() string {
	if y.core.clientHeld {
		return y.core.tokens.seal(y.ref)
	}
	var content [contentSize]byte
	id := y.id()
	copy(content[copy(content[:], id[:]):], y.secret[:])
	return y.core.tokens.seal(string(content[:]))
}

// showRecord lets the accessors see the record.
func (y *cycle) showRecord(id ID) {
	y.show(func(v *view) {
		v.id, v.created, v.expires, v.authenticated = id, y.header.created, y.expires, y.header.authenticated
	})
}

// look returns what the accessors see.
func (y *cycle) look() view {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.seen
}

// show changes what the accessors see.
func (y *cycle) show(change func(*view)) {
	y.mu.Lock()
	change(&y.seen)
	y.mu.Unlock()
}

// id returns the session's ID, zero where it has none yet.
func (y *cycle) id() ID { return y.look().id }

// drawID returns the session's ID, drawing one where it has none yet.
func (y *cycle) drawID() ID {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.seen.id == (ID{}) {
		y.seen.id = store.NewID()
	}
	return y.seen.id
}

// event keeps an event until the turn is given back, if anybody listens.
func (y *cycle) event(e Event) {
	if y.core.listens(e.Kind) {
		y.events = append(y.events, e)
	}
}

func (y *cycle) fail(err error) {
	y.event(Event{Kind: EventFailed, ID: cmp.Or(y.id(), y.former), Subject: y.subject, Err: err})
}
