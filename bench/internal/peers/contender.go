package peers

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"
)

// Action is what a request does with its session.
type Action int

// The actions. Each is one handler of a site.
const (
	Untouched Action = iota // does not look at the session
	Read                    // reads one field
	Write                   // counts one field up
	Login                   // changes the user, with a new credential
	Create                  // fills a new session
	Slow                    // Write, with other goroutines let in between load and save
	Dump                    // answers with the whole state, to be counted and compared
	numActions
)

var actionNames = [numActions]string{
	"untouched", "read", "write", "login", "create", "slow", "dump",
}

// String returns the action in one lower-case word.
func (a Action) String() string { return actionNames[a] }

// Actions returns all actions in order.
func Actions() []Action {
	all := make([]Action, numActions)
	for i := range all {
		all[i] = Action(i)
	}
	return all
}

// Store is where a contender keeps its sessions.
type Store string

// The stores.
const (
	Memory Store = "memory"
	Cookie Store = "cookie"
	Redis  Store = "redis"

	PostgreSQL Store = "PostgreSQL"
	MariaDB    Store = "MariaDB"
	SQLite     Store = "SQLite"
)

// InProcess reports whether the sessions are in the memory of the process or in
// cookies, so that a request waits for nothing.
func (s Store) InProcess() bool { return s == Memory || s == Cookie }

// Role is what a contender is to the comparison.
type Role int

// The roles.
const (
	Ours Role = iota
	Floor
	Peer
)

// Env is what sites are opened in.
type Env struct {
	RedisAddr    string // host:port
	PostgresAddr string // host:port
	MariaDBAddr  string // host:port, with a database named bench
	Size         int    // bytes of a state, see Sample; zero means 200

	// CountConflicts lets Site.Conflicts count, which costs a little.
	CountConflicts bool
}

func (e Env) sample() State { return Sample(cmp.Or(e.Size, 200)) }

// Contender is a library with a store.
type Contender struct {
	Name  string
	Store Store
	Role  Role
	Note  string // what a reader of the results should know

	// Lacks says of actions that the library does not offer why not.
	Lacks map[Action]string

	// Settle is how long a session must not have been written by this process
	// before its reads cost what they cost as a rule.
	Settle time.Duration

	Open func(Env) (*Site, error)
}

// Site is an application that is running in memory.
type Site struct {
	// Handlers holds the site by action. It is empty for a site whose host
	// is not net/http.
	Handlers [numActions]http.Handler

	// Conflicts returns how many writes were found to have been overtaken and
	// were tried again. It is nil where the library never finds out.
	Conflicts func() int64

	fast    fasthttp.RequestHandler // of a site whose host is fasthttp
	closers []func()
}

// NewClient returns a client of the site.
func (s *Site) NewClient() Client {
	if s.fast != nil {
		return &fastClient{handler: s.fast}
	}
	return newHTTPClient(&s.Handlers)
}

// Close frees what the site holds.
func (s *Site) Close() {
	for _, f := range s.closers {
		f()
	}
}

// Client sends requests, one after another.
type Client interface {
	// Do sends a request with a cookie, "name=value", or none. The reply's
	// body is valid until the next call.
	Do(a Action, cookie string) Reply
}

// Reply is an answer to a request.
type Reply struct {
	Status int
	Body   []byte
	Cookie string // "name=value" that the response sets, "" for none
}

// Err returns an error for every reply but the expected one.
func (r *Reply) Err() error {
	if r.Status != http.StatusOK || string(r.Body) != "ok" && string(r.Body) != "anonymous" {
		return fmt.Errorf("answered %d %q", r.Status, r.Body)
	}
	return nil
}

// The bodies of replies, ready to be written.
var (
	bodyOK        = []byte("ok")
	bodyAnonymous = []byte("anonymous")
	bodyWrong     = []byte("wrong")
)

// verdict returns what a read answers: a benchmark of a session that is not
// there would be fast, and worthless.
func verdict(name string) []byte {
	switch name {
	case userName:
		return bodyOK
	case "":
		return bodyAnonymous
	}
	return bodyWrong
}

// Contenders returns everything that is compared, in the order of the tables:
// for each store the floors, then ours, then the peers.
func Contenders() []Contender {
	return []Contender{
		floorMemory("floor", newReflected),
		oursMemory("typedsession", open[State]),
		scsMemory("scs", "as shipped: values in a map, by gob", gobValues{}),
		scsMemory("scs, msgpack", "its Codec replaced by msgpack of one struct", oneStruct{}),
		fiberMemory(),
		floorMemory("floor, methods", newMethods),
		oursMemory("typedsession, methods", open[MethodState]),

		floorCookie("floor", newReflected),
		oursCookie("typedsession", open[State]),
		gorillaCookie(),
		floorCookie("floor, methods", newMethods),
		oursCookie("typedsession, methods", open[MethodState]),

		floorRedis(),
		oursRedis("typedsession", 0, noSubjects),
		oursRedis("typedsession, cached", cachedDelay, noSubjects),
		oursRedis("typedsession, subjects", 0, withSubjects),
		scsRedis(),
		gorillaRedis(),
		fiberRedis(),
	}
}
