package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/typedsession/typedsession/store"
)

// after returns the time d from now, in whole milliseconds.
func after(d time.Duration) time.Time { return time.Now().Add(d).Truncate(time.Millisecond) }

// sleepUntil returns at the time when, or later.
func sleepUntil(when time.Time) {
	for time.Now().Before(when) {
		time.Sleep(time.Until(when))
	}
}

// newSubject returns a subject that no other case uses.
func newSubject() string { return "subject-" + store.NewID().String() }

// newRecord returns a record that differs from every other one in each field.
func newRecord() store.Record { return nextWrite(store.Record{ID: store.NewID()}) }

// nextWrite returns another record for the same session. All fields but the ID
// differ and follow from the revision, so that [checkWhole] can find mixtures.
func nextWrite(rec store.Record) store.Record {
	rev := store.NewRev()
	expires := time.Now().Truncate(time.Hour).Add(2 * time.Hour).Add(withinHour(rev))
	subject, payload := contents(rev)
	return store.Record{ID: rec.ID, Rev: rev, Expires: expires, Subject: subject, Payload: payload}
}

// newLogin returns the record of a login of a subject that is happening now.
func newLogin(subject string) store.Record { return loginOf(newRecord(), subject, after(0)) }

// loginOf returns the record of a write by which a session becomes a subject's.
func loginOf(rec store.Record, subject string, since time.Time) store.Record {
	next := nextWrite(rec)
	next.Subject, next.LoginSince, next.IndexUntil = subject, since, after(24*time.Hour)
	return next
}

// nextOf returns another record for the same session of the same subject.
func nextOf(rec store.Record) store.Record {
	next := nextWrite(rec)
	next.Subject = rec.Subject
	return next
}

// checkWhole checks that all fields of a record come from one nextWrite.
func checkWhole(rec store.Record) error {
	subject, payload := contents(rec.Rev)
	inHour := rec.Expires.Sub(rec.Expires.Truncate(time.Hour))
	if rec.Subject == subject && bytes.Equal(rec.Payload, payload) && inHour == withinHour(rec.Rev) {
		return nil
	}
	return broke(ruleUpdateAtomic, "the record is a mixture of two writes: revision %016x, expires %v, subject %q, payload %x",
		uint64(rec.Rev), rec.Expires, rec.Subject, rec.Payload)
}

// contents returns the subject and the payload that belong to a revision. They
// are plain text, so that only the cases about unusual bytes fail for a store
// that cannot keep such bytes.
func contents(rev store.Rev) (string, []byte) {
	word := fmt.Appendf(nil, "%016x", uint64(rev))
	return "subject-" + string(word), bytes.Repeat(word, 1+int(rev%16))
}

// withinHour returns the seconds of an hour that belong to a revision.
func withinHour(rev store.Rev) time.Duration { return time.Duration(rev%3600) * time.Second }

// diff returns how two records differ, or "". No payload equals an empty one.
// The fields that belong to the write are not compared.
func diff(want, got store.Record) string {
	diffs := diffContent(want, got)
	if got.Rev != want.Rev {
		diffs = append(diffs, fmt.Sprintf("Rev is %016x, want %016x", uint64(got.Rev), uint64(want.Rev)))
	}
	return strings.Join(diffs, "; ")
}

// diffContent is diff without the revision.
func diffContent(want, got store.Record) []string {
	var diffs []string
	if got.ID != want.ID {
		diffs = append(diffs, fmt.Sprintf("ID is %v, want %v", got.ID, want.ID))
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
		diffs = append(diffs, fmt.Sprintf("Payload has %d bytes, want %d; the first %d are equal", len(got.Payload), len(want.Payload), same))
	}
	return diffs
}
