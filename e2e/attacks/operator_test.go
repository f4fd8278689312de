package attacks_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/session"
)

// operator is somebody with a shell on the Redis server.
type operator struct {
	server *redistest.Server
	site   *site
}

// hacked returns a site on Redis and its operator.
func hacked(t *testing.T, options ...func(*config)) (*site, operator) {
	t.Helper()
	server, store := redis(t)
	s := newSite(t, store, options...)
	return s, operator{server, s}
}

func (o operator) key(t testing.TB, b *browser) string {
	return "session:" + sessionID(t, o.site, b).String()
}
func (o operator) get(key string) string { return o.server.MustDo("GET", key) }
func (o operator) set(key, value string) { o.server.MustDo("SET", key, value, "KEEPTTL") }

// body is where a value's subject begins, after docs/FORMAT.md.
func body(value string) int { return 26 + 8*int(value[25]) + 2 }

// payload returns the payload of a value.
func payload(value string) string {
	at := body(value)
	return value[at+int(binary.BigEndian.Uint16([]byte(value[at-2:]))):]
}

// hash returns the secret's hash in a plain payload. Whoever logs in has the
// flags secret and authenticated, and four numbers of which the last three are
// small.
func hash(t testing.TB, payload string) string {
	t.Helper()
	rest := payload[2:]
	for range 4 {
		_, n := binary.Uvarint([]byte(rest))
		rest = rest[n:]
	}
	if payload[1] != 2|4 || len(rest) < sha256.Size {
		t.Fatalf("not such a payload: %x", payload)
	}
	return rest[:sha256.Size]
}

// TestOperator: what whoever can write to the store can make of it, together
// with a visitor of the site, mallory. Both columns are what docs/SECURITY.md
// says, so that a change in either direction is one of the documentation.
func TestOperator(t *testing.T) {
	type attack struct {
		name          string
		do            func(t *testing.T, o operator, alice, mallory *browser) (token string)
		plain, sealed string // the user whose session the token opens in the end
	}
	attacks := []attack{
		{
			name: "alice's record under mallory's key",
			do: func(t *testing.T, o operator, alice, mallory *browser) string {
				o.set(o.key(t, mallory), o.get(o.key(t, alice)))
				return mallory.token()
			},
		},
		{
			name: "exchanged records",
			do: func(t *testing.T, o operator, alice, mallory *browser) string {
				a, m := o.key(t, alice), o.key(t, mallory)
				mine, theirs := o.get(m), o.get(a)
				o.set(a, mine)
				o.set(m, theirs)
				return alice.token()
			},
		},
		{
			name: "alice's payload in mallory's record",
			do: func(t *testing.T, o operator, alice, mallory *browser) string {
				m := o.key(t, mallory)
				value := o.get(m)
				o.set(m, strings.Replace(value, payload(value), payload(o.get(o.key(t, alice))), 1))
				return mallory.token()
			},
		},
		{
			name: "alice's record under mallory's key, with mallory's hash", plain: "alice",
			do: func(t *testing.T, o operator, alice, mallory *browser) string {
				a, m := o.key(t, alice), o.key(t, mallory)
				from, to := payload(o.get(a)), payload(o.get(m))
				if from[0] == 1 {
					from, to = hash(t, from), hash(t, to)
				} else {
					from, to = from[len(from)-32:], to[len(to)-32:] // a try
				}
				o.set(m, strings.Replace(o.get(a), from, to, 1))
				return mallory.token()
			},
		},
		{
			name: "a payload made up by hand, with mallory's hash", plain: "victims",
			do: func(t *testing.T, o operator, _, mallory *browser) string {
				m := o.key(t, mallory)
				hash := sha256.Sum256(bytesOf(t, mallory.token())[secretAt:])
				now := time.Now().Add(-time.Minute)
				made := forgedPayload(now, now, hash[:], encoded(t, state{User: "victims"}))
				value := o.get(m)
				o.set(m, strings.Replace(value, payload(value), string(made), 1))
				return mallory.token()
			},
		},
		{
			name: "another user's name in mallory's record", plain: "victims",
			do: func(t *testing.T, o operator, _, mallory *browser) string {
				m := o.key(t, mallory)
				o.set(m, strings.ReplaceAll(o.get(m), "mallory", "victims"))
				return mallory.token()
			},
		},
		{
			name: "another subject on mallory's record", plain: "mallory",
			do: func(t *testing.T, o operator, _, mallory *browser) string {
				m := o.key(t, mallory)
				o.set(m, strings.Replace(o.get(m), "mallory", "victims", 1))
				return mallory.token()
			},
		},
		{
			name: "a record from before the renewal", plain: "mallory", sealed: "mallory",
			do: func(t *testing.T, o operator, _, mallory *browser) string {
				old, m := mallory.token(), o.key(t, mallory)
				earlier := o.get(m)
				mallory.get(t, "/renew")
				o.set(m, earlier)
				return old
			},
		},
		{
			name: "a record from before the logout", plain: "mallory", sealed: "mallory",
			do: func(t *testing.T, o operator, _, mallory *browser) string {
				token, m := mallory.token(), o.key(t, mallory)
				earlier := o.get(m)
				mallory.get(t, "/logout")
				o.set(m, earlier)
				return token
			},
		},
		{
			name: "a revocation that finds nobody", plain: "mallory", sealed: "mallory",
			do: func(t *testing.T, o operator, _, mallory *browser) string {
				o.server.MustDo("DEL", "session:subject:mallory")
				if n, err := o.site.manager.RevokeSubject(t.Context(), "mallory"); n != 0 || err != nil {
					t.Errorf("%d revoked, %v", n, err)
				}
				return mallory.token()
			},
		},
		{
			name: "a session that is another's in the index", plain: "mallory", sealed: "mallory",
			do: func(t *testing.T, o operator, alice, mallory *browser) string {
				id := sessionID(t, o.site, mallory)
				o.server.MustDo("ZADD", "session:subject:alice", "9999999999999", string(id[:]))
				if n, err := o.site.manager.RevokeSubject(t.Context(), "alice"); n != 1 || err != nil {
					t.Errorf("%d revoked, %v", n, err)
				}
				return mallory.token()
			},
		},
	}
	for _, seal := range []bool{false, true} {
		s, o := hacked(t, func(c *config) {
			c.SealRecords = seal
			c.Cookie.InsecureSignedOnly = true // so that mallory knows a hash
		})
		for _, a := range attacks {
			want := a.plain
			if seal {
				want = a.sealed
			}
			alice, mallory := s.login(t, "alice"), s.login(t, "mallory")
			token := a.do(t, o, alice, mallory)
			answer := s.ask(t, "/read", cookieName+"="+token)
			if got := answer.state(t).User; got != want {
				t.Errorf("SealRecords %v, %s: the session of %q opens, want %q; if this has changed, say so in the documentation",
					seal, a.name, got, want)
			}
			o.server.MustDo("FLUSHALL")
		}
	}
}

// TestGarbageInTheStore: whatever stands in a record's place, the visitor is a
// stranger, or told that the store is out of order, and no panic.
func TestGarbageInTheStore(t *testing.T) {
	for _, seal := range []bool{false, true} {
		s, o := hacked(t, func(c *config) { c.SealRecords = seal })
		b := s.login(t, "alice")
		key := o.key(t, b)
		sound := o.get(key)
		want := s.ask(t, "/count").looks()
		check := func(what string) {
			t.Helper()
			if got := s.ask(t, "/count", cookieName+"="+b.token()).looks(); got != want {
				t.Errorf("SealRecords %v, %s: answered with\n%s\nwant\n%s", seal, what, got, want)
			}
		}
		for i := range len(sound) {
			o.set(key, sound[:i])
			check(fmt.Sprintf("cut at %d", i))
		}
		if seal {
			for i := body(sound); i < len(sound); i++ {
				o.set(key, sound[:i]+string([]byte{sound[i] ^ 0x40})+sound[i+1:])
				check(fmt.Sprintf("byte %d changed", i))
			}
		}
		for _, value := range []string{"", "0", "null", "{}", "\xc0", "\xc1", strings.Repeat("\xc1", 1000), strings.Repeat("\x00", 1<<20)} {
			o.set(key, value)
			check(fmt.Sprintf("%.10q", value))
		}
		for _, command := range [][]string{
			{"LPUSH", key, "x"}, {"SADD", key, "x"}, {"HSET", key, "x", "y"}, {"ZADD", key, "1", "x"}, {"XADD", key, "*", "x", "y"},
		} {
			o.server.MustDo("DEL", key)
			o.server.MustDo(command...)
			check(command[0])
		}
		o.server.MustDo("DEL", key)
		o.server.MustDo("SET", key, sound)
		if got := b.get(t, "/read").state(t); got.User != "alice" {
			t.Errorf("SealRecords %v, restored: %+v", seal, got)
		}
	}
}

// TestStolenStoreAndKey: not even who has a copy of all of the store, and the key
// with it, can make a token that opens a session: the store holds the hash of
// the secret, and the secret is nowhere but with the client.
func TestStolenStoreAndKey(t *testing.T) {
	for _, seal := range []bool{false, true} {
		key := session.NewKey()
		s, o := hacked(t, func(c *config) { c.Keys, c.SealRecords = []session.Key{key}, seal })
		b := s.login(t, "alice")
		b.get(t, "/note?text=private")
		id := sessionID(t, s, b)
		value := o.get(o.key(t, b))
		if readable := strings.Contains(value, "private"); readable == seal {
			t.Errorf("SealRecords %v: the state is readable: %v", seal, readable)
		}
		dump := []byte(value)
		if bytes.Contains(dump, []byte(b.token())) || bytes.Contains(dump, bytesOf(t, b.token())[:29]) {
			t.Errorf("SealRecords %v: the token is in the store", seal)
		}
		var cookies []string
		for i := range len(dump) - 16 {
			guess := append(id[:len(id):len(id)], dump[i:i+16]...)
			cookies = append(cookies, cookieName+"="+text(sealWith(t, key, tokenPurpose, cookieBinding, guess)))
		}
		s.pipeline(t, "/read", cookies, func(i int, answer reply) {
			if got := answer.state(t); got != (state{}) {
				t.Errorf("SealRecords %v: 16 bytes at %d are a secret that opens %+v", seal, i, got)
			}
		})
	}
}
