package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"math"
	"time"

	"github.com/typedsession/typedsession/store"
)

// name is the primary key of a row of the control table: a kind, and a hash or
// a number.
type name [16]byte

// The kinds of control rows, and what they hold in the column value.
const (
	kindVersion    = 'v' // the version of the schema
	kindSweep      = 'w' // until when a process sweeps
	kindSubject    = 's' // the time of a subject's revocation
	kindGate       = 'g' // the latest revocation of many subjects
	kindRevocation = 'r' // a time of Store.Revoke
)

// hashed returns the name for a text of any length.
func hashed(kind byte, text string) name {
	sum := sha256.Sum256([]byte(text))
	n := name{kind}
	copy(n[1:], sum[:])
	return n
}

// subjectKey is what the index of subjects holds: a hash, since no database
// indexes texts of any length, or nil for no subject. Statements compare the
// subject too.
func subjectKey(subject string) any {
	if subject == "" {
		return nil
	}
	key := hashed(kindSubject, subject)
	return key[:]
}

// gateOf returns the gate that a subject shares with one in 256.
func gateOf(subject string) name {
	return name{kindGate, hashed(kindSubject, subject)[1]}
}

// A login and a revocation of its subject may run at the same time. Each
// statement is committed by itself, so that the login's may read that there is no
// revocation, and the revocation's that there is no session, before either of
// them commits. The login would survive. SQLite excludes that, as it runs one
// writer at a time.
//
// Elsewhere a login reads a row of the control table, its gate, under a shared
// lock which it holds until its one statement commits, and continues if the time
// in the gate is before the login's. RevokeSubject raises the time in the gate in
// a first statement, which waits for those logins, and looks for sessions in a
// second one. It finds every login that has passed the gate before. Both need
// not be one statement, and on PostgreSQL must not be: a statement that has waited
// for a lock continues with the rows that it has seen at its beginning.
//
// A row that does not exist cannot be locked, and few subjects have been revoked.
// So 256 gates serve all subjects, and hold the latest revocation of any. A
// login that was under way while another subject of its gate was revoked is not
// let through by mistake, nor refused: it uses the row of its subject as the gate,
// which RevokeSubject raises as well.

// prepareLogin sets the values that the condition of a login needs.
func (st *Store) prepareLogin(v *values) {
	v.since = v.rec.LoginSince.UnixMilli()
	v.name = hashed(kindSubject, v.rec.Subject)
	v.gate = v.name
	if st.syntax.locksRows {
		v.gate = gateOf(v.rec.Subject)
	}
}

// passGate finds out why a gate has let a login not pass. Returns ErrRevoked if
// the subject was revoked, and nil if the login can be tried again.
func (st *Store) passGate(ctx context.Context, v *values) error {
	shared := gateOf(v.rec.Subject)
	raised, err := st.controlValues(ctx, &values{name: v.name, gate: shared})
	if err != nil {
		return err
	}
	before, known := raised[v.name]
	if known && v.since <= before {
		return store.ErrRevoked
	}
	if !st.syntax.locksRows {
		return nil
	}
	missing := &values{name: shared, until: math.MaxInt64}
	v.gate = shared
	latest, found := raised[shared]
	if found && v.since <= latest { // another subject's
		v.gate = v.name
		missing = &values{name: v.name, until: time.Now().Add(store.TombstoneLife).UnixMilli()}
		found = known
	}
	if found {
		return nil
	}
	missing.value = math.MinInt64
	_, err = st.exec(ctx, &st.ensure, missing)
	return err
}

// controlValues returns the values of the two control rows that v names.
func (st *Store) controlValues(ctx context.Context, v *values) (map[name]int64, error) {
	found := make(map[name]int64, 2)
	err := st.query(ctx, st.control.text, st.control.values(v), func(rows *sql.Rows) error {
		n, value, err := scanControl(rows)
		found[n] = value
		return err
	})
	return found, err
}

func scanControl(rows *sql.Rows) (n name, value int64, err error) {
	var raw []byte
	err = rows.Scan(&raw, &value)
	copy(n[:], raw)
	return n, value, err
}
