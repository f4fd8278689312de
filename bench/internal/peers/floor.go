package peers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The floors are what a session costs at least: the primitives that no correct
// implementation can do without, one after the other, by hand. A request that
// does not look at its session costs one clone of the request and one handle
// that is context and ResponseWriter at once. A look costs a scan of the cookie,
// a hash of the token (no store should hold what a thief could use), one look
// into the store, one at the clock, and a decoding. A write costs an encoding,
// and a copy of it that is stored. Nothing is checked that could be left out:
// no revision, no key rotation, no conflict, no error of the codec.
//
// Sealed tokens are not among the primitives where the store holds the records:
// a token that is hashed need not be sealed as well.

// floorStore is what a floor does with the bytes of a session. cookie is the
// value that the request presents.
type floorStore interface {
	load(ctx context.Context, cookie string, buf *[]byte) (payload []byte, ok bool)
	create(ctx context.Context, payload []byte) (cookie string)
	close()
}

// floorWriter is what those implement that are not for reading only.
type floorWriter interface {
	save(ctx context.Context, cookie string, payload []byte) (newCookie string)
	renew(ctx context.Context, cookie string, payload []byte) (newCookie string)
}

// newSite makes the application of a floor, for one way to encode the state.
type newSite func(floorStore, Env) *Site

func newReflected(store floorStore, env Env) *Site { return newFloor[State](store, env) }
func newMethods(store floorStore, env Env) *Site   { return newFloor[MethodState](store, env) }

var loadBuffers = sync.Pool{New: func() any { return new([]byte) }}

// handle is the one allocation of a request that does not look at its session.
// It has room for what a session library must keep there, read or not.
type handle struct {
	context.Context
	http.ResponseWriter
	header http.Header
	store  floorStore
	_      any // the state, when there is one
	begun  bool
}

type handleKey struct{}

func (h *handle) Value(key any) any {
	if key == (handleKey{}) {
		return h
	}
	return h.Context.Value(key)
}

func (h *handle) Write(b []byte) (int, error) {
	h.begun = true
	return h.ResponseWriter.Write(b)
}

const (
	floorName = "__Host-session"
	floorTail = "; Path=/; HttpOnly; Secure; SameSite=Lax"
)

// findCookie scans the header in place. http.Request.Cookie allocates.
func findCookie(header http.Header) string {
	for _, line := range header["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, "; ")
			if value, ok := strings.CutPrefix(pair, floorName+"="); ok {
				return value
			}
		}
	}
	return ""
}

func newFloor[T reader, P holder[T]](store floorStore, env Env) *Site {
	sample := env.sample()
	// open and shut are the two halves of what every handler but the first
	// does.
	open := func(r *http.Request) (h *handle, cookie string, state P) {
		h = r.Context().Value(handleKey{}).(*handle)
		cookie = findCookie(h.header)
		state = new(T)
		if cookie != "" {
			buf := loadBuffers.Get().(*[]byte)
			if payload, ok := store.load(h.Context, cookie, buf); ok {
				if err := unmarshal(payload, state); err != nil {
					panic(err)
				}
			}
			loadBuffers.Put(buf)
		}
		return h, cookie, state
	}
	shut := func(h *handle, state P, put func(payload []byte) string) {
		e := encoders.Get().(*encoder)
		e.buf.Reset()
		if err := e.enc.Encode(state); err != nil {
			panic(err)
		}
		if cookie := put(e.buf.Bytes()); cookie != "" {
			header := h.Header()
			header["Set-Cookie"] = []string{floorName + "=" + cookie + floorTail}
		}
		encoders.Put(e)
		_, _ = h.Write(bodyOK)
	}
	writer, _ := store.(floorWriter)
	write := func(_ http.ResponseWriter, r *http.Request) {
		h, cookie, state := open(r)
		state.state().Counter++
		shut(h, state, func(b []byte) string { return writer.save(h.Context, cookie, b) })
	}
	site := &Site{closers: []func(){store.close}}
	for action, handler := range map[Action]http.HandlerFunc{
		Untouched: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bodyOK)
		},
		Read: func(w http.ResponseWriter, r *http.Request) {
			_, _, state := open(r)
			_, _ = w.Write(verdict(state.state().Name))
		},
		Write: write,
		Slow:  write,
		Login: func(_ http.ResponseWriter, r *http.Request) {
			h, cookie, state := open(r)
			s := state.state()
			s.UserID = otherUser(s.UserID)
			shut(h, state, func(b []byte) string { return writer.renew(h.Context, cookie, b) })
		},
		Create: func(_ http.ResponseWriter, r *http.Request) {
			h, _, state := open(r)
			*state.state() = sample
			shut(h, state, func(b []byte) string { return store.create(h.Context, b) })
		},
		Dump: func(w http.ResponseWriter, r *http.Request) {
			_, _, state := open(r)
			_, _ = w.Write(dump(state.state()))
		},
	} {
		site.Handlers[action] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := &handle{Context: r.Context(), ResponseWriter: w, header: r.Header, store: store}
			handler(h, r.WithContext(h))
		})
	}
	return site
}

// token is the credential of a session that is held in a store.
type token [32]byte

func newToken() token {
	var t token
	rand.Read(t[:])
	return t
}

func parseToken(cookie string) (t token) {
	var buf [48]byte
	decoded, err := base64.RawURLEncoding.AppendDecode(buf[:0], []byte(cookie))
	if err != nil {
		panic(err)
	}
	copy(t[:], decoded)
	return t
}

func (t token) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

func (t token) hash() [sha256.Size]byte { return sha256.Sum256(t[:]) }

const floorLife = time.Hour
