package session

import (
	"context"
	"errors"
	"log/slog"
)

// Event is something that happened to a session, for monitoring and audit. It
// never holds a secret, a token or a state.
type Event struct {
	Kind    EventKind
	ID      ID     // zero if no session is known
	Subject string // who the session belonged to when it happened
	Reason  Reason // of EventRejected
	Err     error  // of EventFailed, and of EventRejected if there is one
}

// EventKind says what happened.
type EventKind uint8

// The kinds of events.
const (
	EventCreated    EventKind = iota + 1 // a new session was stored
	EventLoaded                          // a token opened a live session
	EventSaved                           // a changed state was stored
	EventExtended                        // the session was stored without a change: its idle timeout started again
	EventRenewed                         // a new secret was stored
	EventDestroyed                       // the record was deleted
	EventConflict                        // a write conflicted with another request's and is retried
	EventSuperseded                      // a token was used during or shortly after its renewal
	EventRejected                        // a presented token was rejected; see Reason
	EventFailed                          // something was not loaded or not saved; see Err
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
	// ReasonUnauthentic: the token was not made by this manager, for this
	// cookie, under a key of the ring. A high rate may indicate guessing.
	ReasonUnauthentic Reason = "unauthentic"
	// ReasonUnknown: the token is authentic, but there is no such session any
	// more, or its secret was renewed some time ago.
	ReasonUnknown Reason = "unknown"
	// ReasonUndecodable: the record is there, but cannot be read: it is
	// corrupt, not authentic, or was written by a newer version of the
	// application. It is left as it is.
	ReasonUndecodable Reason = "undecodable"
)

// eventSink passes events to the Observer and the Logger of a Config.
type eventSink struct {
	observer func(context.Context, Event)
	logger   *slog.Logger // nil: slog.Default at the time of the event
}

// accepts reports whether an event would be seen. Most programs do not observe
// each load of a session, and it should cost them nothing.
func (k *eventSink) accepts(e *Event) bool {
	return k.observer != nil || k.log().Enabled(context.Background(), e.level())
}

func (k *eventSink) log() *slog.Logger {
	if k.logger != nil {
		return k.logger
	}
	return slog.Default()
}

// emit passes the events on. The caller holds no lock.
func (k *eventSink) emit(ctx context.Context, events []Event) {
	for i := range events {
		e := &events[i]
		if k.observer != nil {
			k.observer(ctx, *e)
		}
		if logger := k.log(); logger.Enabled(ctx, e.level()) {
			logger.LogAttrs(ctx, e.level(), "session", e.attrs()...)
		}
	}
}

// level returns at which level an event is logged.
func (e *Event) level() slog.Level {
	switch {
	case e.Kind == EventFailed && (errors.Is(e.Err, ErrCommitted) || errors.Is(e.Err, ErrNotFound) ||
		errors.Is(e.Err, ErrWithheld) || errors.Is(e.Err, ErrRevoked)):
		return slog.LevelWarn
	case e.Kind == EventFailed:
		return slog.LevelError
	case e.Reason == ReasonUndecodable:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (e *Event) attrs() []slog.Attr {
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
	return attrs
}
