package payload_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/internal/payload"
	"github.com/typedsession/typedsession/internal/vectortest"
)

// reread opens a plain payload and writes it again.
func reread(plain []byte) (again []byte, meta payload.Meta, state []byte, err error) {
	var f payload.Format
	meta, state, err = f.Open(plain, [16]byte{}, "")
	if err != nil {
		return nil, meta, nil, err
	}
	buf := append(make([]byte, payload.Room), state...)
	return f.Close(buf, &meta, [16]byte{}, ""), meta, state, nil
}

func TestVectors(t *testing.T) {
	for name, v := range vectortest.Read(t, 8) {
		plain := vectortest.Unhex(t, v["payload"])
		again, meta, state, err := reread(plain)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(again, plain) {
			t.Errorf("%s: is written again as %x", name, again)
		}
		if string(state) != v["state"] {
			t.Errorf("%s: state %q, want %q", name, state, v["state"])
		}
		for field, ms := range map[string]int64{
			"created": meta.Created, "extended": meta.Extended,
			"renewed": meta.Renewed, "authenticated": meta.Authenticated,
		} {
			if got := strconv.FormatInt(ms, 10); got != v[field] {
				t.Errorf("%s: %s %s, want %s", name, field, got, v[field])
			}
		}
	}
}

func TestPayloadsHaveOneForm(t *testing.T) {
	const held = "0102" + "808080808001" + "00" + "00"
	tests := map[string]string{
		"nothing":                    "",
		"a version only":             "01",
		"a version to come":          "0300" + "00" + "00" + "00",
		"a sealed one, not opened":   "0200" + "00" + "00" + "00",
		"flags to come":              "0120" + "00" + "00" + "00",
		"no times":                   "0100",
		"times cut short":            "0100" + "00" + "00",
		"a time in too many bytes":   "0100" + "8000" + "00" + "00",
		"a time after year 9999":     "0100" + "ffffffffffffff7f" + "00" + "00",
		"a sum after year 9999":      "0100" + "ffb7ff90fdce39" + "01" + "00",
		"a time of more than 64 bit": "0100" + "ffffffffffffffffffff01" + "00" + "00",
		"a hash cut short":           held + strings.Repeat("ab", 31),
		"authenticated cut off":      "0104" + "00" + "00" + "00",
		"exempted cut off":           "0110" + "00" + "00" + "00",
		"exempted at zero":           "0110" + "00" + "00" + "00" + "00",
		"a label cut off":            "0108" + "00" + "00" + "00",
		"an empty label":             "0108" + "00" + "00" + "00" + "00",
		"a label cut short":          "0108" + "00" + "00" + "00" + "02" + "61",
		"a label too long":           "0108" + "00" + "00" + "00" + "41" + strings.Repeat("61", 65),
		"authenticated at zero":      "0104" + "00" + "00" + "00" + "00",
	}
	for name, text := range tests {
		if again, _, _, err := reread(vectortest.Unhex(t, text)); err == nil {
			t.Errorf("%s: is read, and written again as %x", name, again)
		}
	}
	if _, _, _, err := reread(vectortest.Unhex(t, held+strings.Repeat("ab", 32))); err != nil {
		t.Errorf("the payload that the cases are made from: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	for _, v := range vectortest.Read(f, 8) {
		f.Add(vectortest.Unhex(f, v["payload"]))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		again, _, _, err := reread(plain)
		if err == nil && !bytes.Equal(again, plain) {
			t.Errorf("%x is read as if it were %x", plain, again)
		}
	})
}
