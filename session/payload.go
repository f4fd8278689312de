package session

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"
)

// header is what a payload says of its session, before the encoded state. Times
// are Unix milliseconds.
type header struct {
	created       int64
	extended      int64  // when the idle timeout last began anew
	renewed       int64  // when the secret was drawn
	authenticated int64  // when the subject was established; 0: it never was
	kept          int64  // when the others of its subject were revoked, and not it; 0: never
	label         string // what the application called it when the subject was established
	persistent    bool
	hash          *[sha256.Size]byte // of the secret; nil: there is none, the client holds the record
}

// The formats of a payload, told by its first byte.
const (
	formatPlain  = 1
	formatSealed = 2 // a plain payload, sealed
)

const (
	flagPersistent = 1 << iota
	flagHeld
	flagAuthenticated
	flagLabel
	flagKept
	flagsKnown = 1<<iota - 1
)

// maxLabel bounds a label, in bytes.
const maxLabel = 64

// maxHeaderSize is the length of the longest header.
const maxHeaderSize = 2 + 5*binary.MaxVarintLen64 + 1 + maxLabel + sha256.Size

// errPayload is the error of every payload that cannot be read.
var errPayload = errors.New("session: payload is corrupt or of a newer version")

// appendHeader appends the plain form of h, which the encoded state follows.
func appendHeader(dst []byte, h *header) []byte {
	var flags byte
	if h.persistent {
		flags |= flagPersistent
	}
	if h.hash != nil {
		flags |= flagHeld
	}
	if h.authenticated != 0 {
		flags |= flagAuthenticated
	}
	if h.label != "" {
		flags |= flagLabel
	}
	if h.kept != 0 {
		flags |= flagKept
	}
	dst = append(dst, formatPlain, flags)
	dst = binary.AppendUvarint(dst, uint64(h.created))
	dst = binary.AppendUvarint(dst, uint64(h.extended-h.created))
	dst = binary.AppendUvarint(dst, uint64(h.renewed-h.created))
	if h.authenticated != 0 {
		dst = binary.AppendUvarint(dst, uint64(h.authenticated-h.created))
	}
	if h.kept != 0 {
		dst = binary.AppendUvarint(dst, uint64(h.kept-h.created))
	}
	if h.label != "" {
		dst = append(append(dst, byte(len(h.label))), h.label...)
	}
	if h.hash != nil {
		dst = append(dst, h.hash[:]...)
	}
	return dst
}

// parseHeader splits a plain payload into its header and the encoded state. The
// hash and the state share its memory. It accepts what appendHeader writes and
// nothing else, so that a payload has one form only.
func parseHeader(payload []byte) (h header, state []byte, err error) {
	if len(payload) < 2 || payload[0] != formatPlain || payload[1]&^flagsKnown != 0 {
		return header{}, nil, errPayload
	}
	flags := payload[1]
	rest := payload[2:]
	created, rest, ok := cutUvarint(rest, maxMillis)
	extended, rest, ok1 := cutUvarint(rest, maxMillis-created)
	renewed, rest, ok2 := cutUvarint(rest, maxMillis-created)
	ok = ok && ok1 && ok2
	h = header{
		created: created, extended: created + extended, renewed: created + renewed,
		persistent: flags&flagPersistent != 0,
	}
	if flags&flagAuthenticated != 0 {
		authenticated, after, ok3 := cutUvarint(rest, maxMillis-created)
		ok = ok && ok3 && created+authenticated != 0
		h.authenticated, rest = created+authenticated, after
	}
	if flags&flagKept != 0 {
		kept, after, ok3 := cutUvarint(rest, maxMillis-created)
		ok = ok && ok3 && created+kept != 0
		h.kept, rest = created+kept, after
	}
	if flags&flagLabel != 0 {
		n := 0
		if len(rest) > 0 {
			n = int(rest[0])
		}
		ok = ok && n > 0 && n <= maxLabel && len(rest) > n
		if ok {
			h.label, rest = string(rest[1:1+n]), rest[1+n:]
		}
	}
	if flags&flagHeld != 0 {
		ok = ok && len(rest) >= sha256.Size
		if ok {
			h.hash, rest = (*[sha256.Size]byte)(rest), rest[sha256.Size:]
		}
	}
	if !ok {
		return header{}, nil, errPayload
	}
	return h, rest, nil
}

// maxMillis is the end of the year 9999, in Unix milliseconds.
const maxMillis = 253402300799999

// cutUvarint cuts a number of at most limit, in its shortest form, off b.
func cutUvarint(b []byte, limit int64) (value int64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > uint64(max(limit, 0)) || n > 1 && b[n-1] == 0 {
		return 0, nil, false
	}
	return int64(v), b[n:], true
}

// millis converts a timeout.
func millis(d time.Duration) int64 { return int64(d / time.Millisecond) }

// fromMillis converts a time; 0 is the zero Time.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
