package sqlstore

import (
	"database/sql"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// Drivers describe the errors of their servers differently. Those of PostgreSQL
// have a method SQLState. The MySQL driver's have only fields, so that their
// text must do without importing it, and so must the text of SQLite, which all
// its drivers quote.

// sqlState is implemented by the errors of pgx and of lib/pq.
type sqlState interface{ SQLState() string }

// transientStates are errors of PostgreSQL after which the same statement may
// succeed; two characters are a class.
var transientStates = []string{
	"08",    // connection exceptions
	"40001", // serialization failure
	"40P01", // deadlock
	"53300", // too many connections
	"55P03", // lock timeout
	"57014", // statement timeout
	"57P",   // the server stops or starts
}

var mysqlError = regexp.MustCompile(`\bError (\d{4})(?: \(|:)`)

// transientNumbers are errors of MySQL and MariaDB after which the same
// statement may succeed.
var transientNumbers = map[int]string{
	1020: "record has changed since last read",
	1040: "too many connections",
	1053: "server shutdown",
	1158: "error reading communication packets",
	1159: "timeout reading communication packets",
	1160: "error writing communication packets",
	1161: "timeout writing communication packets",
	1203: "too many connections of the user",
	1205: "lock wait timeout",
	1213: "deadlock",
	1317: "query was interrupted",
	1412: "table definition has changed",
	1615: "prepared statement needs to be prepared again",
	1927: "connection was killed",
	1969: "max_statement_time exceeded",
	3024: "max_execution_time exceeded",
}

// isTransient reports whether trying again may help: the connection broke, the
// server starts or stops, or another transaction was in the way. An error that
// the server did not send counts as a broken connection.
func (st *Store) isTransient(err error) bool {
	var wrong *wrongVersionError
	if errors.As(err, &wrong) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) || errors.Is(err, sql.ErrNoRows) {
		return false
	}
	text := err.Error()
	switch st.dialect {
	case SQLite:
		return strings.Contains(text, "is locked") || strings.Contains(text, "SQLITE_BUSY")
	case PostgreSQL:
		var state sqlState
		if errors.As(err, &state) {
			return hasPrefix(state.SQLState(), transientStates)
		}
	case MySQL:
		if number := mysqlNumber(text); number != 0 {
			return transientNumbers[number] != ""
		}
	}
	// Package sql and drivers say that before they ask the server.
	return !strings.HasPrefix(text, "sql: ")
}

func hasPrefix(text string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// mysqlNumber returns the number of an error that the server sent, or 0.
func mysqlNumber(text string) int {
	match := mysqlError.FindStringSubmatch(text)
	if match == nil {
		return 0
	}
	number, _ := strconv.Atoi(match[1]) // four digits
	return number
}

// isFull reports whether the database says that it cannot grow.
func isFull(err error) bool {
	var state sqlState
	if errors.As(err, &state) {
		return state.SQLState() == "53100"
	}
	text := err.Error()
	number := mysqlNumber(text)
	return number == 1021 || number == 1114 || strings.Contains(text, "database or disk is full")
}
