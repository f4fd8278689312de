package sqlstore

import (
	"context"
	"database/sql"
	"sync"
)

// preparer is implemented by a [*sql.DB].
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// prepared is a DB that keeps prepared statements, on SQLite, where compiling one
// takes longer than running it and drivers keep none. The drivers of servers keep
// them or avoid them by their own settings, which a prepared statement would
// override.
type prepared struct {
	preparer
	DB

	mu         sync.RWMutex
	statements map[string]*sql.Stmt // by text, of which there are a few dozen
}

// prepareFor returns db, with prepared statements if it can have them.
func prepareFor(db DB, dialect Dialect) DB {
	if p, ok := db.(preparer); ok && dialect == SQLite {
		return &prepared{preparer: p, DB: db, statements: make(map[string]*sql.Stmt)}
	}
	return db
}

// statement returns the prepared statement of a text.
func (p *prepared) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	p.mu.RLock()
	s := p.statements[text]
	p.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	s, err := p.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if other := p.statements[text]; other != nil {
		shut(s)
		return other, nil
	}
	p.statements[text] = s
	return s, nil
}

func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if len(args) == 0 { // part of a migration
		return p.DB.ExecContext(ctx, query)
	}
	s, err := p.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := p.statement(ctx, query)
	if err != nil {
		return p.DB.QueryRowContext(ctx, query, args...) // which returns the error
	}
	return s.QueryRowContext(ctx, args...)
}

// Close closes the statements.
func (p *prepared) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for text, s := range p.statements {
		shut(s)
		delete(p.statements, text)
	}
}
