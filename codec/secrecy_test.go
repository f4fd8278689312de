package codec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/codec"
)

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
		err := codec.JSON[state]().Decode([]byte("\x02"+data), new(state))
		if err == nil || strings.Contains(err.Error(), "31337") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
