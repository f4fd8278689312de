// Package sqlstore keeps sessions in a SQL database: SQLite, PostgreSQL, MySQL
// or MariaDB, by database/sql. It imports no driver. The application opens the
// database with the driver that it prefers and passes it to [New]:
//
//	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
//	// ...
//	sessions, err := sqlstore.New(db, sqlstore.PostgreSQL, sqlstore.Options{})
//	// ...
//	err = sessions.Migrate(ctx)
//
// [Store] implements [store.Store], [store.SubjectIndex] and [store.Revoker].
// docs/SQL.md names the settings of each database and driver, the rights that
// the store needs, and what was measured.
//
// # Statements
//
// Load, Create, Update, Delete and a login with its index entry are one
// statement each, committed by itself. Only a write that meets a conflict needs a
// second one, which reads the record: a single statement would answer with the
// record as it was before the writer that it had to wait for. RevokeSubject
// takes three, for the reason that stands there.
//
// The store calls ExecContext for every write and QueryContext or
// QueryRowContext for every read.
//
// # Lost answers
//
// The store repeats a statement whose answer was lost until [Options.Timeout]
// ends. It recognises its own write by the revision, under the writes of others
// too: a record keeps the revisions that were replaced within half a minute of
// each other, 32 at most.
//
// # Clocks
//
// Times come from the clock of the process that writes, so the clocks of all
// processes must agree within a few seconds.
package sqlstore
