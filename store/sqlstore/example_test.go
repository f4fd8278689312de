package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"time"

	"github.com/typedsession/typedsession/store/sqlstore"
)

//nolint:testableexamples // it needs a server
func Example() {
	// With the driver of github.com/jackc/pgx/v5/stdlib.
	db, err := sql.Open("pgx", "postgres://shop@localhost/shop?statement_timeout=4s")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	sessions, err := sqlstore.New(db, sqlstore.PostgreSQL, sqlstore.Options{
		SweepInterval: 5 * time.Minute,
		OnSweep: func(deleted int, err error) {
			log.Printf("%d expired sessions deleted, error %v", deleted, err)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = sessions.Close() }()
	if err := sessions.Migrate(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Pass sessions to session.NewManager.
}

// The statements may be a step of the migrations that the application has.
func ExampleSchema() {
	text, err := sqlstore.Schema(sqlstore.MySQL, "sessions")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(text[:41])
	// Output: CREATE TABLE IF NOT EXISTS `sessions` (
}
