package codec

import (
	"errors"
	"fmt"
)

// Migrate returns a codec that writes as new does, with a version number in
// front, and also reads the states that old reads, by handing them to convert.
// It is for a change of the state's type that the codecs cannot bridge by
// themselves. Chains go over several versions, oldest innermost:
//
//	v2 := codec.Migrate(codec.MsgPack[V1](), toV2, codec.MsgPack[V2]())
//	v3 := codec.Migrate(v2, toV3, codec.MsgPack[V3]())
//
// The version is the position in the chain: bytes without a version number are
// the first version's, so that Migrate can be put around a codec whose records
// are already in a store. A version that the chain does not reach yet, as after
// a roll-back of the program, is an error and nothing is misread.
//
// A process with the program from before the migration cannot read what Migrate
// writes. If several processes share the store and are not all restarted at
// once, deploy the program with [PrepareMigrate] first.
//
// For the positions to stay what they are, a step is never taken out. To get
// rid of an old type whose records have all expired, put struct{} in its place
// and a function that returns an error, as the example Retire does.
//
// An error of convert, or a panic, is an error of Decode. Its text, which could
// quote the state, is left out; errors.Is and errors.As find it. Migrate panics
// if an argument is nil, if new is itself made by Migrate, or at the 256th
// version.
//
// [Compress] may stand around Migrate or around the codecs within. A codec of
// your own around a Migrate hides its version, so that as old it would pass for
// the first, and later states would be misread: put it around the whole chain.
func Migrate[Old, New any](old Codec[Old], convert func(Old) (New, error), new Codec[New]) Codec[New] {
	if old == nil || convert == nil || new == nil {
		panic("codec: Migrate with a nil argument")
	}
	if versionOf(old) == preparing {
		panic("codec: Migrate from a codec that is made by PrepareMigrate: complete that step first")
	}
	if versionOf(new) > 1 {
		panic("codec: Migrate to a codec that migrates: the chain goes through old")
	}
	m := migrate[Old, New]{old, convert, new, versionOf(old) + 1}
	if m.current > 255 {
		panic("codec: Migrate over more than 255 versions")
	}
	return m
}

type migrate[Old, New any] struct {
	old     Codec[Old]
	convert func(Old) (New, error)
	new     Codec[New]
	current int // the version that new reads and writes
}

// versioned is implemented by codecs that are made by Migrate or around one.
type versioned interface {
	version() int
}

// preparing is the version of a codec that is made by PrepareMigrate. It has none
// of its own, as it writes the one and reads the other.
const preparing = 256

// versionOf returns the version that c, a Codec, writes.
func versionOf(c any) int {
	if v, ok := c.(versioned); ok {
		return v.version()
	}
	return 1
}

func (m migrate[Old, New]) version() int { return m.current }

// describe implements described.
func (m migrate[Old, New]) describe() traits { return traitsOf(m.new) }

func (m migrate[Old, New]) Append(dst []byte, v *New) ([]byte, error) {
	out, err := m.new.Append(append(dst, formatMigrated, byte(m.current)), v)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func (m migrate[Old, New]) Decode(data []byte, v *New) error {
	if len(data) == 0 || data[0] != formatMigrated {
		return m.upgrade(data, v)
	}
	if len(data) == 1 {
		return errors.New("codec: migrated state without a version")
	}
	switch version := int(data[1]); {
	case version < 2:
		return fmt.Errorf("codec: state of version %d, which is never written", version)
	case version < m.current:
		return m.upgrade(data, v)
	case version > m.current:
		return fmt.Errorf("codec: state of version %d, but this program knows only up to %d", version, m.current)
	}
	if err := m.new.Decode(data[2:], v); err != nil {
		return fmt.Errorf("codec: state of version %d: %w", m.current, err)
	}
	return nil
}

// upgrade decodes an older version and converts it.
func (m migrate[Old, New]) upgrade(data []byte, v *New) (err error) {
	var old Old
	if err := m.old.Decode(data, &old); err != nil {
		return err
	}
	if *v, err = converted(m.convert, old); err != nil {
		return fmt.Errorf("codec: converting a state to version %d: %w", m.current, err)
	}
	return nil
}

// converted calls a function of the application, which could panic.
func converted[From, To any](fn func(From) (To, error), from From) (to To, err error) {
	defer guard(&err)
	if to, err = fn(from); err != nil {
		return to, &hidden{err}
	}
	return to, nil
}
