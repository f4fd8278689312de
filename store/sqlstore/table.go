package sqlstore

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// longestName leaves room for suffixes within the 63 bytes of PostgreSQL, which
// cuts longer names without an error.
const longestName = 63 - len("_control_keep")

// tableName is a checked [Options.Table].
type tableName struct {
	schema, table string // unquoted; schema may be empty
	quote         string
}

// parseTable splits a name at its first dot into schema and table.
func parseTable(name, quote string) (tableName, error) {
	schema, table, qualified := strings.Cut(name, ".")
	if !qualified {
		schema, table = "", name
	}
	if table == "" || qualified && schema == "" {
		return tableName{}, fmt.Errorf("sqlstore: Options.Table: %q lacks a name", name)
	}
	for _, part := range []string{schema, table} {
		if len(part) > longestName {
			return tableName{}, fmt.Errorf("sqlstore: Options.Table: a name of %d bytes, want at most %d", len(part), longestName)
		}
		// MySQL accepts no name that ends with a space.
		if !utf8.ValidString(part) || strings.ContainsRune(part, 0) || strings.HasSuffix(part, " ") {
			return tableName{}, fmt.Errorf("sqlstore: Options.Table: %q is not a table name", name)
		}
	}
	return tableName{schema, table, quote}, nil
}

func (n tableName) String() string {
	if n.schema == "" {
		return n.table
	}
	return n.schema + "." + n.table
}

// quoted returns a name as SQL writes it.
func (n tableName) quoted(name string) string {
	return n.quote + strings.ReplaceAll(name, n.quote, n.quote+n.quote) + n.quote
}

// words returns the pairs of a word in braces and the name that replaces it.
func (n tableName) words() []string {
	schema := ""
	if n.schema != "" {
		schema = n.quoted(n.schema) + "."
	}
	return []string{
		"{schema}", schema,
		"{sessions}", schema + n.quoted(n.table),
		"{control}", schema + n.quoted(n.table+"_control"),
		"{bare sessions}", n.quoted(n.table),
		"{bare control}", n.quoted(n.table + "_control"),
		"{sweep index}", n.quoted(n.table + "_sweep"),
		"{subject index}", n.quoted(n.table + "_subject"),
		"{keep index}", n.quoted(n.table + "_control_keep"),
	}
}
