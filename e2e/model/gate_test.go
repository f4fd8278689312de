package model_test

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/typedsession/typedsession/store"
)

// gate is a store that stops every request at each of its calls, until the
// schedule has made the call, or has broken it.
type gate struct{ store.SubjectIndex }

// call is a call of the store that a request has stopped at.
type call struct {
	op      string
	id      store.ID
	rec     store.Record // of a write
	user    string       // of a call of the index
	before  time.Time    // of a revocation
	deleted []store.ID   // by a revocation
	at      time.Time    // when it was made
	do      func() error // makes it
	err     error        // what the request is answered
}

// requestKey is the context key of the request that calls.
type requestKey struct{}

// pass stops a request at a call, and returns what it is answered. Who is no
// request of the schedule is not stopped.
func pass(ctx context.Context, c *call) error {
	r, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return c.do()
	}
	c.at = time.Now()
	r.call = c
	r.stop(atCall)
	return c.err
}

func (g gate) Create(ctx context.Context, rec store.Record) error {
	return pass(ctx, &call{op: "create", id: rec.ID, rec: rec, do: func() error {
		return g.SubjectIndex.Create(unbound(ctx), rec)
	}})
}

func (g gate) Load(ctx context.Context, id store.ID) (rec store.Record, err error) {
	err = pass(ctx, &call{op: "load", id: id, do: func() (err error) {
		rec, err = g.SubjectIndex.Load(unbound(ctx), id)
		return err
	}})
	return rec, err
}

func (g gate) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	return pass(ctx, &call{op: "update", id: rec.ID, rec: rec, do: func() error {
		return g.SubjectIndex.Update(unbound(ctx), base, rec)
	}})
}

func (g gate) Delete(ctx context.Context, id store.ID) error {
	return pass(ctx, &call{op: "delete", id: id, do: func() error {
		return g.SubjectIndex.Delete(unbound(ctx), id)
	}})
}

func (g gate) ListSessions(ctx context.Context, subject string) (recs []store.Record, err error) {
	err = pass(ctx, &call{op: "list", user: subject, do: func() (err error) {
		recs, err = g.SubjectIndex.ListSessions(unbound(ctx), subject)
		// They come in any order, and a schedule must always run alike.
		slices.SortFunc(recs, func(a, b store.Record) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		return err
	}})
	return recs, err
}

func (g gate) RevokeSubject(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
	c := &call{op: "revoke", user: subject, before: before}
	c.do = func() (err error) {
		c.deleted, err = g.SubjectIndex.RevokeSubject(unbound(ctx), subject, before, except...)
		slices.SortFunc(c.deleted, func(a, b store.ID) int { return bytes.Compare(a[:], b[:]) })
		return err
	}
	if err := pass(ctx, c); err != nil {
		return nil, err
	}
	return c.deleted, nil
}

// unbound is the context of a call that the schedule makes: when the request is
// over does not matter to it, only what the request was answered.
func unbound(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// place is where a request is.
type place uint8

const (
	running   place = iota // or waiting for another request, or for the time to pass
	atCall                 // in front of a call of the store
	atHandler              // in its handler, which waits for something to do
	atEnd                  // its handler has returned
)

// stop stops a request until the schedule lets it go on, or ends it, which is
// what becomes of a process that dies.
func (r *request) stop(where place) {
	r.stopped <- where
	<-r.resume
	if r.killed {
		runtime.Goexit()
	}
}
