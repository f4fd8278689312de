package peers

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

func floorMemory(name string, site newSite) Contender {
	return Contender{
		Name: name, Store: Memory, Role: Floor,
		Open: func(env Env) (*Site, error) { return site(newShards(), env), nil },
	}
}

func floorCookie(name string, site newSite) Contender {
	return Contender{
		Name: name, Store: Cookie, Role: Floor,
		Open: func(env Env) (*Site, error) { return site(newSealed(), env), nil },
	}
}

func floorRedis() Contender {
	return Contender{
		Name: "floor", Store: Redis, Role: Floor,
		Note: "one GET for a read, GET and an unconditional SET for a write, by rueidis with the settings that typedsession gives it; " +
			"one connection that many share is most of what sets the two apart from go-redis, which takes a connection for each command",
		Open: func(env Env) (*Site, error) {
			client, err := rueidis.NewClient(rueidis.ClientOption{
				InitAddress: []string{env.RedisAddr}, DisableCache: true,
				PipelineMultiplex: -1, MaxFlushDelay: 20 * time.Microsecond,
			})
			if err != nil {
				return nil, err
			}
			return newReflected(&onRedis{client}, env), nil
		},
	}
}

// shards is a map by the hash of the token.
type shards [64]struct {
	mu      sync.RWMutex
	records map[[sha256.Size]byte]stored
}

type stored struct {
	payload []byte
	expires int64
}

func newShards() *shards {
	s := new(shards)
	for i := range s {
		s[i].records = make(map[[sha256.Size]byte]stored)
	}
	return s
}

func (s *shards) load(_ context.Context, cookie string, _ *[]byte) ([]byte, bool) {
	return s.get(parseToken(cookie).hash())
}

// get returns the stored bytes themselves: decoding copies what it takes.
func (s *shards) get(hash [sha256.Size]byte) ([]byte, bool) {
	shard := &s[hash[0]%64]
	shard.mu.RLock()
	rec, ok := shard.records[hash]
	shard.mu.RUnlock()
	return rec.payload, ok && time.Now().UnixNano() < rec.expires
}

func (s *shards) put(hash [sha256.Size]byte, payload []byte) {
	rec := stored{append([]byte(nil), payload...), time.Now().Add(floorLife).UnixNano()}
	shard := &s[hash[0]%64]
	shard.mu.Lock()
	shard.records[hash] = rec
	shard.mu.Unlock()
}

func (s *shards) save(_ context.Context, cookie string, payload []byte) string {
	s.put(parseToken(cookie).hash(), payload)
	return ""
}

func (s *shards) create(_ context.Context, payload []byte) string {
	t := newToken()
	s.put(t.hash(), payload)
	return t.String()
}

func (s *shards) renew(ctx context.Context, cookie string, payload []byte) string {
	old := parseToken(cookie).hash()
	shard := &s[old[0]%64]
	shard.mu.Lock()
	delete(shard.records, old)
	shard.mu.Unlock()
	return s.create(ctx, payload)
}

func (s *shards) close() {}

// sealed keeps the payload in the cookie, behind its expiry, under AES-256-GCM.
type sealed struct{ aead cipher.AEAD }

func newSealed() sealed {
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return sealed{aead}
}

const nonceSize = 12

func (s sealed) load(_ context.Context, cookie string, buf *[]byte) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.AppendDecode((*buf)[:0], []byte(cookie))
	*buf = raw
	if err != nil || len(raw) < nonceSize {
		return nil, false
	}
	plain, err := s.aead.Open(raw[nonceSize:nonceSize], raw[:nonceSize], raw[nonceSize:], nil)
	if err != nil {
		return nil, false
	}
	return plain[8:], time.Now().UnixNano() < int64(binary.BigEndian.Uint64(plain))
}

var sealBuffers = sync.Pool{New: func() any { return new([]byte) }}

func (s sealed) create(_ context.Context, payload []byte) string {
	buf := sealBuffers.Get().(*[]byte)
	b := append((*buf)[:0], make([]byte, nonceSize)...)
	rand.Read(b)
	b = binary.BigEndian.AppendUint64(b, uint64(time.Now().Add(floorLife).UnixNano()))
	b = append(b, payload...)
	b = s.aead.Seal(b[:nonceSize], b[:nonceSize], b[nonceSize:], nil)
	n := len(b)
	b = base64.RawURLEncoding.AppendEncode(b, b)
	cookie := string(b[n:])
	*buf = b
	sealBuffers.Put(buf)
	return cookie
}

func (s sealed) save(ctx context.Context, _ string, payload []byte) string {
	return s.create(ctx, payload)
}

func (s sealed) renew(ctx context.Context, _ string, payload []byte) string {
	return s.create(ctx, payload)
}

func (s sealed) close() {}

// onRedis keeps a string value by the hash of the token.
type onRedis struct{ client rueidis.Client }

func (s *onRedis) key(hash [sha256.Size]byte) string { return "floor:" + string(hash[:]) }

func (s *onRedis) load(ctx context.Context, cookie string, _ *[]byte) ([]byte, bool) {
	get := s.client.B().Get().Key(s.key(parseToken(cookie).hash())).Build()
	payload, err := s.client.Do(ctx, get).AsBytes()
	return payload, err == nil
}

func (s *onRedis) put(ctx context.Context, hash [sha256.Size]byte, payload []byte) {
	set := s.client.B().Set().Key(s.key(hash)).Value(string(payload)).Px(floorLife).Build()
	if err := s.client.Do(ctx, set).Error(); err != nil {
		panic(err)
	}
}

func (s *onRedis) save(ctx context.Context, cookie string, payload []byte) string {
	s.put(ctx, parseToken(cookie).hash(), payload)
	return ""
}

func (s *onRedis) create(ctx context.Context, payload []byte) string {
	t := newToken()
	s.put(ctx, t.hash(), payload)
	return t.String()
}

// renew replaces the record, and deletes the old one with the same round trip.
func (s *onRedis) renew(ctx context.Context, cookie string, payload []byte) string {
	t := newToken()
	results := s.client.DoMulti(ctx,
		s.client.B().Set().Key(s.key(t.hash())).Value(string(payload)).Px(floorLife).Build(),
		s.client.B().Del().Key(s.key(parseToken(cookie).hash())).Build())
	for _, result := range results {
		if err := result.Error(); err != nil {
			panic(err)
		}
	}
	return t.String()
}

func (s *onRedis) close() { s.client.Close() }
