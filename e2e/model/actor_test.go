package model_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/typedsession/typedsession/store"
)

// State is what the sessions hold. Every mark and every code is used once, so
// that a state tells which changes were made, how often, and in which order.
type State struct {
	User  string
	Log   []int
	Codes []int
}

func (st *State) String() string {
	return fmt.Sprintf("{%q, marks %v, codes %v}", st.User, st.Log, st.Codes)
}

func (st *State) clone() State {
	return State{User: st.User, Log: slices.Clone(st.Log), Codes: slices.Clone(st.Codes)}
}

func (st *State) equal(other *State) bool {
	return st.User == other.User && slices.Equal(st.Log, other.Log) && slices.Equal(st.Codes, other.Codes)
}

func (st *State) initial() bool { return st.equal(&State{}) }

// change is a change of a state.
type change func(*State) error

// actor is what the model knows of one request: what it has been told of its
// session, and what it wants of it.
type actor struct {
	name   string
	cookie string

	sess      *sess // nil: none that is stored
	gen       int
	seen      State // what sess held when the request last heard of it
	pending   []change
	unsure    map[store.Rev][]change // what its writes held that got no answer
	lost      []store.Rev            // its writes upon rev that got no answer
	rev       store.Rev              // of the record when seen was
	fault     bool                   // something was broken since its operation began
	tx        change                 // the transaction that runs
	renew     bool
	login     bool // Session.Login was called
	doomed    *sess
	ghost     *sess     // what a creation of its own has left that got no answer
	muted     bool      // its session has ended under it
	next      *sess     // of muted: the session goes on under this, with another secret
	loggedOut bool      // of muted: it was destroyed, and what follows is dropped without an error
	missed    bool      // of muted: and next lacks changes of the request
	formerly  string    // of muted: whose it was
	lapsed    *sess     // its cookie leads to it, and it has expired
	seenAt    int64     // when the store last answered that sess is live
	until     int64     // when sess would end, as of then
	tell      string    // what the client is to be told: "", "set" or "expired"
	loadedAt  time.Time // zero where it has loaded none
	arrivedAt time.Time // not before it came to Wrap
	refused   bool      // its last write, as a login that a revocation covers
	broken    bool      // the session could not be loaded
	begun     bool      // the response has begun

	loading, refresh bool // the next load is that of the request, of a transaction

	since     int // when its operation began
	target    *sess
	user      string // whose sessions it revokes or lists
	except    *sess
	asked     int // when it last asked for somebody's sessions
	askedFor  string
	revoking  bool
	destroyed int // how many sessions it has ended by revoking
}

// opens reports whether a request's secret is that of its session.
func (a *actor) opens(x *sess) bool { return a.sess == x && a.gen == x.gen }

// doubtful reports whether nobody can tell what became of a write of the
// request's that got no answer, because somebody else has written since. It then
// fails rather than to make the same changes twice.
func (a *actor) doubtful(x *sess) bool {
	_, own := a.unsure[x.rev]
	return len(a.unsure) > 0 && !own && x.rev != a.rev
}

// unanswered notes that a write got no answer.
func (a *actor) unanswered(rev store.Rev) {
	a.lost = append(a.lost, rev)
	if len(a.pending) == 0 {
		return
	}
	if a.unsure == nil {
		a.unsure = map[store.Rev][]change{}
	}
	a.unsure[rev] = a.pending
}

// forget notes that what a request wanted is stored, or never will be.
func (a *actor) forget() { a.pending, a.unsure, a.renew, a.login = nil, nil, false, false }
