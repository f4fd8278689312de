// Package migrate keeps users logged in while a program goes over to this
// library from another one, or from one Manager to another: a recipe, tested
// with the real libraries, to copy and fit to one's own state.
//
// The old library is asked, but no longer mounted: its middleware would save
// what has just been ended. [Adopter.Wrap] takes the place of Manager.Wrap.
// A request without the old cookie costs nothing more. One that brings it is
// held up until this is done:
//
//   - It claims a mark, which is kept under a hash of the old cookie. That is one
//     atomic step, so that of requests at once, in any number of processes, one
//     gets it. The others wait.
//   - It carries the old session over into one of the new Manager, and leaves
//     its cookie with the mark. The others find it there, and go on in that one.
//   - The old session is ended, and its cookie expired.
//
// Then the application runs, and knows nothing of all this: a logout is a
// Destroy. Where a step fails, the request is answered 503, what was not
// reached is as it was, and the next request goes on from there. Because the
// mark outlives both sessions, an old cookie that comes again, in a late request
// or from somebody who has copied it, leads to the new session, or, once that
// has ended, to nobody.
package migrate
