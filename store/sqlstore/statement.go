package sqlstore

import (
	"encoding/binary"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/typedsession/typedsession/store"
)

// statement is the text of a statement in one dialect, and what it takes.
type statement struct {
	text string
	args []func(*values) any
}

// values are what statements may take. Times are in Unix milliseconds.
type values struct {
	rec   store.Record
	base  store.Rev
	now   int64
	since int64 // the time of a login
	gate  name  // what a login waits for
	until int64 // the end of a tombstone, or of a control row
	name  name  // of a control row
	value int64 // of a control row
}

// pastLife is how long a replaced revision is kept at least: longer than a store
// repeats a write whose answer was lost.
const pastLife = 30_000

var valuesByName = map[string]func(*values) any{
	"id":          func(v *values) any { return v.rec.ID[:] },
	"rev":         func(v *values) any { return int64(v.rec.Rev) },
	"base":        func(v *values) any { return int64(v.base) },
	"base_bytes":  func(v *values) any { return binary.BigEndian.AppendUint64(nil, uint64(v.base)) },
	"now":         func(v *values) any { return v.now },
	"past_since":  func(v *values) any { return v.now - pastLife },
	"expires":     func(v *values) any { return v.rec.Expires.UnixMilli() },
	"sweep":       func(v *values) any { return sweepAt(v.rec.Expires.UnixMilli(), recordBucket) },
	"subject_key": func(v *values) any { return subjectKey(v.rec.Subject) },
	"subject":     func(v *values) any { return []byte(v.rec.Subject) },
	"payload":     func(v *values) any { return notNull(v.rec.Payload) },
	"until":       func(v *values) any { return v.until },
	"until_sweep": func(v *values) any { return sweepAt(v.until, tombstoneBucket) },
	"gate":        func(v *values) any { return v.gate[:] },
	"since":       func(v *values) any { return v.since },
	"name":        func(v *values) any { return v.name[:] },
	"now_minute":  func(v *values) any { return v.now / minute },
	"value":       func(v *values) any { return v.value },
}

// notNull returns an empty slice for nil, which a driver would store as NULL.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

var parameter = regexp.MustCompile(`\$[a-z_]+`)

// compiler turns statements of this package into those of a dialect.
type compiler struct {
	dialect       Dialect
	words, tables *strings.Replacer
}

func newCompiler(d Dialect, table string) (*compiler, tableName, error) {
	syntax, err := d.syntax()
	if err != nil {
		return nil, tableName{}, err
	}
	name, err := parseTable(table, syntax.quote)
	if err != nil {
		return nil, tableName{}, err
	}
	return &compiler{d, strings.NewReplacer(syntax.words...), strings.NewReplacer(name.words()...)}, name, nil
}

// text replaces the words. The names of tables come last, so that nothing in
// them is taken for a word or a parameter.
func (c *compiler) text(source string) string { return c.tables.Replace(c.words.Replace(source)) }

// compile turns each $name into the dialect's parameter.
func (c *compiler) compile(source string) statement {
	var s statement
	var numbered []string
	text := parameter.ReplaceAllStringFunc(c.words.Replace(source), func(match string) string {
		value, ok := valuesByName[match[1:]]
		if !ok {
			panic("sqlstore: unknown parameter " + match)
		}
		if c.dialect == MySQL { // which does not number them
			s.args = append(s.args, value)
			return "?"
		}
		at := slices.Index(numbered, match)
		if at < 0 {
			at = len(numbered)
			numbered = append(numbered, match)
			s.args = append(s.args, value)
		}
		return c.mark(at)
	})
	s.text = c.tables.Replace(text)
	return s
}

// mark returns the parameter at an index from 0.
func (c *compiler) mark(at int) string {
	switch c.dialect {
	case PostgreSQL:
		return "$" + strconv.Itoa(at+1)
	case SQLite:
		return "?" + strconv.Itoa(at+1)
	}
	return "?"
}

// marks returns n parameters, the first at index from, with commas between.
func (c *compiler) marks(from, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = c.mark(from + i)
	}
	return strings.Join(all, ", ")
}
