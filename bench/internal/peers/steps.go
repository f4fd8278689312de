package peers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/typedsession/typedsession/internal/seal"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// ReadSteps returns, for each way to encode the state, what lies between the
// floor of a read from memory and a read by typedsession: the floor, then more
// and more of what the library promises, done by hand, and the library last.
func ReadSteps() [][]Contender {
	steps := func(site newSite, ours opener) []Contender {
		return []Contender{
			floorMemory("floor", site),
			step("and a sealed token", site, func(s sealing) floorStore { return &sealedShards{newShards(), s} }),
			step("and the library's store", site, func(s sealing) floorStore { return &promised{memory.New(), s} }),
			oursMemory("typedsession", ours),
		}
	}
	return [][]Contender{steps(newReflected, open[State]), steps(newMethods, open[MethodState])}
}

func step(name string, site newSite, st func(sealing) floorStore) Contender {
	return Contender{
		Name: name, Store: Memory, Role: Floor,
		Open: func(env Env) (*Site, error) {
			var key [seal.KeySize]byte
			rand.Read(key[:])
			ring, err := seal.NewRing(key)
			if err != nil {
				return nil, err
			}
			return site(st(sealing{ring.Sealer("token")}), env), nil
		},
	}
}

// sealing makes and opens tokens as typedsession does.
type sealing struct{ sealer *seal.Sealer }

var binding = []byte("cookie " + floorName)

func (s sealing) open(cookie string, buf *[]byte) (t token, ok bool) {
	sealed, err := base64.RawURLEncoding.AppendDecode((*buf)[:0], []byte(cookie))
	*buf = sealed
	if err != nil {
		return t, false
	}
	content, _, err := s.sealer.Open(sealed[len(sealed):], sealed, binding)
	return t, err == nil && copy(t[:], content) == len(t)
}

func (s sealing) seal(t token) string {
	return base64.RawURLEncoding.EncodeToString(s.sealer.Seal(nil, t[:], binding))
}

// sealedShards has sealed tokens, and is the floor otherwise.
type sealedShards struct {
	*shards
	sealing
}

func (s *sealedShards) load(_ context.Context, cookie string, buf *[]byte) ([]byte, bool) {
	t, ok := s.open(cookie, buf)
	if !ok {
		return nil, false
	}
	return s.get(t.hash())
}

func (s *sealedShards) create(_ context.Context, payload []byte) string {
	t := newToken()
	s.put(t.hash(), payload)
	return s.seal(t)
}

// promised has the store of typedsession too, which looks at the clock itself. A
// token is an ID and a secret, the hash of which stands in front of the payload.
type promised struct {
	store *memory.Store
	sealing
}

func (p *promised) load(ctx context.Context, cookie string, buf *[]byte) ([]byte, bool) {
	t, ok := p.open(cookie, buf)
	if !ok {
		return nil, false
	}
	id, secret := store.ID(t[:16]), t[16:]
	now := time.Now()
	rec, err := p.store.Load(ctx, id)
	if err != nil || !now.Before(rec.Expires) {
		return nil, false
	}
	hash := sha256.Sum256(secret)
	ok = subtle.ConstantTimeCompare(hash[:], rec.Payload[:len(hash)]) == 1
	return rec.Payload[len(hash):], ok
}

func (p *promised) create(ctx context.Context, payload []byte) string {
	t := newToken()
	hash := sha256.Sum256(t[16:])
	err := p.store.Create(ctx, store.Record{
		ID: store.ID(t[:16]), Rev: 1, Expires: time.Now().Add(floorLife), Payload: append(hash[:], payload...),
	})
	if err != nil {
		panic(err)
	}
	return p.seal(t)
}

func (p *promised) close() {}
