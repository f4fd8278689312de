package session

import (
	"bytes"
	"cmp"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/store"
)

// write is a record on its way to the store.
type write struct {
	purpose purpose
	rec     store.Record
	header  header
	secret  secret
	encoded []byte // the state, behind room for the header
}

// purpose is what a write is for.
type purpose uint8

const (
	writeNothing purpose = iota
	writeExpiry          // an unchanged session
	writeState
	writeSecret // and perhaps the state
)

// birth returns the write of a new session.
func (y *cycle) birth(encoded []byte, subject string) write {
	now := time.Now().UnixMilli()
	w := write{encoded: encoded, rec: store.Record{Subject: subject}}
	w.header = header{created: now, extended: now, renewed: now, persistent: y.core.persistent}
	if y.persist != nil {
		w.header.persistent = *y.persist
	}
	y.establish(&w, now)
	y.newSecret(&w)
	return w
}

// change returns the write that the request calls for, which may be none. tx
// means that a transaction has just run.
func (y *cycle) change(tx bool) (write, error) {
	w := write{header: y.header, secret: y.secret, rec: store.Record{Subject: y.subject}}
	if tx || y.state.pending() {
		encoded, err := y.encode()
		if err != nil {
			return write{}, err
		}
		// A write that got no answer may have changed it from what is known.
		if y.unanswered != nil || !bytes.Equal(encoded[maxHeaderSize:], y.encoded) {
			w.purpose, w.encoded = writeState, encoded
			w.rec.Subject = y.state.owner()
		}
	}
	if y.persist != nil && *y.persist != y.header.persistent {
		w.purpose, w.header.persistent = writeState, *y.persist
	}
	if y.renew || w.rec.Subject != y.subject {
		w.purpose = writeSecret
	}
	if w.purpose == writeNothing {
		y.state.settle()
		y.persist = nil
		if !y.due() && !y.reseal {
			return write{}, nil
		}
		w.purpose = writeExpiry
	}
	if y.begun && y.news(&w) {
		err := fmt.Errorf("session: save: %w", ErrCommitted)
		switch {
		case w.purpose == writeExpiry:
			err = nil
		case !tx:
			err = y.drop(err)
		}
		return write{}, err
	}
	if w.encoded == nil {
		w.encoded = append(make([]byte, maxHeaderSize, maxHeaderSize+len(y.encoded)), y.encoded...)
	}
	now := max(time.Now().UnixMilli(), y.header.created)
	if w.purpose != writeExpiry || y.due() {
		w.header.extended = now
	}
	if w.purpose == writeExpiry && w.rec.Subject != "" {
		w.rec.IndexUntil = fromMillis(w.header.created + y.core.absolute)
	}
	if w.purpose == writeSecret {
		w.header.renewed = now
		y.newSecret(&w)
	}
	if w.rec.Subject != y.subject || y.proven {
		y.establish(&w, now)
	}
	if y.keepIt {
		w.header.kept = now
	}
	w.rec.ID = y.id()
	y.finish(&w)
	return w, nil
}

// establish notes when and where the subject, if there is one, has proven to be
// who it is.
func (y *cycle) establish(w *write, now int64) {
	w.header.authenticated, w.header.kept, w.header.label = 0, 0, ""
	if w.rec.Subject != "" {
		w.header.authenticated, w.header.label = now, y.state.label()
		w.rec.LoginSince = fromMillis(y.arrived.Load())
		w.rec.IndexUntil = fromMillis(w.header.created + y.core.absolute)
	}
}

// news reports whether the client must be told of a write.
func (y *cycle) news(w *write) bool {
	return w.purpose == writeSecret || y.core.clientHeld || y.reseal ||
		w.header.persistent != y.header.persistent
}

// encode encodes the state behind room for a header.
func (y *cycle) encode() ([]byte, error) {
	size := cmp.Or(len(y.encoded)+len(y.encoded)/8, 256)
	buf := make([]byte, maxHeaderSize, maxHeaderSize+size)
	encoded, err := y.state.encode(buf)
	if err != nil {
		return nil, y.failed("encode", err)
	}
	return encoded, nil
}

// newSecret draws the secret of a record that the store will hold. What the
// client holds has none: the record itself is the credential.
func (y *cycle) newSecret(w *write) {
	if y.core.clientHeld {
		return
	}
	w.secret = newSecret()
	hash := w.secret.hash()
	w.header.hash = &hash
}

// finish completes the record: the header goes right in front of the state, into
// the room that was left for it, so that a write costs one buffer.
func (y *cycle) finish(w *write) {
	var buf [maxHeaderSize]byte
	h := appendHeader(buf[:0], &w.header)
	start := maxHeaderSize - len(h)
	copy(w.encoded[start:], h)
	w.rec.Rev = store.NewRev()
	w.rec.Expires = time.UnixMilli(y.core.expiry(&w.header))
	w.rec.Payload = y.core.closePayload(&w.rec, w.encoded[start:])
}

// encodeRecord returns the record that the client is to hold, which must fit into
// what carries it.
func (y *cycle) encodeRecord(w *write) (string, error) {
	text, err := y.core.held.Encode(w.rec)
	if err == nil {
		err = y.core.tokens.fits(len(text))
	}
	return text, storeError(err)
}

// updated takes note of a write that has replaced the record.
func (y *cycle) updated(ref string, w *write) {
	if y.news(w) || w.header.persistent {
		y.tell = tellToken
	}
	e := Event{Kind: EventSaved, ID: w.rec.ID, Subject: w.rec.Subject}
	switch w.purpose {
	case writeExpiry:
		e.Kind = EventExtended
	case writeSecret:
		e.Kind = EventRenewed
		y.show(func(v *view) { v.status = StatusRenewed })
	}
	y.keep(ref, w)
	y.event(e)
}

// keep makes what was written the session's record.
func (y *cycle) keep(ref string, w *write) {
	y.live, y.ref, y.rev, y.subject = true, ref, w.rec.Rev, w.rec.Subject
	y.header, y.secret, y.encoded = w.header, w.secret, w.encoded[maxHeaderSize:]
	y.expires = w.rec.Expires.UnixMilli()
	y.renew, y.proven, y.keepIt, y.persist, y.reseal = false, false, false, nil, false
	y.state.settle()
	y.unanswered = nil
	y.showRecord(w.rec.ID)
}
