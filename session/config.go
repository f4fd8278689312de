package session

import (
	"cmp"
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

// Config says how a [Manager] treats its sessions. Only Keys is required; the
// zero value of every other field is the safe default.
type Config[T any] struct {
	// Keys encrypt and sign what the client holds. The first is used for new
	// values, every one opens old ones: to change keys, put the new one in
	// front and drop the old one after AbsoluteTimeout. What was sealed under
	// an older key is sealed again when it is next used, and so would be what
	// somebody has forged with it: drop a key that has leaked at once.
	Keys []Key

	// Codec encodes the state. Nil means [codec.MsgPack]. Its errors reach events
	// and logs, and so must not quote the state.
	Codec codec.Codec[T]

	// Initial returns the state of a new session. Nil means the zero T. It may
	// be called from many goroutines at once.
	Initial func() T

	// IdleTimeout is how long a session lives after its last use, in whole
	// milliseconds. Zero means one hour; negative is an error. It is enforced
	// when the session is loaded, not by a timer, and moved on only when a
	// tenth of it has passed, so that a session may end up to a tenth early.
	// See OWASP Session Management Cheat Sheet, "Idle Timeout".
	IdleTimeout time.Duration

	// AbsoluteTimeout is how long a session lives after it was created, however
	// much it is used. Zero means 24 hours, or IdleTimeout where that is
	// longer; negative, or shorter than IdleTimeout, is an error. See OWASP
	// Session Management Cheat Sheet, "Absolute Timeout".
	AbsoluteTimeout time.Duration

	// Extend says what counts as use for IdleTimeout.
	Extend ExtendPolicy

	// Cookie describes the cookie. Its zero value is the safest one.
	Cookie Cookie

	// Transport carries the token in a header instead of the cookie, for
	// clients that are not browsers. The zero Transport is the cookie.
	Transport Transport

	// Subject returns who a state belongs to, "" for nobody. It is required;
	// [Anonymous] says that there are no logins. When it changes,
	// by a login, a logout or a change of user, the session's secret is renewed
	// with the same write, so that a token which somebody planted before the
	// login is worthless after it (session fixation). It may be called from many goroutines at once, and must not change the
	// state.
	Subject func(*T) string

	// Label describes where a session is used, for the page that lists where
	// somebody is logged in: a device and a place, for instance. It is asked
	// when the subject is established, and must neither change the state nor use
	// the request's session, which waits for it. Of more than 64 bytes the first
	// whole characters are kept. Nil means no labels.
	Label func(*http.Request, *T) string

	// MaxSessionsPerSubject limits the sessions of one subject: a login beyond it ends
	// those whose login is the longest ago. Zero means no limit. It needs
	// Subject and a Store that is a [SubjectIndex].
	MaxSessionsPerSubject int

	// Revoker ends sessions that a [ClientHeld] store cannot end. Nil means
	// that they end by expiring only.
	Revoker store.Revoker

	// ReauthHandler answers for [Manager.RequireRecentLogin] where the login is too
	// long ago: usually with a redirect to the login page. Nil means a plain
	// 403.
	ReauthHandler http.Handler

	// EagerLoad loads the session before the handler runs. When that fails the
	// handler is not reached. Otherwise a session is loaded at its first use,
	// and a request that never uses it costs no call of the store.
	EagerLoad bool

	// SealRecords encrypts the payload of every record and binds it to the
	// session's ID and subject, so that whoever can read or write the store can
	// neither read the states, nor exchange them, nor plant one; only an older
	// state of the same session can be put back. Turning it on ends the
	// sessions that were stored without it.
	SealRecords bool

	// ErrorHandler answers a request whose session could not be loaded or
	// saved, instead of the handler. It must write a status. Nil means a plain
	// text answer without detail: 503 where the error is [ErrUnavailable], else
	// 500.
	ErrorHandler func(http.ResponseWriter, *http.Request, error)

	// Observer is told of every event, in the goroutine of the request. It may
	// use the session; but what happens outside of a request, or after its
	// handler has returned, comes with a context that holds none. Nil means
	// nobody is told.
	Observer func(context.Context, Event)

	// Logger receives the events too: failures as errors, changes that could
	// not be kept as warnings, everything else at debug level. Nil means
	// [slog.Default].
	Logger *slog.Logger
}

// ExtendPolicy says which requests extend a session.
type ExtendPolicy uint8

const (
	// ExtendOnRequest extends a session by every request that uses it.
	ExtendOnRequest ExtendPolicy = iota
	// ExtendOnChange extends a session only when its state is changed.
	ExtendOnChange
)

// Anonymous is a Config.Subject for applications without logins.
func Anonymous[T any](*T) string { return "" }

const (
	defaultIdleTimeout     = time.Hour
	defaultAbsoluteTimeout = 24 * time.Hour
)

// withDefaults fills in what was left zero.
func (cfg Config[T]) withDefaults() Config[T] {
	if cfg.Codec == nil {
		cfg.Codec = codec.MsgPack[T]()
	}
	if cfg.Initial == nil {
		cfg.Initial = func() (zero T) { return zero }
	}
	if cfg.ReauthHandler == nil {
		cfg.ReauthHandler = http.HandlerFunc(plainStale)
	}
	if cfg.ErrorHandler == nil {
		cfg.ErrorHandler = plainError
	}
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, defaultIdleTimeout)
	cfg.AbsoluteTimeout = cmp.Or(cfg.AbsoluteTimeout, max(defaultAbsoluteTimeout, cfg.IdleTimeout))
	cfg.Cookie = cfg.Cookie.withDefaults()
	return cfg
}

// validate checks what withDefaults has filled in. Its errors name the field.
func (cfg Config[T]) validate() error {
	switch {
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
	case cfg.Subject == nil:
		return errors.New("Subject is nil: without logins, set it to session.Anonymous[T]")
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

// ring makes the key ring, or says which of Keys is wrong.
func (cfg Config[T]) ring() (*seal.Ring, error) {
	if len(cfg.Keys) == 0 {
		return nil, errors.New("Keys is empty: make a key with NewKey, and keep it")
	}
	keys := make([][seal.KeySize]byte, len(cfg.Keys))
	for i, key := range cfg.Keys {
		if key.held == nil {
			return nil, fmt.Errorf("Keys[%d] is the zero Key", i)
		}
		keys[i] = *key.held.bytes
		for j := range i {
			if keys[i] == keys[j] {
				return nil, fmt.Errorf("Keys[%d] repeats Keys[%d]", i, j)
			}
		}
	}
	ring, err := seal.NewRing(keys...)
	if err != nil {
		return nil, fmt.Errorf("Keys: %w", err)
	}
	return ring, nil
}

// plainStale is the default ReauthHandler.
func plainStale(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "Please log in again.", http.StatusForbidden)
}

// plainError is the default ErrorHandler.
func plainError(w http.ResponseWriter, _ *http.Request, err error) {
	code := http.StatusInternalServerError
	if errors.Is(err, ErrUnavailable) {
		code = http.StatusServiceUnavailable
	}
	http.Error(w, http.StatusText(code), code)
}
