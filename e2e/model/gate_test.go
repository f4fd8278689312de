package model_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// indexedStore is what a store must be for the model.
type indexedStore interface {
	store.Store
	store.SubjectIndex
}

// gate is a store that stops every request at each of its calls, until the
// schedule has made the call, or has broken it.
type gate struct{ indexedStore }

// call is a call of the store that a request has stopped at.
type call struct {
	op    string
	id    session.ID
	rec   store.Record // of a write
	user  string       // of a call of the index
	at    time.Time    // when it was made
	built time.Time    // when what it writes was built
	do    func() error // makes it
	err   error        // what the request is answered
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
	c.built = c.at
	if before := r.call; before != nil &&
		(before.op == "index" && before.err == nil || before.op == "create" && errors.Is(before.err, store.ErrExists)) {
		c.built = before.built // it was noted before, or tried under another ID
	}
	r.call = c
	r.stop(atCall)
	return c.err
}

func (g gate) Create(ctx context.Context, rec store.Record) (ref string, err error) {
	rec.Payload = bytes.Clone(rec.Payload) // it may be stored late
	err = pass(ctx, &call{op: "create", id: rec.ID, rec: rec, do: func() (err error) {
		ref, err = g.indexedStore.Create(unbound(ctx), rec)
		return err
	}})
	return ref, err
}

func (g gate) Load(ctx context.Context, ref string) (rec store.Record, err error) {
	id, err := store.ParseID(ref)
	if err != nil {
		return rec, err
	}
	err = pass(ctx, &call{op: "load", id: id, do: func() (err error) {
		rec, err = g.indexedStore.Load(unbound(ctx), ref)
		return err
	}})
	return rec, err
}

func (g gate) Update(ctx context.Context, ref string, base store.Rev, rec store.Record) (newRef string, err error) {
	rec.Payload = bytes.Clone(rec.Payload)
	err = pass(ctx, &call{op: "update", id: rec.ID, rec: rec, do: func() (err error) {
		newRef, err = g.indexedStore.Update(unbound(ctx), ref, base, rec)
		return err
	}})
	return newRef, err
}

func (g gate) Delete(ctx context.Context, id store.ID) error {
	id, err := store.ParseID(ref)
	if err != nil {
		return err
	}
	return pass(ctx, &call{op: "delete", id: id, do: func() error {
		return g.indexedStore.Delete(unbound(ctx), ref)
	}})
}

func (g gate) Index(ctx context.Context, subject string, id session.ID, until time.Time) error {
	return pass(ctx, &call{op: "index", id: id, user: subject, do: func() error {
		return g.indexedStore.Index(unbound(ctx), subject, id, until)
	}})
}

func (g gate) Unindex(ctx context.Context, subject string, id session.ID) error {
	return pass(ctx, &call{op: "unindex", id: id, user: subject, do: func() error {
		return g.indexedStore.Unindex(unbound(ctx), subject, id)
	}})
}

func (g gate) Indexed(ctx context.Context, subject string) (indexed []store.Indexed, err error) {
	err = pass(ctx, &call{op: "indexed", user: subject, do: func() (err error) {
		indexed, err = g.indexedStore.Indexed(unbound(ctx), subject)
		// They come in any order, and a schedule must always run alike.
		slices.SortFunc(indexed, func(a, b store.Indexed) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		return err
	}})
	return indexed, err
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
