package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// schemaVersion is the version of the tables that this package uses. It is the
// value of the control row that versionName names.
const schemaVersion = 1

var versionName = name{kindVersion}

// What the columns hold:
//
//	id           the session's ID
//	rev          its revision, two's complement
//	written      when it was written or deleted, Unix milliseconds
//	expires      when it expires, or a tombstone may go, Unix milliseconds
//	sweep        the minute since 1970 from which on the row may be swept
//	subject_key  's' and the first 15 bytes of the SHA-256 of the subject, or NULL
//	subject      the subject, of any bytes
//	past         up to 32 revisions that were replaced lately, 8 bytes each
//	payload      the payload; NULL makes the row a tombstone
//
// The columns come in the order of PostgreSQL's alignment, the widest first. On
// SQLite the sessions have row IDs, since a row of 1 KB takes a page of its own in
// a table without: 4760 bytes for a payload of 1000, and 1440 with row IDs.
var schemas = map[Dialect][]string{
	SQLite: {
		`CREATE TABLE IF NOT EXISTS {sessions} (
	id BLOB NOT NULL PRIMARY KEY,
	rev INTEGER NOT NULL,
	written INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	sweep INTEGER NOT NULL,
	subject_key BLOB,
	subject BLOB NOT NULL,
	past BLOB NOT NULL,
	payload BLOB
) STRICT`,
		`CREATE INDEX IF NOT EXISTS {schema}{sweep index} ON {bare sessions} (sweep)`,
		`CREATE INDEX IF NOT EXISTS {schema}{subject index} ON {bare sessions} (subject_key) WHERE subject_key IS NOT NULL`,
		`CREATE TABLE IF NOT EXISTS {control} (
	name BLOB NOT NULL PRIMARY KEY,
	value INTEGER NOT NULL,
	keep_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
		`CREATE INDEX IF NOT EXISTS {schema}{keep index} ON {bare control} (keep_until)`,
		`INSERT INTO {control} (name, value, keep_until) VALUES (x'{version name}', {version}, {for ever}) ON CONFLICT DO NOTHING`,
	},
	PostgreSQL: {
		`CREATE TABLE IF NOT EXISTS {sessions} (
	rev bigint NOT NULL,
	written bigint NOT NULL,
	expires bigint NOT NULL,
	sweep integer NOT NULL,
	id bytea NOT NULL PRIMARY KEY,
	subject_key bytea,
	subject bytea NOT NULL,
	past bytea NOT NULL,
	payload bytea
) WITH (fillfactor = 80)`,
		`CREATE INDEX IF NOT EXISTS {sweep index} ON {sessions} (sweep)`,
		`CREATE INDEX IF NOT EXISTS {subject index} ON {sessions} (subject_key) WHERE subject_key IS NOT NULL`,
		`CREATE TABLE IF NOT EXISTS {control} (
	value bigint NOT NULL,
	keep_until bigint NOT NULL,
	name bytea NOT NULL PRIMARY KEY
)`,
		`CREATE INDEX IF NOT EXISTS {keep index} ON {control} (keep_until)`,
		`INSERT INTO {control} (name, value, keep_until) VALUES (decode('{version name}', 'hex'), {version}, {for ever}) ON CONFLICT DO NOTHING`,
	},
	MySQL: {
		`CREATE TABLE IF NOT EXISTS {sessions} (
	id BINARY(16) NOT NULL PRIMARY KEY,
	rev BIGINT NOT NULL,
	written BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	sweep INT NOT NULL,
	subject_key BINARY(16),
	subject MEDIUMBLOB NOT NULL,
	past VARBINARY(256) NOT NULL,
	payload MEDIUMBLOB,
	KEY {sweep index} (sweep),
	KEY {subject index} (subject_key)
) ENGINE = InnoDB`,
		`CREATE TABLE IF NOT EXISTS {control} (
	name BINARY(16) NOT NULL PRIMARY KEY,
	value BIGINT NOT NULL,
	keep_until BIGINT NOT NULL,
	KEY {keep index} (keep_until)
) ENGINE = InnoDB`,
		`INSERT INTO {control} (name, value, keep_until) VALUES (x'{version name}', {version}, {for ever}) ON DUPLICATE KEY UPDATE name = name`,
	},
}

// Schema returns the statements that create the tables, each ended by a
// semicolon, for the application's own migrations. The table is as in
// [Options.Table]; "" is the default. They can be run again without harm.
// Returns an error if the dialect is unknown or the table's name is not valid.
func Schema(dialect Dialect, table string) (string, error) {
	c, _, err := newCompiler(dialect, cmp.Or(table, defaultTable))
	if err != nil {
		return "", err
	}
	return strings.Join(c.schema(), ";\n\n") + ";\n", nil
}

func (c *compiler) schema() []string {
	constants := strings.NewReplacer(
		"{version name}", hex.EncodeToString(versionName[:]),
		"{version}", strconv.Itoa(schemaVersion),
		"{for ever}", strconv.Itoa(math.MaxInt64),
	)
	var texts []string
	for _, source := range schemas[c.dialect] {
		texts = append(texts, c.text(constants.Replace(source)))
	}
	return texts
}

// Migrate creates the tables, or brings older ones to the version of this
// package, and then does as [Store.Check]. It needs the right to create tables.
// Several processes may call it at once. A table of the same name that is not of
// this package is left alone and is an error.
func (st *Store) Migrate(ctx context.Context) error {
	if err := st.checkServer(ctx); err != nil {
		return err
	}
	version, err := st.schemaVersion(ctx)
	if err == nil && version != schemaVersion {
		return failed("migrate", st.wrongVersion(version))
	}
	texts := st.schema()
	if st.dialect == PostgreSQL {
		// There, IF NOT EXISTS fails if another process creates the same table.
		// Statements that are sent together are one transaction.
		const lock = "SELECT pg_advisory_xact_lock(8390891584239480179)"
		texts = []string{lock + ";" + strings.Join(texts, ";")}
	}
	for _, text := range texts {
		err := st.do(ctx, "migrate", func(ctx context.Context) error {
			_, err := st.execText(ctx, text, nil)
			return err
		})
		if err != nil {
			return err
		}
	}
	return st.checkTables(ctx)
}

// Check finds out whether the Store can work: whether the database is the
// dialect's, the tables are there in the right version, and they can be read. Its
// error says which is not the case.
func (st *Store) Check(ctx context.Context) error {
	if err := st.checkServer(ctx); err != nil {
		return err
	}
	return st.checkTables(ctx)
}

func (st *Store) checkServer(ctx context.Context) error {
	server := st.text("SELECT {server}")
	err := st.do(ctx, "check", func(ctx context.Context) error {
		var version string
		return st.db.QueryRowContext(ctx, server).Scan(&version)
	})
	if err != nil {
		return fmt.Errorf("%w (is the database %v?)", err, st.dialect)
	}
	return nil
}

func (st *Store) checkTables(ctx context.Context) error {
	return st.do(ctx, "check", func(ctx context.Context) error {
		version, err := st.schemaVersion(ctx)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("the tables of %q have no version, call Migrate: %w", st.table, err)
		case err != nil:
			return fmt.Errorf("cannot read the version of the tables of %q, call Migrate if there are none: %w", st.table, err)
		case version != schemaVersion:
			return st.wrongVersion(version)
		}
		probe := st.text("SELECT " + strings.Trim(columns, "()") + " FROM {sessions} WHERE sweep < 0 AND sweep > 0")
		err = st.query(ctx, probe, nil, func(*sql.Rows) error { return nil })
		if err != nil {
			return fmt.Errorf("the table %q is not one of sessions: %w", st.table, err)
		}
		return nil
	})
}

func (st *Store) schemaVersion(ctx context.Context) (int64, error) {
	var version int64
	args := st.version.values(&values{name: versionName})
	err := st.db.QueryRowContext(ctx, st.version.text, args...).Scan(&version)
	return version, err
}

// wrongVersionError says which version the tables have.
type wrongVersionError struct {
	table tableName
	found int64
}

func (e *wrongVersionError) Error() string {
	return fmt.Sprintf("the tables of %q have version %d, want %d", e.table, e.found, schemaVersion)
}

func (st *Store) wrongVersion(found int64) error { return &wrongVersionError{st.table, found} }
