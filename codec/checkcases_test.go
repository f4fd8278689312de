package codec_test

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/codec"
)

type (
	// stamped is written by the methods of its embedded time alone.
	stamped struct {
		time.Time
		UserID string
	}
	// tagged is written by the methods of its embedded UUID alone.
	tagged struct {
		uuid
		Name string
	}
	uuid [16]byte
	// nullTime is as in github.com/guregu/null and github.com/volatiletech/null:
	// its text is empty when it is null, and it refuses to read that.
	nullTime struct {
		Time  time.Time
		Valid bool
	}
	// role refuses its own zero.
	role int
)

func (u uuid) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%x", u[:]), nil }

func (u *uuid) UnmarshalText(text []byte) error {
	if len(text) != 32 {
		return errors.New("not a UUID")
	}
	_, err := hex.Decode(u[:], text)
	return err
}

func (n nullTime) MarshalText() ([]byte, error) {
	if !n.Valid {
		return []byte{}, nil
	}
	return n.Time.MarshalText()
}

func (n *nullTime) UnmarshalText(text []byte) error {
	n.Valid = true
	return n.Time.UnmarshalText(text)
}

func (r role) MarshalText() ([]byte, error) {
	return []byte(map[role]string{1: "admin", 2: "editor"}[r]), nil
}

func (r *role) UnmarshalText(text []byte) error {
	switch string(text) {
	case "admin":
		*r = 1
	case "editor":
		*r = 2
	default:
		return errors.New("unknown role")
	}
	return nil
}

// TestTypesFromTheField holds the types with which users of sessions have lost
// states.
func TestTypesFromTheField(t *testing.T) {
	all := []string{"MsgPack", "JSON", "Gob"}
	text := []string{"MsgPack", "JSON"} // by which methods for text are called

	// An embedded type with methods writes itself and nothing else.
	unsupported[stamped](t, "UserID is lost", all...)
	unsupported[*stamped](t, "UserID is lost", all...)
	unsupported[struct{ Seen []stamped }](t, "Seen[0].UserID is lost", all...)
	unsupported[map[string]stamped](t, "[value].UserID is lost", all...)
	unsupported[struct{ Seen struct{ stamped } }](t, "Seen.stamped", "Gob")
	unsupported[struct{ Seen struct{ stamped } }](t, "cannot be read back", "JSON")
	unsupported[tagged](t, "Name is lost", text...)
	unsupported[struct{ List []tagged }](t, "List[0].Name is lost", text...)

	// Methods that refuse what they wrote.
	unsupported[struct{ At nullTime }](t, "cannot be read back", text...)
	unsupported[struct{ At []nullTime }](t, "At[0] cannot be read back", text...)
	unsupported[struct{ At map[string]nullTime }](t, "At cannot be read back", text...)
	unsupported[struct{ At *nullTime }](t, "At cannot be read back", text...)
	unsupported[struct {
		UserID string
		Roles  []role
	}](t, "Roles[0] cannot be read back", text...)

	// Gob drops what is promoted from a type that is not exported.
	unsupported[outerFirst](t, "base.ID is lost", "Gob")

	// A time that was decoded is another key.
	unsupported[map[time.Time]string](t, "[key] is changed, so that the map would not find it", all...)
	unsupported[map[*int]string](t, "[key] is changed", "MsgPack")
}

// TestEverydayTypes holds that Check refuses none of the types that states are
// mostly made of.
func TestEverydayTypes(t *testing.T) {
	type everyday struct {
		Text     string
		Level    slog.Level
		Addr     netip.Addr
		Port     netip.AddrPort
		Net      netip.Prefix
		IP       net.IP
		Mail     mail.Address
		Since    time.Time
		For      time.Duration
		Until    *time.Time
		Times    []time.Time
		Null     sql.NullString
		NullTime sql.NullTime
		Big      *big.Int
		Bigs     []*big.Int
		Ratio    big.Rat
		Amount   *big.Float
		Header   map[string][]string
		Set      map[string]struct{}
		Matrix   [2][3]float32
		Bytes    []byte
		Hash     [32]byte
		State    state
	}
	accepted[everyday](t, "MsgPack", "JSON")
	accepted[struct{ Any any }](t, "MsgPack", "JSON", "Gob")
	accepted[struct{ Values url.Values }](t, "MsgPack", "JSON", "Gob")
	accepted[struct{ U url.URL }](t, "MsgPack", "Gob")
	accepted[struct{ U []*url.URL }](t, "MsgPack", "Gob")
	accepted[struct{ Raw json.RawMessage }](t, "MsgPack", "JSON", "Gob")
	accepted[struct{ N json.Number }](t, "MsgPack", "JSON", "Gob")
	accepted[map[string]any](t, "MsgPack", "JSON", "Gob")
	accepted[[]any](t, "MsgPack", "JSON", "Gob")
	accepted[state](t, "MsgPack", "JSON", "Gob")
	accepted[wide](t, "MsgPack")
	accepted[fuzzState](t, "MsgPack")
	accepted[vectorState](t, "MsgPack", "JSON", "Gob")
	accepted[chain](t, "MsgPack", "JSON", "Gob")
	accepted[tree](t, "MsgPack", "JSON")
	accepted[byHand](t, "MsgPack")
	accepted[quick](t, "MsgPack")
	accepted[struct{}](t, "MsgPack", "JSON", "Gob")
	accepted[any](t, "MsgPack", "JSON", "Gob")
	accepted[string](t, "MsgPack", "JSON", "Gob")
	accepted[*item](t, "MsgPack", "JSON", "Gob")
	accepted[struct{ F *bool }](t, "MsgPack", "JSON", "Gob")
}

func accepted[T any](t *testing.T, by ...string) {
	t.Helper()
	all := codecs[T]()
	for _, name := range by {
		if err := codec.Check(all[name]); err != nil {
			t.Error(err)
		}
		if err := codec.Check(codec.Compress(all[name], 0)); err != nil {
			t.Error(err)
		}
	}
}

// forgetful is a codec of an application that breaks the contract in one way.
type forgetful struct {
	inner   codec.Codec[lent]
	decoded func(data []byte, v *lent) error
}

func (f forgetful) Append(dst []byte, v *lent) ([]byte, error) { return f.inner.Append(dst, v) }

func (f forgetful) Decode(data []byte, v *lent) error {
	if err := f.inner.Decode(data, v); err != nil {
		return err
	}
	return f.decoded(data, v)
}

func TestCheckFindsCodecsThatBreakTheContract(t *testing.T) {
	for name, tt := range map[string]struct {
		decoded func(data []byte, v *lent) error
		want    string
	}{
		"it loses a field":        {func(_ []byte, v *lent) error { v.Text = ""; return nil }, "Text is lost"},
		"it changes a field":      {func(_ []byte, v *lent) error { v.Text = "x"; return nil }, "Text is changed"},
		"it keeps a part of data": {func(data []byte, v *lent) error { v.Bytes = data[len(data)-1:]; return nil }, "Bytes[0] is changed"},
		"it changes data":         {func(data []byte, _ *lent) error { data[0]++; return nil }, "without a change of the data"},
		"it refuses all":          {func([]byte, *lent) error { return errors.New("no") }, "cannot be read back: no"},
		"it panics":               {func([]byte, *lent) error { panic("no") }, "cannot be read back: panic of type string"},
	} {
		t.Run(name, func(t *testing.T) {
			c := forgetful{codec.MsgPack[lent](), tt.decoded}
			wantError(t, codec.Check[lent](c), "codec: codec_test.forgetful would lose a part of codec_test.lent: ", tt.want)
			wantError(t, codec.RoundTrip[lent](c, lentSample()), "codec: codec_test.forgetful: codec_test.lent: ")
		})
	}
	c := forgetful{codec.MsgPack[lent](), func([]byte, *lent) error { return nil }}
	if err := codec.Check[lent](c); err != nil {
		t.Error(err)
	}
}

// TestRoundTripOfValues holds what RoundTrip finds that depends on values.
func TestRoundTripOfValues(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"a method that refuses a value": {codec.RoundTrip(codec.MsgPack[*role](), new(role)), "*codec_test.role: cannot be read back"},
		"an int in an interface":        {codec.RoundTrip(codec.MsgPack[struct{ Prefs map[string]any }](), struct{ Prefs map[string]any }{map[string]any{secret: 31337}}), "Prefs[value] is changed from int to uint16"},
		"text that is not UTF-8":        {codec.RoundTrip(codec.JSON[struct{ Name string }](), struct{ Name string }{secret + "\xff"}), "Name is changed"},
		"what may not be written":       {codec.RoundTrip(codec.JSON[[]any](), []any{make(chan int)}), "cannot be written"},
		"a buffer that is not kept":     {codec.RoundTrip(codec.JSON[struct{ B bytes.Buffer }](), struct{ B bytes.Buffer }{*bytes.NewBufferString(secret)}), "B is lost"},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, tt.err, tt.want)
			if strings.Contains(tt.err.Error(), secret) {
				t.Errorf("error %q quotes the state", tt.err)
			}
		})
	}
	for name, c := range codecs[state]() {
		for _, v := range []state{{}, sample()} {
			if strings.Contains(name, "Gob") {
				v.Prefs = nil
			}
			if err := codec.RoundTrip(c, v); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Types that refer to each other, so that there are millions of ways through
// them.
type (
	webA struct {
		N             int
		A, B, C, D, E *webA
		F             []webB
		G             map[string]webC
	}
	webB struct {
		A *webA
		B []webB
		C *webC
		D *webD
	}
	webC struct {
		A *webA
		B []webB
		C *webC
		D []webD
	}
	webD struct {
		A    *webA
		B    map[string]webB
		C    *webC
		Name string
	}
)

func TestCheckOfTypesThatReferToEachOther(t *testing.T) {
	accepted[webA](t, "MsgPack", "JSON", "Gob")
	unsupported[struct {
		Web  webA
		Last chan int
	}](t, "Last", "MsgPack", "JSON")
}

func BenchmarkCheck(b *testing.B) {
	c := codec.MsgPack[small]()
	for b.Loop() {
		if err := codec.Check(c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMsgPack(b *testing.B) {
	for b.Loop() {
		codec.MsgPack[small]()
	}
}
