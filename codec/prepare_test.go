package codec_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/codec"
)

// fullName and twoNames are two versions of a state, and what they say is the
// same.
type (
	fullName struct {
		Name string
		Cart []string
	}
	twoNames struct {
		First, Last string
		Cart        []string
	}
)

func splitName(v fullName) (twoNames, error) {
	first, last, _ := strings.Cut(v.Name, " ")
	return twoNames{first, last, v.Cart}, nil
}

func joinNames(v twoNames) (fullName, error) {
	return fullName{v.First + " " + v.Last, v.Cart}, nil
}

// node is one process: it adds to the cart of the session whose record it is
// given.
type node func(record []byte, item string) ([]byte, error)

func nodeOf[T any](c codec.Codec[T], cart func(*T) *[]string, name func(T) string) node {
	return func(record []byte, item string) ([]byte, error) {
		var v T
		if err := c.Decode(record, &v); err != nil {
			return nil, err
		}
		if got := name(v); got != "Ada Lovelace" {
			return nil, fmt.Errorf("the name is %q", got)
		}
		*cart(&v) = append(*cart(&v), item)
		return c.Append(nil, &v)
	}
}

// TestTwoStepRollout replaces the nodes of a service one by one, in both steps,
// while all of them serve one session. It is the recipe in PrepareMigrate's
// comment. Each node reads what each other writes, and nothing is lost.
func TestTwoStepRollout(t *testing.T) {
	v1, v2 := codec.MsgPack[fullName](), codec.MsgPack[twoNames]()
	oldCart, oldName := func(v *fullName) *[]string { return &v.Cart }, func(v fullName) string { return v.Name }
	cart, name := func(v *twoNames) *[]string { return &v.Cart }, func(v twoNames) string { return v.First + " " + v.Last }
	for how, wrap := range map[string]func(codec.Codec[twoNames]) codec.Codec[twoNames]{
		"plain":      func(c codec.Codec[twoNames]) codec.Codec[twoNames] { return c },
		"compressed": func(c codec.Codec[twoNames]) codec.Codec[twoNames] { return codec.Compress(c, 0) },
	} {
		t.Run(how, func(t *testing.T) {
			programs := []node{
				nodeOf(v1, oldCart, oldName),
				nodeOf(wrap(codec.PrepareMigrate(v1, splitName, v2, joinNames)), cart, name),
				nodeOf(wrap(codec.Migrate(v1, splitName, v2)), cart, name),
			}
			if how == "compressed" { // as it was before
				programs[0] = nodeOf(codec.Compress(v1, 0), oldCart, oldName)
			}
			record := mustAppend(t, v1, fullName{Name: "Ada Lovelace"})
			nodes := []node{programs[0], programs[0], programs[0]}
			items := 0
			serve := func() {
				for range 20 {
					next, err := nodes[rand.IntN(len(nodes))](record, fmt.Sprint("item ", items))
					if err != nil {
						t.Fatal(err)
					}
					record = next
					items++
				}
			}
			serve()
			for _, program := range []int{1, 2, 1, 0} { // two steps, and both rolled back
				for i := range nodes {
					nodes[i] = programs[program]
					serve()
				}
			}
			var last fullName
			if err := codec.Compress(v1, 0).Decode(record, &last); err != nil {
				t.Fatal(err)
			}
			for i := range items {
				if want := fmt.Sprint("item ", i); last.Cart[i] != want {
					t.Fatalf("item %d is %q, want %q", i, last.Cart[i], want)
				}
			}
		})
	}
}

func TestPrepareMigrate(t *testing.T) {
	v1, v2 := codec.MsgPack[fullName](), codec.MsgPack[twoNames]()
	c := codec.PrepareMigrate(v1, splitName, v2, joinNames)
	if got, want := mustAppend(t, c, twoNames{First: "a", Last: "b"}), mustAppend(t, v1, fullName{Name: "a b"}); string(got) != string(want) {
		t.Errorf("got %q, want what the old codec writes, %q", got, want)
	}

	errOurs := errors.New("not today")
	refusing := codec.PrepareMigrate(v1, splitName, v2, func(v twoNames) (fullName, error) {
		return fullName{}, fmt.Errorf("%w: %s", errOurs, v.First)
	})
	dst, err := refusing.Append([]byte("front"), &twoNames{First: secret})
	wantError(t, err, "codec: converting a state back to version 1", "refused")
	if strings.Contains(err.Error(), secret) || !errors.Is(err, errOurs) || string(dst) != "front" {
		t.Errorf("error %v, %q in front", err, dst)
	}
	panicking := codec.PrepareMigrate(v1, splitName, v2, func(v twoNames) (fullName, error) { panic(v.First) })
	wantDiscreet(t, appendError(panicking, twoNames{First: secret}), "panic of type string")

	// The old version has no room for a field.
	type more struct {
		twoNames
		Email string
	}
	toMore := func(v fullName) (more, error) { two, err := splitName(v); return more{twoNames: two}, err }
	fromMore := func(v more) (fullName, error) { return joinNames(v.twoNames) }
	wider := codec.PrepareMigrate(v1, toMore, codec.MsgPack[more](), fromMore)
	for _, c := range []codec.Codec[more]{wider, codec.Compress(wider, 0)} {
		if err := codec.Check(c); err != nil {
			t.Error(err)
		}
		wantError(t, codec.RoundTrip(c, more{Email: "ada@example.com"}), "Email is lost")
	}

	wantPanic(t, "nil back", func() { codec.PrepareMigrate(v1, splitName, v2, nil) })
	wantPanic(t, "nil old", func() { codec.PrepareMigrate(nil, splitName, v2, joinNames) })
	same := func(v twoNames) (twoNames, error) { return v, nil }
	wantPanic(t, "a chain that goes on", func() { codec.Migrate(c, same, v2) })
	wantPanic(t, "one that is compressed", func() { codec.Migrate(codec.Compress(c, 0), same, v2) })
	wantPanic(t, "a new codec that prepares", func() { codec.Migrate(v2, same, c) })
}
