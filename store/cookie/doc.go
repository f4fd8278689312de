// Package cookie keeps sessions with their clients: the record travels in the
// cookie, and the server keeps nothing.
//
// A [Store] turns a record into a compact binary text and back. It does not keep
// clients from reading and forging the text: the session manager does, which
// encrypts or signs it. Do not give a Store text that has not been
// authenticated.
//
// # Limits
//
// Because the server keeps nothing, it can neither end a session nor compare
// revisions:
//
//   - A logout asks the client to delete its cookie. A copy of the cookie, for
//     example an attacker's, stays valid until the record expires, and so does
//     every earlier value of the cookie, unless there is a [store.Revoker].
//     Renewing a session leaves the earlier value valid too. Keep the timeouts
//     short.
//   - Only a Revoker can end a session, or the sessions of one user, before they
//     expire. The server cannot list sessions. Replacing the keys ends all
//     sessions.
//   - If two requests of a session change it concurrently, the response that
//     reaches the client last wins, and the other change is lost.
//   - A client can present an earlier cookie and so use again what it has used
//     up: one-time codes, attempt counters and flash messages are not safe here.
//
// If one of these matters, use a store that keeps records. If none does, this
// store needs no memory, no server and no round trip.
//
// # Size
//
// Browsers drop a cookie whose name and value are longer than 4096 bytes
// together. The format adds 24 bytes and the subject to the payload; encryption
// and base64 add to that. The session manager returns [store.ErrTooLarge] for
// such a cookie.
//
// # Compatibility
//
// A text begins with the version of its format. Every version that was released
// stays readable.
package cookie
