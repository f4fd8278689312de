package codec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/codec"
)

// secret is a part of every state that must not show in an error. It is a
// number, so that it can be put where numbers and where text should be.
const secret = "31337"

// wantDiscreet fails the test unless there is an error which, in any way of
// printing it or what it wraps, says the words and not the secret.
func wantDiscreet(t *testing.T, err error, words ...string) {
	t.Helper()
	wantError(t, err, append(words, "codec: ")...)
	for ; err != nil; err = errors.Unwrap(err) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			if text := fmt.Sprintf(verb, err); strings.Contains(text, secret) {
				t.Errorf("%s prints the state: %s", verb, text)
			}
		}
	}
}

// Decode errors reach logs, so they say where and not what.
func TestJSONErrorsDoNotQuoteTheState(t *testing.T) {
	type state struct {
		Name  string
		Small int8
		At    time.Time
	}
	for name, data := range map[string]string{
		"a number out of range":  `{"Small":31337}`,
		"a string for a number":  `{"Small":"31337"}`,
		"a string for a time":    `{"At":"31337"}`,
		"an object for a string": `{"Name":{"x":"31337"}}`,
		"a syntax error":         `{"Name":31337x}`,
	} {
		t.Run(name, func(t *testing.T) {
			wantDiscreet(t, codec.JSON[state]().Decode([]byte("\x02"+data), new(state)), "JSON")
		})
	}
}

// one is a state of one field.
type one[V any] struct{ V V }

// TestMethodsQuoteTheState gives to types whose methods quote what they cannot
// read the text of an earlier state.
func TestMethodsQuoteTheState(t *testing.T) {
	t.Run("big.Int", quotes[big.Int]("x31337"))
	t.Run("big.Float", quotes[*big.Float]("x31337"))
	t.Run("netip.Addr", quotes[netip.Addr]("10.0.31337"))
	t.Run("url.URL", quotes[url.URL]("\x01https://example.com/?token=31337"))
	t.Run("time.Time", quotes[time.Time]("31337"))
	t.Run("wrapped", quotes[quoting]("31337"))
}

// quotes checks that a one[V] decodes with an error from what MsgPack wrote of
// the text.
func quotes[V any](text string) func(*testing.T) {
	return func(t *testing.T) {
		data := mustAppend(t, codec.MsgPack[one[string]](), one[string]{text})
		wantDiscreet(t, codec.MsgPack[one[V]]().Decode(data, new(one[V])), "MsgPack")
	}
}

// quoting quotes what it is given, behind a text of the library that is shown.
type quoting string

func (q quoting) fail() error {
	return fmt.Errorf("%w: %s", errShown, string(q))
}

var errShown = errors.New("msgpack: Encode(unsupported chan int)")

func (q quoting) MarshalText() ([]byte, error)       { return nil, q.fail() }
func (q quoting) MarshalBinary() ([]byte, error)     { return nil, q.fail() }
func (q *quoting) UnmarshalText(data []byte) error   { return quoting(data).fail() }
func (q *quoting) UnmarshalBinary(data []byte) error { return quoting(data).fail() }

// quotingKey does so as the key of a map: JSON writes one of string kind itself.
type quotingKey struct{ s string }

func (k quotingKey) MarshalText() ([]byte, error)     { return nil, quoting(k.s).fail() }
func (k *quotingKey) UnmarshalText(data []byte) error { return quoting(data).fail() }

// generatedQuoting does so in methods as github.com/tinylib/msgp generates them.
type generatedQuoting struct{}

func (g *generatedQuoting) MarshalMsg([]byte) ([]byte, error) { return nil, quoting(secret).fail() }
func (g *generatedQuoting) UnmarshalMsg(data []byte) ([]byte, error) {
	return nil, quoting(data).fail()
}

// panicking panics with what it is given.
type panicking string

func (p panicking) MarshalBinary() ([]byte, error)     { panic("cannot write " + string(p)) }
func (p *panicking) UnmarshalBinary(data []byte) error { panic(quoting(data).fail()) }
func (p panicking) MarshalText() ([]byte, error)       { return p.MarshalBinary() }
func (p *panicking) UnmarshalText(data []byte) error   { return p.UnmarshalBinary(data) }

func TestAppendErrorsDoNotQuoteTheState(t *testing.T) {
	for name, c := range codecs[one[quoting]]() {
		t.Run(name, func(t *testing.T) { wantDiscreet(t, appendError(c, one[quoting]{secret})) })
	}
	for name, c := range codecs[one[panicking]]() {
		t.Run(name+", panic", func(t *testing.T) {
			wantDiscreet(t, appendError(c, one[panicking]{secret}), "panic of type string")
		})
	}
	wantDiscreet(t, appendError(codec.JSON[map[quotingKey]int](), map[quotingKey]int{{secret}: 1}), "JSON")
	wantDiscreet(t, appendError(codec.JSON[json.Number](), "x"+secret), "JSON")
	wantDiscreet(t, appendError(codec.MsgPack[generatedQuoting](), generatedQuoting{}), "MsgPack")
}

func appendError[T any](c codec.Codec[T], v T) error {
	_, err := c.Append(nil, &v)
	return err
}

func TestDecodeErrorsDoNotQuoteTheState(t *testing.T) {
	gob := mustAppend(t, codec.Gob[one[string]](), one[string]{secret})
	err := codec.Gob[one[int]]().Decode(gob, new(one[int]))
	if got, want := fmt.Sprint(err), "codec: Gob: gob: wrong type"; got != want {
		t.Errorf("got %q, want %q, without names from the data", got, want)
	}
	gob = mustAppend(t, codec.Gob[one[url.URL]](), one[url.URL]{url.URL{Path: secret}})
	wantDiscreet(t, codec.Gob[one[quoting]]().Decode(gob, new(one[quoting])), "Gob")
	wantDiscreet(t, codec.Gob[one[panicking]]().Decode(gob, new(one[panicking])), "panic of type *fmt.wrapError")
	wantDiscreet(t, codec.MsgPack[generatedQuoting]().Decode([]byte("\x01\xa5"+secret), new(generatedQuoting)), "MsgPack")
	// The code of a small number is the number.
	err = codec.MsgPack[one[bool]]().Decode(field("V", 77), new(one[bool]))
	wantError(t, err, "codec: MsgPack: msgpack: unexpected code decoding bool")
	if strings.Contains(err.Error(), "4d") {
		t.Errorf("error %v has the number 77", err)
	}
}

// TestErrorsThatAreShown: what holds nothing of the state is not withheld.
func TestErrorsThatAreShown(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"MsgPack, text for a number", codec.MsgPack[int]().Decode([]byte("\x01\xa1x"), new(int)), "decoding int64"},
		{"MsgPack, a number for a list", codec.MsgPack[[]int]().Decode([]byte("\x01\x01"), new([]int)), "decoding array length"},
		{"MsgPack, too many bytes", codec.MsgPack[[1]byte]().Decode([]byte("\x01\xa2xx"), new([1]byte)), "more elements than an array has"},
		{"MsgPack, too many numbers", codec.MsgPack[[1]int]().Decode([]byte("\x01\x92\x01\x01"), new([1]int)), "more elements than an array has"},
		{"MsgPack, a channel", appendError[any](codec.MsgPack[any](), make(chan int)), "Encode(unsupported chan int)"},
		{"JSON, not a number", appendError(codec.JSON[float64](), math.NaN()), "unsupported value: NaN"},
		{"JSON, a channel", appendError[any](codec.JSON[any](), make(chan int)), "unsupported type: chan int"},
		{"JSON, a method", appendError(codec.JSON[one[quoting]](), one[quoting]{}), "codec_test.quoting failed (*fmt.wrapError)"},
		{"Gob, not registered", appendError(codec.Gob[one[any]](), one[any]{item{}}), "not registered for interface: codec_test.item"},
		{"Gob, nil in a list", appendError(codec.Gob[[]*int](), []*int{nil}), "encodeArray: nil element"},
		{"Gob, no field", appendError(codec.Gob[sealed](), sealed{}), "codec_test.sealed has no exported field"},
		{"Gob, the end is missing", codec.Gob[int]().Decode([]byte("\x03\x03"), new(int)), "unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantError(t, tt.err, "codec: ", tt.want) })
	}
}

type sealed struct{ secret string } //nolint:unused // for what prints it

// TestMigrateErrorsDoNotQuoteTheState: an error of the function can be matched,
// and neither it nor a panic shows its text.
func TestMigrateErrorsDoNotQuoteTheState(t *testing.T) {
	data := mustAppend(t, codec.MsgPack[string](), secret)
	decode := func(convert func(string) (int, error)) error {
		c := codec.Migrate(codec.MsgPack[string](), convert, codec.MsgPack[int]())
		return c.Decode(data, new(int))
	}
	errOurs := errors.New("not today")
	err := decode(func(s string) (int, error) { return 0, fmt.Errorf("%w: %s", errOurs, s) })
	wantError(t, err, "converting a state to version 2: refused (*fmt.wrapError)")
	if strings.Contains(err.Error(), secret) {
		t.Errorf("error %v quotes the state", err)
	}
	if !errors.Is(err, errOurs) {
		t.Error("the error of convert cannot be matched")
	}
	wantDiscreet(t, decode(func(s string) (int, error) { panic(s) }), "panic of type string")
	wantDiscreet(t, decode(func(s string) (int, error) { panic(errors.New(s)) }), "panic of type *errors.errorString")
	wantDiscreet(t, decode(func(s string) (int, error) { return int(s[len(s)]), nil }), "index out of range [5]")
}
