package cookie

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/typedsession/typedsession/store"
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
// Each record has exactly one encoding and each encoding stands for exactly one
// record.
const (
	version = 1

	offExpires = 17
	offSubject = 23

	maxExpires = 1<<48 - 1
)

var errExpires = errors.New("cookie: Expires is not between the years 1970 and 10889")

// encode returns the text of a record.
func encode(rec store.Record) (string, error) {
	expires := rec.Expires.UnixMilli()
	if expires < 0 || expires > maxExpires {
		return "", errExpires
	}
	var head [offSubject + binary.MaxVarintLen64]byte
	head[0] = version
	copy(head[1:], rec.ID[:])
	putUint48(head[offExpires:], uint64(expires))
	n := offSubject + binary.PutUvarint(head[offSubject:], uint64(len(rec.Subject)))

	var text strings.Builder
	text.Grow(n + len(rec.Subject) + len(rec.Payload))
	text.Write(head[:n])
	text.WriteString(rec.Subject)
	text.Write(rec.Payload)
	return text.String(), nil
}

// decode returns the record of a text and, apart from it, the payload, or false
// if encode does not return such a text. Subject and payload are parts of text.
func decode(text string) (rec store.Record, payload string, ok bool) {
	if len(text) <= offSubject || text[0] != version {
		return rec, "", false
	}
	copy(rec.ID[:], text[1:])
	rec.Expires = time.UnixMilli(int64(uint48(text[offExpires:])))
	rest := text[offSubject:]
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
