package cookie

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/typedsession/typedsession/session"
)

// Version 1 of the format. Integers are big-endian.
//
//	 0   1 byte   version, 1
//	 1  16 bytes  ID
//	17   6 bytes  Expires, in milliseconds since 1970
//	23  1+ bytes  length of the subject, an unsigned varint of the fewest bytes
//	              subject
//	              payload, to the end
//
// Each record has one encoding and each encoding is of one record, so that
// there is nothing in a ref which a client could vary and the Manager not see.
const (
	version = 1

	offExpires = 17
	offSubject = 23

	maxExpires = 1<<48 - 1
)

var errExpires = errors.New("cookie: Expires is not between the years 1970 and 10889")

// encode returns the ref of a record.
func encode(rec session.Record) (string, error) {
	expires := rec.Expires.UnixMilli()
	if expires < 0 || expires > maxExpires {
		return "", errExpires
	}
	var head [offSubject + binary.MaxVarintLen64]byte
	head[0] = version
	copy(head[1:], rec.ID[:])
	putUint48(head[offExpires:], uint64(expires))
	n := offSubject + binary.PutUvarint(head[offSubject:], uint64(len(rec.Subject)))

	var ref strings.Builder
	ref.Grow(n + len(rec.Subject) + len(rec.Payload))
	ref.Write(head[:n])
	ref.WriteString(rec.Subject)
	ref.Write(rec.Payload)
	return ref.String(), nil
}

// decode returns the record of a ref and, apart from it, the payload, or false
// when the ref is not one that encode returns. Subject and payload are parts of
// ref, which nobody can change.
func decode(ref string) (rec session.Record, payload string, ok bool) {
	if len(ref) <= offSubject || ref[0] != version {
		return rec, "", false
	}
	copy(rec.ID[:], ref[1:])
	rec.Expires = time.UnixMilli(int64(uint48(ref[offExpires:])))
	rest := ref[offSubject:]
	size, n := binary.Uvarint([]byte(rest[:min(len(rest), binary.MaxVarintLen64)]))
	// A varint that is longer than it needs to be ends in a zero byte.
	if n <= 0 || n > 1 && rest[n-1] == 0 || size > uint64(len(rest)-n) {
		return rec, "", false
	}
	end := n + int(size)
	rec.Subject = rest[n:end]
	return rec, rest[end:], true
}

// putUint48 writes the lower 48 bits of v.
func putUint48(b []byte, v uint64) {
	binary.BigEndian.PutUint16(b, uint16(v>>32))
	binary.BigEndian.PutUint32(b[2:], uint32(v))
}

// uint48 reads what putUint48 wrote.
func uint48(s string) uint64 {
	_ = s[5]
	return uint64(s[0])<<40 | uint64(s[1])<<32 | uint64(s[2])<<24 |
		uint64(s[3])<<16 | uint64(s[4])<<8 | uint64(s[5])
}
