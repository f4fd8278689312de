package peers

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/redis/go-redis/v9"
	"github.com/vmihailenco/msgpack/v5"
)

func init() {
	// scs and gorilla ask for this; Fiber offers the same under another name.
	gob.Register([]string(nil))
	gob.Register([]Item(nil))
	gob.Register(time.Time{})
}

func scsMemory(name, note string, style scsStyle) Contender {
	return Contender{
		Name: name, Store: Memory, Role: Peer, Note: note,
		Open: func(env Env) (*Site, error) {
			// Without a goroutine that cleans up each minute: stopping it
			// races with its start, and what it costs is measured apart. New
			// starts one all the same, for a store that stays empty.
			return openSCS(memstore.NewWithCleanupInterval(0), style, env), nil
		},
	}
}

func scsRedis() Contender {
	return Contender{
		Name: "scs", Store: Redis, Role: Peer, Note: "goredisstore",
		Open: func(env Env) (*Site, error) {
			client := redis.NewClient(&redis.Options{Addr: env.RedisAddr})
			site := openSCS(goredisstore.New(client), gobValues{}, env)
			site.closers = append(site.closers, func() { _ = client.Close() })
			return site, client.Ping(context.Background()).Err()
		},
	}
}

// scsStyle is a way to keep a State with scs.
type scsStyle interface {
	setup(*scs.SessionManager)
	name(context.Context, *scs.SessionManager) string
	count(context.Context, *scs.SessionManager)
	switchUser(context.Context, *scs.SessionManager)
	fill(context.Context, *scs.SessionManager, *State)
	dump(context.Context, *scs.SessionManager) State
}

func openSCS(store scs.Store, style scsStyle, env Env) *Site {
	sm := scs.New()
	sm.Store = store
	sm.Cookie.Secure = true
	style.setup(sm)
	sample := env.sample()
	site := &Site{}
	for action, handler := range map[Action]http.HandlerFunc{
		Untouched: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bodyOK)
		},
		Read: func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(verdict(style.name(r.Context(), sm)))
		},
		Write: func(w http.ResponseWriter, r *http.Request) {
			style.count(r.Context(), sm)
			_, _ = w.Write(bodyOK)
		},
		Login: func(w http.ResponseWriter, r *http.Request) {
			if err := sm.RenewToken(r.Context()); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			style.switchUser(r.Context(), sm)
			_, _ = w.Write(bodyOK)
		},
		Create: func(w http.ResponseWriter, r *http.Request) {
			style.fill(r.Context(), sm, &sample)
			_, _ = w.Write(bodyOK)
		},
		Slow: func(w http.ResponseWriter, r *http.Request) {
			style.count(r.Context(), sm)
			runtime.Gosched()
			_, _ = w.Write(bodyOK)
		},
		Dump: func(w http.ResponseWriter, r *http.Request) {
			state := style.dump(r.Context(), sm)
			_, _ = w.Write(dump(&state))
		},
	} {
		site.Handlers[action] = sm.LoadAndSave(handler)
	}
	return site
}

// gobValues is scs as its documentation has it: each value under a key of its
// own, encoded by gob.
type gobValues struct{}

func (gobValues) setup(*scs.SessionManager) {}

func (gobValues) name(ctx context.Context, sm *scs.SessionManager) string {
	return sm.GetString(ctx, "name")
}

func (gobValues) count(ctx context.Context, sm *scs.SessionManager) {
	sm.Put(ctx, "counter", sm.GetInt(ctx, "counter")+1)
}

func (gobValues) switchUser(ctx context.Context, sm *scs.SessionManager) {
	sm.Put(ctx, "userID", otherUser(sm.GetString(ctx, "userID")))
}

func (gobValues) fill(ctx context.Context, sm *scs.SessionManager, s *State) {
	sm.Put(ctx, "userID", s.UserID)
	sm.Put(ctx, "name", s.Name)
	sm.Put(ctx, "roles", s.Roles)
	sm.Put(ctx, "cart", s.Cart)
	sm.Put(ctx, "theme", s.Theme)
	sm.Put(ctx, "lastSeen", s.LastSeen)
	sm.Put(ctx, "counter", s.Counter)
}

func (gobValues) dump(ctx context.Context, sm *scs.SessionManager) State {
	roles, _ := sm.Get(ctx, "roles").([]string)
	cart, _ := sm.Get(ctx, "cart").([]Item)
	return State{
		UserID: sm.GetString(ctx, "userID"), Name: sm.GetString(ctx, "name"),
		Roles: roles, Cart: cart, Theme: sm.GetString(ctx, "theme"),
		LastSeen: sm.GetTime(ctx, "lastSeen"), Counter: sm.GetInt(ctx, "counter"),
	}
}

// oneStruct is as fast as scs gets without changing it: one struct under one
// key, and a Codec that encodes just that, by MessagePack and with pooled
// encoders. Most of what scs takes otherwise is gob's.
type oneStruct struct{}

func (oneStruct) setup(sm *scs.SessionManager) { sm.Codec = structCodec{} }

func (oneStruct) state(ctx context.Context, sm *scs.SessionManager) *State {
	state, ok := sm.Get(ctx, "state").(*State)
	if !ok {
		state = new(State)
	}
	return state
}

func (o oneStruct) name(ctx context.Context, sm *scs.SessionManager) string {
	return o.state(ctx, sm).Name
}

func (o oneStruct) count(ctx context.Context, sm *scs.SessionManager) {
	state := o.state(ctx, sm)
	state.Counter++
	sm.Put(ctx, "state", state)
}

func (o oneStruct) switchUser(ctx context.Context, sm *scs.SessionManager) {
	state := o.state(ctx, sm)
	state.UserID = otherUser(state.UserID)
	sm.Put(ctx, "state", state)
}

func (oneStruct) fill(ctx context.Context, sm *scs.SessionManager, s *State) {
	state := *s
	sm.Put(ctx, "state", &state)
}

func (o oneStruct) dump(ctx context.Context, sm *scs.SessionManager) State {
	return *o.state(ctx, sm)
}

// structCodec implements [scs.Codec] for the one value of oneStruct: the
// deadline in nanoseconds, then the struct.
type structCodec struct{}

func (structCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.buf.Reset()
	e.buf.Write(binary.BigEndian.AppendUint64(e.buf.AvailableBuffer(), uint64(deadline.UnixNano())))
	if err := e.enc.Encode(values["state"]); err != nil {
		return nil, err
	}
	return bytes.Clone(e.buf.Bytes()), nil
}

func (structCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	if len(b) < 8 {
		return time.Time{}, nil, errors.New("short value")
	}
	state := new(State)
	err := unmarshal(b[8:], state)
	deadline := time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC()
	return deadline, map[string]any{"state": state}, err
}

// encoder and decoder are msgpack's, with their buffers, to be used again. Its
// own pools do not keep the buffers.
type encoder struct {
	buf bytes.Buffer
	enc *msgpack.Encoder
}

type decoder struct {
	src bytes.Reader
	dec *msgpack.Decoder
}

var (
	encoders = sync.Pool{New: func() any {
		e := new(encoder)
		e.enc = msgpack.NewEncoder(&e.buf)
		e.enc.UseCompactInts(true)
		return e
	}}
	decoders = sync.Pool{New: func() any {
		return &decoder{dec: msgpack.NewDecoder(io.LimitReader(nil, 0))}
	}}
)

func unmarshal(b []byte, v any) error {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	d.src.Reset(b)
	d.dec.Reset(&d.src)
	return d.dec.Decode(v)
}
