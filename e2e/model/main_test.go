package model_test

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/typedsession/typedsession/internal/redistest"
)

// defaults are the settings of rapid where the command line says nothing. Its
// fail files would be left in the tree; the seed in the failure does as well.
var defaults = map[string]string{
	"rapid.nofailfile": "true",
	"rapid.steps":      "40",
	"rapid.shrinktime": "0s", // see shrink
}

func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range defaults {
		setDefault(name, value)
	}
	redistest.Main(m)
}

// setDefault sets a flag of rapid unless the command line or the environment has.
func setDefault(name, value string) {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name && !ours[name] })
	if given || os.Getenv("RAPID_"+strings.ToUpper(strings.TrimPrefix(name, "rapid."))) != "" {
		return
	}
	ours[name] = true
	if err := flag.Set(name, value); err != nil {
		panic(err)
	}
}

// ours are the flags that setDefault has set.
var ours = map[string]bool{}

// check checks a property so many times, unless -rapid.checks says how often.
func check(t rapid.TB, checks int, property func(*rapid.T)) {
	t.Helper()
	setDefault("rapid.checks", strconv.Itoa(checks))
	rapid.Check(t, property)
}
