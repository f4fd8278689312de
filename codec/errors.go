package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
)

// Errors reach logs, and states must not. But methods of T, Migrate functions
// and the libraries may quote what they were given: those of math/big, net/url
// and time do. So an error of theirs is shown only as far as its text is known
// to hold nothing but words and types; of any other the type is shown. But for
// those of Migrate functions none is wrapped, so that none can be printed.

// refused says of err, of which nothing else may be shown, the type.
func refused(err error) error {
	return fmt.Errorf("a value was refused (%T)", err)
}

// hidden wraps an error of a Migrate function, which the application may want to
// recognise, without its text.
type hidden struct{ cause error }

func (h *hidden) Error() string { return fmt.Sprintf("refused (%T)", h.cause) }

func (h *hidden) Unwrap() error { return h.cause }

// guard, deferred, turns a panic into an error. What this package calls may
// panic over corrupt data: methods of T, conversions of the application, and
// the MessagePack library itself, for one when a nil stands where a time
// should. One bad record must not take more than its own request down.
func guard(err *error) {
	switch r := recover().(type) {
	case nil:
	case runtime.Error, *reflect.ValueError: // indexes, lengths and types
		*err = fmt.Errorf("codec: panic: %v", r)
	default:
		*err = fmt.Errorf("codec: panic of type %T", r)
	}
}

// fault is an error of this package, of which nothing needs to be withheld.
type fault string

func (f fault) Error() string { return string(f) }

func faultf(format string, args ...any) error { return fault(fmt.Sprintf(format, args...)) }

// msgPackError returns what may be shown of an error of the MessagePack library
// (v5.4.1), or of a method of T that it called.
func msgPackError(err error) error {
	if f := fault(""); errors.As(err, &f) {
		return f
	}
	for _, known := range []error{io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, known) {
			return known
		}
	}
	text := err.Error()
	if strings.HasPrefix(text, "msgpack: ") {
		// Without the code, which of a small number is the number itself.
		for _, what := range msgPackCodes {
			if strings.HasSuffix(text, " decoding "+what) {
				return errors.New("msgpack: unexpected code decoding " + what)
			}
		}
	}
	if strings.Contains(text, " len is ") && strings.HasSuffix(text, " elements") {
		return errors.New("msgpack: more elements than an array has")
	}
	if known := withType(err, msgPackTypes); known != nil {
		return known
	}
	return refused(err)
}

var msgPackCodes = []string{
	"nil", "bool", "int64", "uint64", "float32", "interface{}", "ext len",
	"string/bytes length", "array length", "map length",
}

var msgPackTypes = []string{
	"msgpack: Encode(unsupported ", "msgpack: Encode(non-addressable ",
	"msgpack: EncodeExt(nonaddressable ", "msgpack: Decode(unsupported ",
	"msgpack: number of fields in array-encoded struct has changed",
}

// withType returns an error with the text of err, if that is one of texts and
// the name of a type of the program. An err that wraps another might add to
// its text.
func withType(err error, texts []string) error {
	if reflect.TypeOf(err) != reflect.TypeOf(io.EOF) { // that of errors.New and fmt.Errorf
		return nil
	}
	for _, known := range texts {
		if strings.HasPrefix(err.Error(), known) {
			return err
		}
	}
	return nil
}

// gobError returns what may be shown of an error of encoding/gob, or of a method
// of T that it called.
func gobError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if known := withType(err, gobTypes); known != nil {
		return known
	}
	for _, known := range gobTexts {
		if strings.HasPrefix(err.Error(), known) {
			return errors.New(known)
		}
	}
	return refused(err)
}

// gobTypes are of encoding alone. When decoding, the names of types come from
// the data, which may be corrupt.
var gobTypes = []string{
	"gob: type not registered for interface: ", "gob: cannot encode nil ",
	"gob: gob: cannot encode nil ", "gob NewTypeObject can't handle type: ",
	"gob: type ",
}

var gobTexts = []string{
	"gob: name not registered for interface", "gob: decoding into local type",
	"gob: local interface type", "gob: type mismatch", "gob: wrong type",
	"gob: unknown type id or corrupted data", "gob: duplicate type received",
	"gob: encoded unsigned integer out of range", "gob: bad data",
	"gob: decode: corrupted data", "gob: length of string exceeds input size",
	"gob: encodeArray: nil element", "gob: encodeReflectValue: nil element",
	"invalid message length", "extra data in buffer",
}

// jsonEncodeError returns what may be shown of an error of json.Encoder.
func jsonEncodeError(err error) error {
	switch err := err.(type) { //nolint:errorlint // one that wraps it may say more
	case *json.UnsupportedTypeError, *json.UnsupportedValueError: // NaN, infinity, a cycle
		return err
	case *json.MarshalerError:
		return fmt.Errorf("a method of %v failed (%T)", err.Type, err.Err)
	}
	return refused(err)
}

// jsonDecodeError returns what may be shown of an error of json.Unmarshal.
func jsonDecodeError(err error) error {
	var mismatch *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &mismatch):
		return fmt.Errorf("field %q does not fit %v, at byte %d", mismatch.Field, mismatch.Type, mismatch.Offset)
	case errors.As(err, &syntax):
		return fmt.Errorf("%v, at byte %d", syntax, syntax.Offset) // one character at most
	}
	return refused(err)
}
