package storetest

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/typedsession/typedsession/session"
)

// newID draws an ID.
func newID() session.ID {
	var id session.ID
	rand.Read(id[:])
	return id
}

// newRev draws a revision.
func newRev() session.Rev {
	var b [8]byte
	rand.Read(b[:])
	return session.Rev(binary.BigEndian.Uint64(b[:]))
}

// after returns the time d from now, in whole milliseconds.
func after(d time.Duration) time.Time { return time.Now().Add(d).Truncate(time.Millisecond) }

// sleepUntil returns at the time when, or later.
func sleepUntil(when time.Time) {
	for time.Now().Before(when) {
		time.Sleep(time.Until(when))
	}
}

// newRecord returns a record that is not like another one in any field.
func newRecord() session.Record { return nextWrite(session.Record{ID: newID()}) }

// nextWrite returns another record for the same session: all but the ID differs.
// The other fields follow from the revision, see checkWhole.
func nextWrite(rec session.Record) session.Record {
	rev := newRev()
	expires := time.Now().Truncate(time.Hour).Add(2 * time.Hour).Add(withinHour(rev))
	subject, payload := contents(rev)
	return session.Record{ID: rec.ID, Rev: rev, Expires: expires, Subject: subject, Payload: payload}
}

// checkWhole checks that all fields of a record come from one nextWrite.
func checkWhole(rec session.Record) error {
	subject, payload := contents(rec.Rev)
	inHour := rec.Expires.Sub(rec.Expires.Truncate(time.Hour))
	if rec.Subject == subject && bytes.Equal(rec.Payload, payload) && inHour == withinHour(rec.Rev) {
		return nil
	}
	return broke(ruleUpdate, "the record is a mixture of two writes: revision %016x, expires %v, subject %q, payload %x",
		uint64(rec.Rev), rec.Expires, rec.Subject, rec.Payload)
}

// contents returns the subject and the payload that belong to a revision. They
// are plain text, so that only the cases about unusual bytes fail for a store
// that cannot hold them.
func contents(rev session.Rev) (string, []byte) {
	word := fmt.Appendf(nil, "%016x", uint64(rev))
	return "subject-" + string(word), bytes.Repeat(word, 1+int(rev%16))
}

// withinHour returns the seconds of an hour that belong to a revision.
func withinHour(rev session.Rev) time.Duration { return time.Duration(rev%3600) * time.Second }

// create stores a new record, which must succeed.
func (t *trial) create(rec session.Record) string {
	t.Helper()
	ref, err := t.store.Create(t.Context(), rec)
	if err != nil {
		t.broke(ruleCreate, "Create of a new ID: %v", err)
	}
	return ref
}

// update replaces a record, which must succeed.
func (t *trial) update(ref string, base session.Rev, rec session.Record) string {
	t.Helper()
	ref, err := t.store.Update(t.Context(), ref, base, rec)
	if err != nil {
		t.broke(ruleUpdate, "Update of the current revision: %v", err)
	}
	return ref
}

// delete removes a record, which must succeed.
func (t *trial) delete(ref string) {
	t.Helper()
	if err := t.store.Delete(t.Context(), ref); err != nil {
		t.broke(ruleDelete, "Delete: %v", err)
	}
}

// load returns a record that must be there.
func (t *trial) load(ref string) session.Record {
	t.Helper()
	rec, err := t.store.Load(t.Context(), ref)
	if err != nil {
		t.broke(ruleLoad, "Load: %v", err)
	}
	return rec
}

// wantRecord checks that the store has this record.
func (t *trial) wantRecord(r rule, ref string, want session.Record) {
	t.Helper()
	got, err := t.store.Load(t.Context(), ref)
	if err != nil {
		t.broke(r, "Load: %v", err)
	}
	if diff := t.diff(want, got); diff != "" {
		t.broke(r, "Load: %s", diff)
	}
}

// wantGone checks that the store does not have the record.
func (t *trial) wantGone(r rule, ref string) {
	t.Helper()
	rec, err := t.store.Load(t.Context(), ref)
	if err == nil {
		t.broke(r, "Load found %v of revision %016x, want ErrNotFound", rec.ID, uint64(rec.Rev))
	}
	t.wantError(r, "Load", err, session.ErrNotFound)
}

// wantError checks that what was done failed with this error.
func (t *trial) wantError(r rule, what string, err, want error) {
	t.Helper()
	if err == nil {
		t.broke(r, "%s succeeded, want: %v", what, want)
	}
	if !errors.Is(err, want) {
		t.broke(r, "%s: error %q, want one that is: %v", what, err, want)
	}
}

// wantConflict checks that an update failed with a ConflictError that holds the
// current record, and returns that.
func (t *trial) wantConflict(err error, current session.Record) session.Record {
	t.Helper()
	t.wantError(ruleConflict, "Update of a revision that is not current", err, session.ErrConflict)
	var conflict *session.ConflictError
	if !errors.As(err, &conflict) {
		t.broke(ruleConflict, "Update: %T, want a *session.ConflictError", err)
	}
	if diff := t.diff(current, conflict.Current); diff != "" {
		t.broke(ruleConflict, "ConflictError.Current: %s", diff)
	}
	return conflict.Current
}

// diff returns how two records differ, or "". No payload is as good as an empty
// one, and a revision is compared where the store holds it.
func (t *trial) diff(want, got session.Record) string {
	var diffs []string
	if got.ID != want.ID {
		diffs = append(diffs, fmt.Sprintf("ID is %v, want %v", got.ID, want.ID))
	}
	if got.Rev != want.Rev && t.holdsRevisions() {
		diffs = append(diffs, fmt.Sprintf("Rev is %016x, want %016x", uint64(got.Rev), uint64(want.Rev)))
	}
	if !got.Expires.Equal(want.Expires) {
		diffs = append(diffs, fmt.Sprintf("Expires is %v, want %v", got.Expires.UTC(), want.Expires.UTC()))
	}
	if got.Subject != want.Subject {
		diffs = append(diffs, fmt.Sprintf("Subject is %q, want %q", got.Subject, want.Subject))
	}
	if !bytes.Equal(got.Payload, want.Payload) {
		same := 0
		for same < min(len(got.Payload), len(want.Payload)) && got.Payload[same] == want.Payload[same] {
			same++
		}
		diffs = append(diffs, fmt.Sprintf("Payload of %d bytes, want %d; the first %d are the same", len(got.Payload), len(want.Payload), same))
	}
	return strings.Join(diffs, "; ")
}
