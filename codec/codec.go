package codec

// Codec turns a state into bytes and back. It is safe for concurrent use.
//
// The first byte that a codec of this package writes tells its format, so that
// bytes written by another codec are refused rather than misread, and so that
// [Migrate] and [Compress] can be put around a codec whose bytes are already in
// a store. A codec of your own should do the same, with a first byte of 128 or
// more.
type Codec[T any] interface {
	// Append appends the encoding of *v to dst and returns the extended
	// slice. Equal states should give equal bytes: where they do not, an
	// unchanged session may be written again, needlessly but harmlessly. On an
	// error the bytes after len(dst) are undefined. It does not change *v.
	Append(dst []byte, v *T) ([]byte, error)

	// Decode decodes data, all of it, into *v, which is a zero T. Data that is
	// corrupt or was written by something else is an error; after an error *v
	// is undefined.
	//
	// Data is read-only and only lent: the store may share it with other
	// requests and reuse it when Decode has returned. So Decode changes no
	// byte of it, nor of its spare capacity, and *v keeps no part of it. The
	// methods of T by which it decodes itself are bound by this too, as
	// [encoding.BinaryUnmarshaler] demands.
	Decode(data []byte, v *T) error
}
