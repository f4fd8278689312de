package codec

import "fmt"

// The first byte of everything that a codec of this package writes. A number is
// never given a second meaning, because records outlive the program that wrote
// them.
//
//	first byte   what follows
//	1            one MessagePack value
//	2            one JSON value
//	3            the stream of one gob.Encoder, holding one value
//	4            version (one byte, 2 to 255), then the bytes of that
//	             version's codec, from their own first byte on
//	5            length of the inner codec's bytes (unsigned varint), then
//	             these bytes as raw DEFLATE (RFC 1951), ended by a final block
//	6 to 127     reserved for this package
//	0            never used, so that a zeroed record is not taken for a state
//	128 to 255   codecs of applications
//
// Format 4 stands only before version 2 and later: a record without it holds
// the first version, whatever its format. Format 5 stands only where it makes
// the record smaller: a record without it is the inner codec's.
const (
	formatMsgPack    = 1
	formatJSON       = 2
	formatGob        = 3
	formatMigrated   = 4
	formatCompressed = 5
)

// formatName names the format that begins with the byte b, for errors.
func formatName(b byte) string {
	switch b {
	case formatMsgPack:
		return "MessagePack (format 1)"
	case formatJSON:
		return "JSON (format 2)"
	case formatGob:
		return "gob (format 3)"
	case formatMigrated:
		return "migrated (format 4)"
	case formatCompressed:
		return "compressed (format 5)"
	}
	return fmt.Sprintf("unknown (format %d)", b)
}

// body returns what follows the first byte of data, which must be format.
func body(data []byte, format byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("codec: no data, want %s", formatName(format))
	}
	if data[0] != format {
		return nil, fmt.Errorf("codec: data is %s, want %s", formatName(data[0]), formatName(format))
	}
	return data[1:], nil
}

// maxPooled is the largest buffer that is kept for reuse. One huge state would
// otherwise hold its memory until the pool is next emptied.
const maxPooled = 64 << 10

// sliceWriter appends what is written to it to dst, so that encoders which want
// an io.Writer write straight to where the bytes are to go.
type sliceWriter struct{ dst []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.dst = append(w.dst, p...)
	return len(p), nil
}
