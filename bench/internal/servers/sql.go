package servers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os/exec"

	_ "github.com/go-sql-driver/mysql" // registers the driver "mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/typedsession/typedsession/internal/sqltest"
)

// SQL is the running SQL servers.
type SQL struct {
	PostgresAddr, MariaDBAddr string // host:port
	PostgreSQL, MariaDB       string // versions

	close []func()
}

// StartSQL starts PostgreSQL and MariaDB, the latter with a database named
// bench. They end with Close, or with this process. Returns ErrNotInstalled if
// one of them is missing.
func StartSQL(ctx context.Context) (*SQL, error) {
	s := &SQL{}
	for _, start := range []struct {
		name, driver, source, version string
		addr, is                      *string
	}{
		{"PostgreSQL", "pgx", "postgres://root@%s/postgres?sslmode=disable", "SHOW server_version", &s.PostgresAddr, &s.PostgreSQL},
		{"MariaDB", "mysql", "root@tcp(%s)/", "SELECT version()", &s.MariaDBAddr, &s.MariaDB},
	} {
		server, err := sqltest.Open(start.name)
		if errors.Is(err, exec.ErrNotFound) {
			err = fmt.Errorf("%s: %w", start.name, ErrNotInstalled)
		}
		if err != nil {
			s.Close()
			return nil, err
		}
		s.close = append(s.close, server.Close)
		*start.addr = server.Addr
		if *start.is, err = prepare(ctx, start.driver, fmt.Sprintf(start.source, server.Addr), start.version); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// prepare asks a server for its version, and creates the database on MariaDB.
func prepare(ctx context.Context, driver, source, query string) (version string, err error) {
	db, err := sql.Open(driver, source)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	if driver == "mysql" {
		if _, err := db.ExecContext(ctx, "CREATE DATABASE bench"); err != nil {
			return "", err
		}
	}
	err = db.QueryRowContext(ctx, query).Scan(&version)
	return version, err
}

// Close ends the servers.
func (s *SQL) Close() {
	for _, f := range s.close {
		f()
	}
}
