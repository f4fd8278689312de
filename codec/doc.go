// Package codec turns the state of a session into bytes and back.
//
// [MsgPack] is what a Manager uses by default. [JSON] and [Gob] are there for
// those who need them, [Compress] makes large states smaller, and [Migrate]
// carries states over to a new type. A codec of your own needs two methods, see
// [Codec].
//
// T is mostly a struct, but may be of any kind that the codec carries: map,
// slice, pointer, number, string, any. Only exported fields of structs are
// kept. [Check] returns an error if a codec would lose anything else of a T; a
// Manager calls it. [RoundTrip] does the same for one value, in tests.
//
// # Compatibility
//
// The first byte of every record is the number of its format. A codec refuses
// the records of another one, and what these versions of it write will be read
// by all later ones.
//
// MsgPack and JSON write the fields of a struct under their names. So these
// changes of T need no [Migrate]:
//
//   - Adding a field: it is zero in older states.
//   - Removing a field: it is ignored in older states. A program that does not
//     know a field drops it when it writes the state again, as may happen while
//     two versions of the program run side by side.
//   - Putting the fields in another order, renaming types.
//   - Renaming a field and keeping the old name in its tag, or with MsgPack
//     naming it as an alias: `msgpack:"Email,alias:Mail"`.
//   - Widening a number (int8 to int).
//   - Putting a pointer in place of a value or the reverse, but with MsgPack not
//     where a *time.Time was nil.
//
// Others need it: changing the type of a field, or what its values mean.
// Narrowing a number needs care: MsgPack cuts a value that is too large. The
// msgpack tag option as_array gives up most of the above for fewer bytes.
//
// Going from one codec to another is a Migrate whose function returns its
// argument. From Migrate there is no way back to the plain codec, short of
// waiting until all records have expired. If several processes share the store,
// go to it in two steps, see [PrepareMigrate].
//
// # Determinism
//
// A Manager finds out whether a state has changed by encoding it. If equal
// states give unequal bytes, a request that only reads may write its session.
//
// MsgPack and JSON write every map in the order of its keys, maps in interfaces
// included, so equal states give equal bytes. In MsgPack the order costs about
// 0.2 µs for a map of 6 entries and 10 µs for one of 100. The exception is a map
// that a method of T writes: its order is the method's.
//
// Gob orders no map, and writes numbers for its types that differ from process
// to process. Compress gives equal bytes for equal bytes, but other ones after
// an upgrade of Go that changes compress/flate.
//
// # Hostile input
//
// What is decoded comes from a store, or from a cookie that has passed
// authentication. If an attacker can write to the store, or a disk fails, one bad
// record must not take more than its own request down:
//
//   - MsgPack and JSON allocate in proportion to the length of the record. The
//     factor is at worst a few times the size of the largest element of a slice
//     or map within T, since one byte, or a few with JSON, can stand for a zero
//     element.
//   - Nesting is limited, to 1000 with MsgPack and 10,000 with JSON.
//   - Compress decompresses no more than its limit.
//   - Data after the end of a state is an error, and so is a panic of a library,
//     a method of T or a Migrate function.
//
// None of this holds for [Gob], whose memory and recursion nothing bounds.
// Nothing here tells whether bytes have been changed: that is the task of
// authentication.
//
// # Errors
//
// An error of this package does not quote the state. Errors and panics from
// methods of T, Migrate functions and libraries are reported by type only, since
// their text may contain state. A codec of your own should do the same.
//
// # Concurrency
//
// Codecs are safe for concurrent use, and keep buffers for the next call that
// are bounded in size. Do not change a state while Append encodes it.
package codec
