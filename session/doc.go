// Package session keeps typed HTTP sessions: the application declares a struct,
// and each visitor has one.
//
// [NewManager] makes a [Manager] from a store and a [Config], and [Manager.Wrap]
// puts a session into the context of each request. The session is loaded when
// the handler first calls [From]: the token is taken from the cookie and opened,
// the record is read from the store, and the state is decoded. The handler reads
// the state with [Session.State] and changes it with [Session.Update]. Before the
// first byte of the response leaves, the session is committed: if the encoded
// state differs, it is written on condition that no other request has written
// since. If another request has, the updates are called again on the state that
// it has left. If the commit fails, Config.ErrorHandler responds in place of the
// handler. A request that does not call From costs no store call, and a visitor
// whose state never differs from the initial one costs no record and no cookie.
//
// # Phases
//
// Within a request a session is in one of four phases:
//
//	new     no token opened a live session, and none is stored yet
//	stored  the record is in the store, or in the cookie if the client holds it
//	ended   the session ended, or got a new secret, while the request was running
//	failed  the store did not answer, so the session could not be loaded
//
//	from    what happens                                        to
//	new     a state that differs from the initial one is saved  stored
//	stored  a change is saved, or the session is extended       stored
//	stored  Destroy is called                                   new
//	stored  another request ends it or renews its secret        ended
//	ended   a login is saved                                    stored
//
// In phase ended, a change that is not a login is not saved: Save returns
// [ErrEnded], and if it comes to that at the commit, ErrorHandler responds, by
// default with 409. A login starts a new session with nothing of the old one. But
// if another request has logged in the same user just now, as when a form is sent
// twice, the login joins the session of that request. Phase failed lasts until
// the end of the request, unless the load failed because a shorter context of its
// caller had ended; then the next call of From or Load tries again.
//
// # Timeouts
//
// A session ends Config.IdleTimeout after its last use, and
// Config.AbsoluteTimeout after its last login or, without one, its creation. Both
// are enforced when it is loaded, against the authenticated record. The expiry is
// updated at most once in a tenth of IdleTimeout, so a session may end up to a
// tenth early.
//
// A session that was live when a request loaded it stays live for that request.
// If it has expired since, its changes can be saved until 14 minutes after the
// request has last read or written it in the store. A commit takes 10 seconds at
// most, and does not end when the client hangs up.
//
// If the client holds the sessions and there is no Config.Revoker, a request that
// only reads does not extend its session: with the new cookie it would write back
// a state that another tab has ended.
//
// # Security
//
// The client holds a token that is encrypted and authenticated. It contains the
// session's [ID], which is no credential, and a random secret, which is one. The
// store has the secret's hash only. When the subject of the state changes, by a
// login or a logout, the same write renews the secret, so that a token obtained
// before the login is invalid after it. [Session.Login] renews it also if the
// user was logged in before.
//
// A session that has ended is never revived. [Manager.RevokeSubject] also covers
// logins in flight: a login whose request arrived at [Manager.Wrap] before the
// revocation is refused with [ErrRevoked]. If several processes serve the
// application, the clocks of the two that are involved decide what was before.
//
// A response never overwrites a cookie that the browser may hold but has not
// sent. If SameSite made the browser withhold the cookie of a request from
// another site, a login in that request is refused with [ErrWithheld]. Other
// changes of such a request are not saved and are reported by an event, and the
// response is sent all the same.
//
// With a [store.ClientHeld] store the cookie is the record itself. It expires
// like any other session, but only a [store.Revoker] can end it before that.
// Concurrent requests cannot be told apart: the last cookie wins, and
// [Session.Transact] returns errors.ErrUnsupported.
//
// Tokens and states do not appear in errors, events or logs.
//
// # Concurrency
//
// A [Manager] is safe for concurrent use. A [Session] belongs to one request and
// may be used by all goroutines of that request.
//
// Callbacks are the functions passed to Update, Login and Transact, and Subject
// and Label of the Config. A callback may read its session. It must not change a
// session, write the response, or wait for a goroutine that does either. Such a
// call panics if it would wait for itself. Do not use another session in a
// callback while other goroutines use that one.
//
// # Compatibility
//
// Records and tokens begin with a version. Every later version of this package
// reads what this one has written. If a record cannot be decoded, because a newer
// version of the application has written it, the visitor gets a new session, and
// the record stays as it is. How far a state type may change depends on the codec;
// see package codec.
package session
