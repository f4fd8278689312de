package codec

import "fmt"

// PrepareMigrate returns the codec for the first of two steps to a new type, if
// several processes share the store and are not all restarted at once. It reads
// what [Migrate] with the same old, convert and new reads, and writes what old
// writes, made by back. A process that has not been restarted can read that; it
// cannot read what Migrate writes, and would take its user for a stranger.
//
//  1. Deploy the program with PrepareMigrate. Its states are of the new type.
//     Wait until no process with the old program is left.
//  2. Deploy the program with Migrate in its place. During this step processes
//     of both kinds read what the other one writes.
//
// To roll back step 2, deploy step 1 again. To roll back step 1, deploy the old
// program, but not before step 2 is rolled back everywhere.
//
// What the old type has no room for is lost until step 2 is complete, even where
// it was read from a record of the new type. [Check] does not report that. A
// [RoundTrip] of the states that the program makes in step 1 does. So a value
// that only the new type has room for should come with a later program.
//
// An error of back, or a panic, is an error of Append, as one of convert is of
// Decode. Its text is left out; errors.Is and errors.As find it. PrepareMigrate
// panics where Migrate does, and if back is nil. It stands at the end of a chain:
// Migrate panics if its old is made by PrepareMigrate.
func PrepareMigrate[Old, New any](
	old Codec[Old], convert func(Old) (New, error), new Codec[New], back func(New) (Old, error),
) Codec[New] {
	if back == nil {
		panic("codec: PrepareMigrate with a nil argument")
	}
	return prepare[Old, New]{Migrate(old, convert, new), old, back}
}

type prepare[Old, New any] struct {
	Codec[New] // of the second step, which reads
	old        Codec[Old]
	back       func(New) (Old, error)
}

func (p prepare[Old, New]) Append(dst []byte, v *New) ([]byte, error) {
	old, err := converted(p.back, *v)
	if err != nil {
		return dst, fmt.Errorf("codec: converting a state back to version %d: %w", versionOf(p.old), err)
	}
	return p.old.Append(dst, &old)
}

// version implements versioned, so that a chain that goes on is refused.
func (p prepare[Old, New]) version() int { return preparing }

// describe implements described.
func (p prepare[Old, New]) describe() traits { return traitsOf(p.Codec) }

// checkable implements checkable: the values with which Check tries a codec are
// none that back would know, and of the second step they are kept.
func (p prepare[Old, New]) checkable() Codec[New] { return p.Codec }
