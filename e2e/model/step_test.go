package model_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// verb says what a step does. What it means depends on where the request is: a
// verb that makes no sense there lets the request go on, so that few steps are
// wasted. Where nothing runs, going on does nothing, so that any one step can be
// taken away when a schedule is shrunk.
type verb uint8

const (
	goOn      verb = iota // answer the call; return from the handler; bring the response
	finish                // go on until the response is there
	begin                 // begin a request
	beginLate             // begin one that looks at its session later
	look                  // look at it; no step of its own

	// What a handler does. Where there is no request yet, one begins with it.
	update      // append a mark to the state
	save        // Save
	transact    // append a mark by Transact
	refuse      // the same, but the transaction fails
	issue       // put a one-time code into the state
	redeem      // take one out by Transact
	login       // set the user
	signIn      // set the user by Login
	confirm     // Login(nil)
	logout      // unset the user
	wipe        // Clear
	renew       // Renew
	destroy     // Destroy
	others      // RevokeOthers
	write       // begin the response
	replay      // begin with a cookie that the browser had before
	crash       // the handler panics; the process dies before the call
	crashAfter  // the process dies after the call
	drop        // the call, or the response, is lost
	lose        // the answer to the call is lost
	late        // the call is given up, and made after all when a step says so
	land        // make such a call
	wait        // let time pass
	revoke      // the administrator ends the sessions of a user
	revokeID    // or one session
	list        // or looks at those of a user
	cutRequest  // Redis: the connection breaks before the call
	cutAnswer   // Redis: the connection breaks after the call
	numberVerbs = iota
)

var verbNames = [numberVerbs]string{
	goOn: "go on", finish: "finish", begin: "begin", beginLate: "begin late", look: "look", signIn: "sign in", confirm: "confirm", update: "update", save: "save", transact: "transact",
	refuse: "transact and fail", issue: "issue a code", redeem: "redeem a code", login: "login",
	logout: "logout", wipe: "clear", renew: "renew", destroy: "destroy", others: "revoke others",
	write: "write", replay: "replay", crash: "crash", crashAfter: "crash after it", drop: "drop it",
	lose: "lose the answer", late: "give it up", land: "land", wait: "wait", revoke: "revoke user",
	revokeID: "revoke session", list: "list", cutRequest: "cut before it", cutAnswer: "cut after it",
}

func (v verb) String() string { return verbNames[v] }

// step is one step of a schedule.
type step struct {
	slot int // of the request
	verb verb
	arg  int // which user, session, cookie or time, where the verb needs one
}

// A slot is where one request at a time runs: a tab of a browser, or the
// administrator. Those of one browser share its cookie.
var slots = [...]string{"A1", "A2", "A3", "B1", "B2", admin}

const admin = "admin"

// users are whose sessions they can be.
var users = [...]string{"alice", "bob"}

func (s step) String() string { return fmt.Sprintf("%s %v %d", slots[s.slot], s.verb, s.arg) }

// What is drawn how often. Rapid prefers what comes early.
var (
	requestVerbs = repeat(map[verb]int{
		goOn: 16, finish: 10, begin: 4, beginLate: 3, signIn: 5, confirm: 2,
		update: 8, save: 8, transact: 4, refuse: 1, issue: 3, redeem: 4,
		login: 7, logout: 2, wipe: 1, renew: 3, destroy: 3, others: 1, write: 2,
		replay: 2, crash: 2, crashAfter: 2, drop: 3, lose: 6, late: 4, land: 3, wait: 4,
	})
	adminVerbs = repeat(map[verb]int{goOn: 6, finish: 4, revoke: 3, revokeID: 2, list: 2, drop: 1, lose: 1, crash: 1})
)

func repeat(weights map[verb]int) (verbs []verb) {
	for v := range verb(numberVerbs) {
		for range weights[v] {
			verbs = append(verbs, v)
		}
	}
	return verbs
}

// stepOf draws one step.
func stepOf(extra ...verb) *rapid.Generator[step] {
	slot := rapid.IntRange(0, len(slots)-1)
	ofRequest := rapid.SampledFrom(append(requestVerbs[:len(requestVerbs):len(requestVerbs)], extra...))
	ofAdmin := rapid.SampledFrom(adminVerbs)
	arg := rapid.IntRange(0, len(waits)-1)
	return rapid.Custom(func(t *rapid.T) step {
		s := step{slot: slot.Draw(t, "slot")}
		if slots[s.slot] == admin {
			s.verb = ofAdmin.Draw(t, "verb")
		} else {
			s.verb = ofRequest.Draw(t, "verb")
		}
		s.arg = arg.Draw(t, "arg")
		return s
	})
}

// drawSchedule draws the steps of a schedule, -rapid.steps of them on average.
func drawSchedule(t *rapid.T, gen *rapid.Generator[step]) (schedule []step) {
	t.Repeat(map[string]func(*rapid.T){
		"step": func(t *rapid.T) { schedule = append(schedule, gen.Draw(t, "step")) },
	})
	return schedule
}

// trace tells what the steps of a schedule did, a line for each that did
// anything, and then how what still ran came to its end.
type trace struct {
	lines []string
	steps int // how many of the lines are steps
}

func (tr *trace) begin(who string) { tr.lines = append(tr.lines, who+":") }

func (tr *trace) add(format string, args ...any) {
	last := &tr.lines[len(tr.lines)-1]
	if !strings.HasSuffix(*last, ":") {
		*last += ","
	}
	*last += " " + fmt.Sprintf(format, args...)
}

// close forgets the last line where nothing was added to it.
func (tr *trace) close() {
	if last := len(tr.lines) - 1; strings.HasSuffix(tr.lines[last], ":") {
		tr.lines = tr.lines[:last]
	}
}

func (tr *trace) String() string {
	var b strings.Builder
	for i, line := range tr.lines {
		if i == tr.steps {
			b.WriteString("and in the end\n")
		}
		if i < tr.steps {
			fmt.Fprintf(&b, "%3d. ", i+1)
		} else {
			b.WriteString("     ")
		}
		fmt.Fprintln(&b, line)
	}
	return b.String()
}
