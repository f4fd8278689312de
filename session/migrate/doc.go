// Package migrate keeps users logged in while a program changes to this library
// from another one, or from one Manager to another. The application says how an
// old session is read and ended, see [Adopter]; [FromSCS], [FromManager] and
// [ExpireCookie] do most of that. The package imports no other session library.
//
// The old library is called, but is no longer mounted: its middleware would save
// a session that has just been ended. [Adopter.Wrap] takes the place of
// Manager.Wrap. A request without the old cookie costs nothing more. A request
// that brings it waits until these steps are done:
//
//   - It claims a mark, whose key is a hash of the old cookie. The claim is one
//     atomic step, so that one of several concurrent requests, in any number of
//     processes, gets it. The others wait.
//   - It copies the old session into a session of the new Manager, and stores the
//     new cookie in the mark. The other requests find it there and continue in
//     the new session.
//   - It ends the old session and expires its cookie.
//
// Then the application runs, and needs to know nothing of all this: a logout is a
// Destroy. If a step fails, the response is a 503, the later steps are not made,
// and the next request continues where this one stopped. The mark outlives both
// sessions. So if an old cookie comes again, in a late request or from an
// attacker who has copied it, it leads to the new session, or to no session after
// that one has ended.
//
// docs/MIGRATING.md has the calls of other libraries beside those of this one,
// and what to check before the switch. The folder e2e/migrate of the repository
// tests the package with the real libraries.
package migrate
