package sqlstore

import (
	"fmt"
)

// Dialect is the SQL of one family of databases. The zero Dialect is invalid.
type Dialect int

const (
	// SQLite is SQLite 3.37 or later.
	SQLite Dialect = iota + 1
	// PostgreSQL is PostgreSQL 12 or later.
	PostgreSQL
	// MySQL is MySQL 8 or later and MariaDB 10.5 or later.
	MySQL
)

// String returns the name of the database.
func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	case MySQL:
		return "MySQL"
	}
	return fmt.Sprintf("Dialect(%d)", int(d))
}

// syntax is what a Dialect writes differently. Words in braces are replaced in
// the statements of this package.
type syntax struct {
	quote string
	words []string // pairs of a word in braces and what replaces it

	// locksRows says that the database runs writers at the same time, so that
	// a login must hold a lock against a revocation. SQLite runs one at a time.
	locksRows bool

	// oneStatement says that a driver may refuse several statements at once.
	oneStatement bool
}

// The words of each dialect. {with gate}, {from gate} and {and gate} are the
// condition of a login; see [Store.login].
var (
	sqliteWords = []string{
		"{bytes}", "BLOB", "{int}", "INTEGER", "{short}", "INTEGER", "{empty}", "x''",
		"{as bytes}", "", "{as int}", "", "{as short}", "",
		"{old}", "old.", "{as old}", " AS old",
		"{on id}", "ON CONFLICT (id) DO UPDATE SET",
		"{on name}", "ON CONFLICT (name) DO UPDATE SET",
		"{or nothing}", " ON CONFLICT DO NOTHING",
		"{greatest}", "max",
		"{with gate}", "",
		"{from gate}", " WHERE NOT EXISTS (SELECT 1 FROM {control} WHERE name = $gate AND value >= $since)",
		"{and gate}", " AND NOT EXISTS (SELECT 1 FROM {control} WHERE name = $gate AND value >= $since)",
		// Concatenation makes a text of two blobs, of the same bytes.
		"{prepend base to past}", "substr(CAST($base_bytes || past AS BLOB), 1, 256)",
		"{server}", "sqlite_version()",
	}
	postgresWords = []string{
		"{bytes}", "bytea", "{int}", "bigint", "{short}", "integer", "{empty}", "''",
		"{as bytes}", "::bytea", "{as int}", "::bigint", "{as short}", "::integer",
		"{old}", "old.", "{as old}", " AS old",
		"{on id}", "ON CONFLICT (id) DO UPDATE SET",
		"{on name}", "ON CONFLICT (name) DO UPDATE SET",
		"{or nothing}", " ON CONFLICT DO NOTHING",
		"{greatest}", "greatest",
		"{with gate}", "WITH gate AS MATERIALIZED (SELECT 1 FROM {control} WHERE name = $gate AND value < $since FOR SHARE) ",
		"{from gate}", " FROM gate",
		"{and gate}", " AND EXISTS (SELECT 1 FROM gate)",
		"{prepend base to past}", "substring($base_bytes::bytea || past FROM 1 FOR 256)",
		"{server}", "current_setting('server_version')",
	}
	mysqlWords = []string{
		"{bytes}", "BLOB", "{int}", "BIGINT", "{short}", "INT", "{empty}", "x''",
		"{as bytes}", "", "{as int}", "", "{as short}", "",
		"{old}", "", "{as old}", "",
		"{on id}", "ON DUPLICATE KEY UPDATE",
		"{on name}", "ON DUPLICATE KEY UPDATE",
		"{or nothing}", "", // INSERT IGNORE would hide other errors; see Store.insert
		"{greatest}", "greatest",
		"{with gate}", "",
		"{from gate}", " FROM {control} WHERE name = $gate AND value < $since LOCK IN SHARE MODE",
		"{and gate}", " AND EXISTS (SELECT 1 FROM {control} WHERE name = $gate AND value < $since LOCK IN SHARE MODE)",
		"{prepend base to past}", "left(concat($base_bytes, past), 256)",
		"{server}", "@@version_comment",
	}
)

func (d Dialect) syntax() (syntax, error) {
	switch d {
	case SQLite:
		return syntax{quote: `"`, words: sqliteWords}, nil
	case PostgreSQL:
		return syntax{quote: `"`, words: postgresWords, locksRows: true}, nil
	case MySQL:
		return syntax{quote: "`", words: mysqlWords, locksRows: true, oneStatement: true}, nil
	}
	return syntax{}, fmt.Errorf("sqlstore: unknown dialect %v, want SQLite, PostgreSQL or MySQL", d)
}
