package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/internal/seal"
	"github.com/typedsession/typedsession/store"
)

// Config configures a [Manager]. Keys and Subject are required; the zero value
// of every other field is the safe default. [NewManager] copies it.
type Config[T any] struct {
	// Keys encrypt and sign what the client holds. The first is used for new
	// values, every one opens existing ones. Values under an older key are sealed
	// again under the first when they are used; so are forged ones: if a key
	// leaks, remove it immediately.
	//
	// To replace a key while several processes run, go in two steps: first add
	// the new key at the end everywhere, then move it to the front everywhere.
	// A process that does not know the key of a token yet treats the client as
	// a stranger. Remove the old key after AbsoluteTimeout.
	Keys []Key

	// Codec encodes the state. Nil means [codec.MsgPack]. Its errors reach events
	// and logs, and so must not quote the state. NewManager tests it by
	// [codec.Check] and returns an error that names what it would lose of a T.
	Codec codec.Codec[T]

	// Initial returns the state of a new session. Nil means the zero T. It is
	// called once, by NewManager, and each new session decodes a copy of its
	// own. A value that differs from visitor to visitor, such as a CSRF token,
	// does not belong here: set it with Update when it is first needed.
	Initial func() T

	// IdleTimeout is how long a session lives after its last use, in whole
	// milliseconds. Zero means one hour; negative is an error. It is enforced
	// when the session is loaded, not by a timer. The expiry is updated at most
	// once in a tenth of IdleTimeout, so a session may end up to a tenth early.
	// A session that was live when a request loaded it stays live for that
	// request; the package doc has the bound. See OWASP Session Management Cheat
	// Sheet, "Idle Timeout".
	IdleTimeout time.Duration

	// AbsoluteTimeout is how long a session lives after its last login, or after
	// its creation if there was no login, however much it is used. Zero means 24
	// hours, or IdleTimeout if that is longer; negative, or shorter than
	// IdleTimeout, is an error. See OWASP Session Management Cheat Sheet,
	// "Absolute Timeout".
	AbsoluteTimeout time.Duration

	// Extend says which requests extend a session. With a client-held store and
	// without a Revoker, only changes do: a request that only reads must not
	// write back a state that another tab has ended.
	Extend ExtendPolicy

	// Cookie describes the cookie. Its zero value is the safest one.
	Cookie Cookie

	// Transport carries the token in a header instead of the cookie, for
	// clients that are not browsers. The zero Transport is the cookie.
	Transport Transport

	// Subject returns who a state belongs to, "" if there is no login. It is
	// required; use [Anonymous] if the application has no logins. When the
	// subject changes, by a login, a logout or a change of user, the write renews
	// the session's secret, so that a token obtained before the login (session
	// fixation) is invalid after it. Subject may be called from many goroutines
	// at once. It must not change the state or call methods of a session.
	Subject func(*T) string

	// Label describes where a session is used, for a page that lists a user's
	// sessions: a device and a place, for instance. It is called when the subject
	// is established, and by [Session.Login], with the request that logs in. It
	// must not change the state or call methods of a session. Labels longer than
	// 64 bytes are truncated at a character. Nil means no labels.
	Label func(*http.Request, *T) string

	// MaxSessionsPerSubject limits the sessions of one subject: a login beyond
	// it ends those whose login is the oldest. Zero means no limit; negative is
	// an error. It needs a [store.SubjectIndex]. If the store fails after the
	// login was saved, the limit is enforced by the next login.
	MaxSessionsPerSubject int

	// Revoker ends sessions that a [store.ClientHeld] store cannot end. Nil
	// means that they end by expiry only.
	Revoker store.Revoker

	// LoginHandler answers for [Manager.RequireSubject] if the session has no
	// subject: usually with a redirect to the login page. It may use the session,
	// for instance to keep the path for after the login; call [From], since the
	// Manager is not made yet where the Config is written. Nil means a plain 403,
	// or 401 with a WWW-Authenticate header if the Transport is [Bearer].
	LoginHandler http.Handler

	// ReauthHandler answers for [Manager.RequireRecentLogin] if the login is too
	// long ago: usually with a redirect to a page that asks for the password.
	// Nil means a plain 403.
	ReauthHandler http.Handler

	// EagerLoad loads the session before the handler runs. The handler is not
	// called if that fails. Otherwise a session is loaded at its first use, and
	// a request that never uses it does not call the store.
	EagerLoad bool

	// SealRecords encrypts the payload of every record and binds it to the
	// session's ID and subject. An attacker who can read or write the store can
	// then neither read states, nor exchange them, nor plant one; only an older
	// state of the same session can be put back. Turning it on ends the sessions
	// that were stored without it.
	SealRecords bool

	// ErrorHandler writes the response if the session could not be loaded or
	// saved. The handler's own response is discarded. The writer is the one that
	// Wrap was given, and the error matches one of this package's. It must write
	// a status. Nil means plain text without detail: 503 for [ErrUnavailable],
	// [ErrFull] and [ErrConflict], 409 for [ErrEnded], 403 for [ErrRevoked] and [ErrWithheld], and
	// 500 for all others.
	ErrorHandler func(http.ResponseWriter, *http.Request, error)

	// Observer is called with every event in the goroutine of the request, which
	// it delays. It may use the session, and must be safe for concurrent use. The
	// context of an event outside of a request, or after its handler has
	// returned, holds no session. Nil means no observer.
	Observer func(context.Context, Event)

	// Logger receives the events: failures at level error, changes that could
	// not be saved and records that cannot be decoded as warnings, all others at
	// level debug. Nil means [slog.Default] at the time of the event.
	Logger *slog.Logger
}

// Anonymous is a Config.Subject for applications without logins: no state has a
// subject. With it the secret of a session is renewed by [Session.Renew] and
// [Session.Login] only.
func Anonymous[T any](*T) string { return "" }

// ExtendPolicy says which requests extend a session.
type ExtendPolicy uint8

// The policies.
const (
	// ExtendOnRequest extends a session by every request that uses it.
	ExtendOnRequest ExtendPolicy = iota
	// ExtendOnChange extends a session only when its state changes.
	ExtendOnChange
)

const (
	defaultIdleTimeout     = time.Hour
	defaultAbsoluteTimeout = 24 * time.Hour
)

// withDefaults returns a copy in which the zero fields are filled in.
func (cfg Config[T]) withDefaults() Config[T] {
	if cfg.Codec == nil {
		cfg.Codec = codec.MsgPack[T]()
	}
	if cfg.LoginHandler == nil {
		cfg.LoginHandler = plainLogin(cfg.Transport)
	}
	if cfg.ReauthHandler == nil {
		cfg.ReauthHandler = plainText(http.StatusForbidden, "Please log in again.")
	}
	if cfg.ErrorHandler == nil {
		cfg.ErrorHandler = plainError
	}
	if cfg.IdleTimeout == 0 {
		cfg.IdleTimeout = defaultIdleTimeout
	}
	if cfg.AbsoluteTimeout == 0 {
		cfg.AbsoluteTimeout = max(defaultAbsoluteTimeout, cfg.IdleTimeout)
	}
	cfg.Cookie = cfg.Cookie.withDefaults()
	return cfg
}

// validate checks what withDefaults has filled in. Its errors begin with the
// name of the field.
func (cfg Config[T]) validate() error {
	switch {
	case cfg.Subject == nil:
		return errors.New("Subject is nil: return the user of a state, or say that there are no logins by session.Anonymous")
	case cfg.IdleTimeout < 0:
		return fmt.Errorf("IdleTimeout is negative: %v", cfg.IdleTimeout)
	case cfg.IdleTimeout < time.Millisecond:
		return fmt.Errorf("IdleTimeout is shorter than a millisecond: %v", cfg.IdleTimeout)
	case cfg.AbsoluteTimeout < 0:
		return fmt.Errorf("AbsoluteTimeout is negative: %v", cfg.AbsoluteTimeout)
	case cfg.AbsoluteTimeout < cfg.IdleTimeout:
		return fmt.Errorf("AbsoluteTimeout %v is shorter than IdleTimeout %v", cfg.AbsoluteTimeout, cfg.IdleTimeout)
	case cfg.MaxSessionsPerSubject < 0:
		return fmt.Errorf("MaxSessionsPerSubject is negative: %d", cfg.MaxSessionsPerSubject)
	case cfg.Extend > ExtendOnChange:
		return fmt.Errorf("Extend is not a policy: %d", cfg.Extend)
	}
	if err := cfg.Cookie.validate(); err != nil {
		return fmt.Errorf("Cookie.%w", err)
	}
	if err := cfg.Transport.validate(); err != nil {
		return fmt.Errorf("Transport: %w", err)
	}
	return nil
}

// validateFor checks what depends on the store.
func (cfg Config[T]) validateFor(st store.Store) error {
	_, clientHeld := st.(store.ClientHeld)
	_, indexed := st.(store.SubjectIndex)
	switch {
	case cfg.MaxSessionsPerSubject > 0 && !indexed:
		return fmt.Errorf("MaxSessionsPerSubject is set, but %T is no SubjectIndex", st)
	case cfg.Revoker != nil && !clientHeld:
		return fmt.Errorf("Revoker is set, but %T ends its sessions itself", st)
	}
	return nil
}

// ring returns the key ring. Its error begins with the name of the field.
func (cfg Config[T]) ring() (*seal.Ring, error) {
	if len(cfg.Keys) == 0 {
		return nil, errors.New("Keys is empty: make a key with NewKey, and keep it")
	}
	keys := make([][seal.KeySize]byte, len(cfg.Keys))
	for i, key := range cfg.Keys {
		if key.bytes == nil {
			return nil, fmt.Errorf("Keys[%d] is the zero Key", i)
		}
		keys[i] = key.bytes()
	}
	ring, err := seal.NewRing(keys...)
	if err != nil {
		return nil, fmt.Errorf("Keys: %w", err)
	}
	return ring, nil
}

// plainText returns a handler that answers with one line of text.
func plainText(code int, text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, code) })
}

// plainLogin returns the default LoginHandler. RFC 9110 section 15.5.2: a 401
// response must have a WWW-Authenticate header, so a cookie cannot be asked for
// by one.
func plainLogin(t Transport) http.Handler {
	if t.scheme == "" {
		return plainText(http.StatusForbidden, "Please log in.")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "Please log in.", http.StatusUnauthorized)
	})
}

// plainError is the default ErrorHandler.
func plainError(w http.ResponseWriter, _ *http.Request, err error) {
	code := http.StatusInternalServerError
	switch {
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrFull), errors.Is(err, ErrConflict):
		code = http.StatusServiceUnavailable
	case errors.Is(err, ErrEnded):
		code = http.StatusConflict
	case errors.Is(err, ErrRevoked), errors.Is(err, ErrWithheld):
		code = http.StatusForbidden
	}
	http.Error(w, http.StatusText(code), code)
}
