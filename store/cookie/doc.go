// Package cookie keeps sessions with their clients: the record travels in the
// cookie, and the server holds nothing.
//
// A [Store] only turns a record into a compact binary string and back. Keeping
// clients from reading and forging it is the business of the Manager, which
// seals or signs every ref before it leaves. A ref that has not been
// authenticated must not be given to a Store.
//
// # What it cannot do
//
// Where nothing is held, nothing can be taken away and nothing compared:
//
//   - Logout asks the client to forget its cookie. A copy that somebody else
//     has made of it stays valid until the record expires, and so does every
//     earlier value of the cookie, unless there is a [store.Revoker]. Renewing
//     a session leaves the old value valid as well. Keep the timeouts short.
//   - The server can end a session, or those of one user, by a Revoker only. It
//     cannot list them. Replacing the keys ends the sessions of everybody.
//   - When two requests of one session change it at once, the response that
//     reaches the client last wins, and the other change is lost.
//   - What was used up can be used again by sending an older cookie: one-time
//     codes, attempt counters and flash messages are not safe here.
//
// Where one of these matters, use a store that holds its records. Where none
// does, this one needs no memory, no server and no round trip.
//
// # Size
//
// Browsers drop a cookie whose name and value are over 4096 bytes together. The
// format adds 24 bytes and the subject to the payload; sealing and base64 add to
// that. The Manager reports [ErrTooLarge] rather than send such a cookie.
//
// # Compatibility
//
// A ref begins with the version of its format. Every version that was released
// stays readable.
package cookie
