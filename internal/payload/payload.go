// Package payload reads and writes the payload of a record: the meta data of the
// session in front of its encoded state, plain or sealed. docs/FORMAT.md has the
// byte tables.
package payload

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/typedsession/typedsession/internal/seal"
)

// Meta is what a payload says of its session beside the state. Times are Unix
// milliseconds; zero means never.
type Meta struct {
	Created       int64
	Extended      int64  // when the idle timeout last started
	Renewed       int64  // when the secret was drawn
	Authenticated int64  // when the subject was established
	Exempted      int64  // when a revocation of its subject last spared it
	Label         string // what the application called it when the subject was established
	Persistent    bool
	SecretHash    *[sha256.Size]byte // nil if the client holds the record
}

// The formats of a payload, told by its first byte.
const (
	formatPlain  = 1
	formatSealed = 2 // a plain payload, sealed
)

const (
	flagPersistent = 1 << iota
	flagSecret
	flagAuthenticated
	flagLabel
	flagExempted
	flagsKnown = 1<<iota - 1
)

// MaxLabel is the length of the longest label in bytes.
const MaxLabel = 64

// Room is how much space the meta data takes at most. A caller of
// [Format.Close] leaves it in front of the state, so that a payload is one
// buffer.
const Room = 2 + 5*binary.MaxVarintLen64 + 1 + MaxLabel + sha256.Size

// ErrInvalid is the error of every payload that cannot be read.
var ErrInvalid = errors.New("payload is corrupt or of a newer version")

// Format opens and closes payloads. A Sealer encrypts them and binds them to
// their session and subject; nil stores them as they are.
type Format struct {
	Sealer *seal.Sealer
}

// Open returns the meta data and the encoded state in a payload of the session.
// Both share its memory if it is not sealed. Returns ErrInvalid for every
// payload that Close does not return.
func (f Format) Open(payload []byte, id [16]byte, subject string) (Meta, []byte, error) {
	if f.Sealer == nil {
		return parse(payload)
	}
	// A plain payload is not accepted in place of a sealed one: an attacker who
	// can write to the store could plant it.
	if len(payload) == 0 || payload[0] != formatSealed {
		return Meta{}, nil, ErrInvalid
	}
	opened, _, err := f.Sealer.Open(nil, payload[1:], binding(id, subject))
	if err != nil {
		return Meta{}, nil, ErrInvalid
	}
	return parse(opened)
}

// Close returns the payload of meta and of the state that stands in buf behind
// [Room] bytes of space. It writes into that space; the payload may share buf's
// memory.
func (f Format) Close(buf []byte, meta *Meta, id [16]byte, subject string) []byte {
	var space [Room]byte
	encoded := appendMeta(space[:0], meta)
	start := Room - len(encoded)
	copy(buf[start:], encoded)
	plain := buf[start:]
	if f.Sealer == nil {
		return plain
	}
	sealed := make([]byte, 1, 1+len(plain)+f.Sealer.Overhead())
	sealed[0] = formatSealed
	return f.Sealer.Seal(sealed, plain, binding(id, subject))
}

// binding is what a sealed payload is bound to: it does not open in the record
// of another session, nor under another subject.
func binding(id [16]byte, subject string) []byte {
	return append(id[:len(id):len(id)], subject...)
}

// appendMeta appends the plain form of m. The encoded state follows it.
func appendMeta(dst []byte, m *Meta) []byte {
	var flags byte
	set := func(flag byte, on bool) {
		if on {
			flags |= flag
		}
	}
	set(flagPersistent, m.Persistent)
	set(flagSecret, m.SecretHash != nil)
	set(flagAuthenticated, m.Authenticated != 0)
	set(flagLabel, m.Label != "")
	set(flagExempted, m.Exempted != 0)
	dst = append(dst, formatPlain, flags)
	dst = binary.AppendUvarint(dst, uint64(m.Created))
	dst = binary.AppendUvarint(dst, uint64(m.Extended-m.Created))
	dst = binary.AppendUvarint(dst, uint64(m.Renewed-m.Created))
	if m.Authenticated != 0 {
		dst = binary.AppendUvarint(dst, uint64(m.Authenticated-m.Created))
	}
	if m.Exempted != 0 {
		dst = binary.AppendUvarint(dst, uint64(m.Exempted-m.Created))
	}
	if m.Label != "" {
		dst = append(append(dst, byte(len(m.Label))), m.Label...)
	}
	if m.SecretHash != nil {
		dst = append(dst, m.SecretHash[:]...)
	}
	return dst
}

// parse splits a plain payload into its meta data and the encoded state, which
// share its memory. It accepts what appendMeta writes and nothing else, so that
// a payload has one form only.
func parse(payload []byte) (Meta, []byte, error) {
	if len(payload) < 2 || payload[0] != formatPlain || payload[1]&^flagsKnown != 0 {
		return Meta{}, nil, ErrInvalid
	}
	flags := payload[1]
	r := reader{rest: payload[2:]}
	m := Meta{Persistent: flags&flagPersistent != 0}
	r.limit = maxMillis
	m.Created = r.uvarint()
	r.base, r.limit = m.Created, maxMillis-m.Created
	m.Extended = r.uvarint()
	m.Renewed = r.uvarint()
	if flags&flagAuthenticated != 0 {
		m.Authenticated = r.nonZero(r.uvarint())
	}
	if flags&flagExempted != 0 {
		m.Exempted = r.nonZero(r.uvarint())
	}
	if flags&flagLabel != 0 {
		m.Label = r.label()
	}
	if flags&flagSecret != 0 {
		m.SecretHash = r.hash()
	}
	if r.failed {
		return Meta{}, nil, ErrInvalid
	}
	return m, r.rest, nil
}

// maxMillis is the end of the year 9999 in Unix milliseconds.
const maxMillis = 253402300799999

// reader cuts the fields of the meta data off the rest of a payload.
type reader struct {
	rest   []byte
	base   int64 // is added to each number
	limit  int64 // of a number, without the base
	failed bool
}

// uvarint reads a number in its shortest form.
func (r *reader) uvarint() int64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > uint64(max(r.limit, 0)) || n > 1 && r.rest[n-1] == 0 {
		r.failed = true
		return 0
	}
	r.rest = r.rest[n:]
	return r.base + int64(v)
}

// nonZero fails for a time that is written but means never.
func (r *reader) nonZero(ms int64) int64 {
	r.failed = r.failed || ms == 0
	return ms
}

func (r *reader) label() string {
	n := 0
	if len(r.rest) > 0 {
		n = int(r.rest[0])
	}
	if n == 0 || n > MaxLabel || len(r.rest) <= n {
		r.failed = true
		return ""
	}
	label := string(r.rest[1 : 1+n])
	r.rest = r.rest[1+n:]
	return label
}

func (r *reader) hash() *[sha256.Size]byte {
	if len(r.rest) < sha256.Size {
		r.failed = true
		return nil
	}
	hash := (*[sha256.Size]byte)(r.rest)
	r.rest = r.rest[sha256.Size:]
	return hash
}
