package session

import (
	"context"
	"errors"
	"log/slog"
)

// Event is something that happened to a session, for monitoring and audit. It
// never holds a secret or a token.
type Event struct {
	Kind    EventKind
	ID      ID     // zero where no session is known
	Subject string // who the session belonged to when it happened
	Reason  Reason // of EventRejected
	Err     error  // of EventFailed, and of EventRejected where there is one
}

// EventKind says what happened.
type EventKind uint8

// The kinds of events.
const (
	EventCreated    EventKind = iota + 1 // a new session was stored
	EventLoaded                          // a token led to a live session
	EventSaved                           // a changed state was stored
	EventExtended                        // stored without a change: the idle timeout began anew, or the token was sealed anew
	EventRenewed                         // a new secret was stored
	EventDestroyed                       // the record was deleted
	EventConflict                        // another request had changed the record; tried again
	EventSuperseded                      // a token came, or was still in use, after its renewal
	EventRejected                        // a token led nowhere; Reason says why
	EventFailed                          // something was not loaded or not kept; Err says why
)

var eventNames = [...]string{
	EventCreated: "created", EventLoaded: "loaded", EventSaved: "saved",
	EventExtended: "extended", EventRenewed: "renewed", EventDestroyed: "destroyed",
	EventConflict: "conflict", EventSuperseded: "superseded",
	EventRejected: "rejected", EventFailed: "failed",
}

// String returns the kind in one lower-case word.
func (k EventKind) String() string {
	if int(k) < len(eventNames) && eventNames[k] != "" {
		return eventNames[k]
	}
	return "unknown"
}

// Reason says why a token was rejected. The client is not told.
type Reason string

// The reasons.
const (
	// ReasonUnauthentic: it was not made by this manager, for this cookie,
	// under a key of the ring. Many of these are somebody trying.
	ReasonUnauthentic Reason = "unauthentic"
	// ReasonUnknown: it is authentic, but there is no such session any more, or
	// it has had another secret for a while.
	ReasonUnknown Reason = "unknown"
	// ReasonUndecodable: the record is there, but cannot be read: it is
	// corrupt, not authentic, or was written by a newer version. It is left as
	// it is.
	ReasonUndecodable Reason = "undecodable"
)

// listens reports whether anybody wants to hear of such events. Most programs do
// not listen to each load of a session, and it should cost them nothing.
func (c *core) listens(kind EventKind) bool {
	return c.observer != nil || kind == EventFailed ||
		c.logger.Enabled(context.Background(), slog.LevelDebug)
}

// emit tells the Observer and the Logger. No lock is held meanwhile.
func (c *core) emit(ctx context.Context, events []Event) {
	for _, e := range events {
		if c.observer != nil {
			c.observer(ctx, e)
		}
		level := slog.LevelDebug
		if e.Kind == EventFailed {
			level = slog.LevelError
			if errors.Is(e.Err, ErrCommitted) || errors.Is(e.Err, ErrNotFound) {
				level = slog.LevelWarn
			}
		}
		if !c.logger.Enabled(ctx, level) {
			continue
		}
		attrs := []slog.Attr{slog.String("event", e.Kind.String())}
		if e.ID != (ID{}) {
			attrs = append(attrs, slog.String("id", e.ID.String()))
		}
		if e.Reason != "" {
			attrs = append(attrs, slog.String("reason", string(e.Reason)))
		}
		if e.Err != nil {
			attrs = append(attrs, slog.Any("error", e.Err))
		}
		c.logger.LogAttrs(ctx, level, "session", attrs...)
	}
}
