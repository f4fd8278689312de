// Package session keeps typed HTTP sessions: the application declares a struct,
// makes one [Manager] of it, wraps its handler, and calls [From].
//
// A request that comes to [Manager.Wrap] costs nothing until a handler asks for
// its session. Then the token is taken from the cookie and opened; only if it is
// authentic is the [Store] asked for the record that it leads to, and the state
// decoded. The handler reads it with [Session.State] and changes it with
// [Session.Update]. Before the first byte of the response leaves, the session is
// committed: if its encoding has changed, it is stored, in a write that only
// succeeds when no other request has changed it meanwhile; otherwise the updates
// are applied to what the other one left. A commit that fails replaces the
// response, so that nobody is told of a success that was none. A visitor whose
// state never differs from the initial one costs no record and no cookie.
//
// # Timeouts
//
// A session ends Config.IdleTimeout after its last use and
// Config.AbsoluteTimeout after its creation, whichever is first. Both are
// checked when it is loaded, against the authenticated record. The idle timeout
// begins anew at most once in a tenth of it.
//
// # Security
//
// The client holds a token that is encrypted and authenticated; it contains a
// random [ID], which is no credential, and a random secret, which is. The store
// keeps only the secret's hash. When the state's subject changes, which is what
// a login and a logout do, the secret is renewed by the same write. A session
// that has ended is never revived: a request that was running meanwhile either
// is a login of its own, and gets a new session with nothing of the old one, or
// its change is dropped and reported. Token and state never appear in errors,
// events or logs.
//
// With a [ClientHeld] store the token is the record itself. It expires like any
// other, but only a [Revoker] can take it back before that, and of two requests
// at once the last one wins.
//
// # Concurrency
//
// A [Manager] serves any number of goroutines. A [Session] belongs to one
// request and may be used by all goroutines of that request. A callback may read
// its session, and panics if it changes it. Do not use another session in a
// callback while other goroutines use that one.
//
// # Compatibility
//
// Records and tokens begin with a version. What one version of this package has
// written, every later one reads. A record that cannot be decoded, because a
// newer version of the program has written it, gives the visitor a new session
// and stays as it is. How far a state type may change is up to the codec; see
// package codec.
package session
