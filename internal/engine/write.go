package engine

import (
	"context"
	"time"

	"github.com/typedsession/typedsession/internal/payload"
	"github.com/typedsession/typedsession/internal/token"
	"github.com/typedsession/typedsession/store"
)

// Change says how a write differs from the snapshot that it is based on.
type Change struct {
	State      []byte // the encoded state behind payload.Room bytes of space; nil: as it was
	Subject    string
	Persistent bool
	Extend     bool   // the idle timeout starts again
	Renew      bool   // the session gets a new secret
	Login      bool   // the subject counts as just authenticated
	Label      string // with Login
	Exempt     bool   // the session is spared by the revocation of its subject
	Arrived    int64  // when the request arrived; with Login and Exempt, and for Restore
}

// Create stores a new session under a new or a given ID and fills in its
// snapshot. Returns ErrExists, ErrTooLarge, ErrFull, ErrRevoked or
// ErrUnavailable. In the last case the session may have been stored.
func (e *Engine) Create(ctx context.Context, id store.ID, ch *Change, out *Snapshot) error {
	now := time.Now().UnixMilli()
	created := now
	if e.client != nil {
		created = min(created, ch.Arrived) // Authenticated is never before it
	}
	rec := e.record(&Snapshot{ID: id, Meta: payload.Meta{Created: created, Renewed: now}}, ch, now, out)
	return e.create(ctx, &rec, out)
}

// Restorable reports whether Restore may be called for the snapshot that a
// request has, which arrived at the given time: whether the session has expired
// in the store while the request was using it. The store must tell of everything
// that has happened to the session since the snapshot was taken:
//
//   - The tombstone of a deletion at that time must still be there.
//   - A record that another request has written since, under a new secret for
//     instance, must not have expired too. It lives for an idle timeout at least, or
//     until the absolute timeout after the creation.
//   - The subject must stay the same: the revocations of the former one would not
//     be compared.
func (e *Engine) Restorable(s *Snapshot, subject string, arrived int64) bool {
	now := time.Now().UnixMilli()
	return e.client == nil && now >= s.Expires && s.Expires > arrived &&
		now-s.Seen < min((store.TombstoneLife-restoreMargin).Milliseconds(), e.idle-e.idle/10) &&
		now < s.Meta.Created+e.absolute &&
		(s.Subject == "" || s.Subject == subject)
}

// restoreMargin, and a tenth of the idle timeout, are for the time that a call of the
// store takes, and for the differences between clocks.
const restoreMargin = time.Minute

// Restore stores the session of a snapshot again, after its record has expired
// in the store while a request was using it. A revocation or a deletion since
// then is not undone: returns ErrExists for a deleted session, and ErrRevoked for
// a revoked subject. Returns what Create returns.
func (e *Engine) Restore(ctx context.Context, s *Snapshot, ch *Change, out *Snapshot) error {
	now := max(time.Now().UnixMilli(), s.Meta.Created)
	restored := *ch
	restored.Extend = true
	rec := e.record(s, &restored, now, out)
	if rec.Subject != "" {
		rec.LoginSince = time.UnixMilli(ch.Arrived)
		rec.IndexUntil = e.indexUntil(&out.Meta)
	}
	return e.create(ctx, &rec, out)
}

func (e *Engine) create(ctx context.Context, rec *store.Record, out *Snapshot) (err error) {
	if e.client == nil {
		return classify(e.store.Create(ctx, *rec))
	}
	if revoked, err := e.loginRevoked(ctx, rec); revoked || err != nil {
		return orRevoked(err)
	}
	out.Encoded, err = e.encode(*rec)
	return err
}

func orRevoked(err error) error {
	if err != nil {
		return err
	}
	return store.ErrRevoked
}

// Update stores a changed or extended session and fills in its new snapshot.
// Returns a *store.ConflictError, ErrNotFound, ErrTooLarge, ErrRevoked or
// ErrUnavailable. In the last case the write may have been applied: then its
// revision and secret are those of out.
func (e *Engine) Update(ctx context.Context, s *Snapshot, ch *Change, out *Snapshot) (err error) {
	now := max(time.Now().UnixMilli(), s.Meta.Created)
	rec := e.record(s, ch, now, out)
	if e.client == nil {
		return classify(e.store.Update(ctx, s.Rev, rec))
	}
	// If the session was revoked since it was loaded, a new cookie would be a
	// new lease.
	switch revoked, err := e.revoked(ctx, s); {
	case err != nil:
		return err
	case revoked:
		return store.ErrNotFound
	}
	if revoked, err := e.loginRevoked(ctx, &rec); revoked || err != nil {
		return orRevoked(err)
	}
	out.Encoded, err = e.encode(rec)
	return err
}

// Delete ends the session. A session that the client holds is revoked, if there
// is a Revoker.
func (e *Engine) Delete(ctx context.Context, id store.ID) error {
	switch {
	case e.client == nil:
		return classify(e.store.Delete(ctx, id))
	case e.revoker != nil:
		return e.revokeID(ctx, id)
	}
	return nil
}

// record returns the record that a change makes of a snapshot, and fills in the
// snapshot of that record.
func (e *Engine) record(s *Snapshot, ch *Change, now int64, out *Snapshot) store.Record {
	meta, secret := e.newMeta(s, ch, now)
	buf := ch.State
	if buf == nil {
		buf = append(make([]byte, payload.Room, payload.Room+len(s.State)), s.State...)
	}
	*out = Snapshot{
		ID: s.ID, Rev: store.NewRev(), Expires: e.expiry(&meta), Subject: ch.Subject,
		Meta: meta, State: buf[payload.Room:], Secret: secret, Seen: now,
	}
	rec := store.Record{
		ID: out.ID, Rev: out.Rev, Expires: time.UnixMilli(out.Expires), Subject: ch.Subject,
		Payload: e.payloads.Close(buf, &meta, out.ID, ch.Subject),
	}
	if rec.Subject == "" {
		return rec
	}
	if ch.Login {
		rec.LoginSince = time.UnixMilli(ch.Arrived)
	}
	if ch.Login || ch.Subject != s.Subject || e.period(meta.Extended) != e.period(s.Meta.Extended) {
		rec.IndexUntil = e.indexUntil(&meta)
	}
	return rec
}

// newMeta returns the meta data and the secret after a change.
func (e *Engine) newMeta(s *Snapshot, ch *Change, now int64) (payload.Meta, token.Secret) {
	meta, secret := s.Meta, s.Secret
	meta.Persistent = ch.Persistent
	if ch.Extend {
		meta.Extended = now
	}
	if ch.Login || ch.Subject == "" {
		meta.Authenticated, meta.Exempted, meta.Label = 0, 0, ""
	}
	if ch.Login && ch.Subject != "" {
		meta.Authenticated, meta.Label = now, ch.Label
		if e.client != nil {
			// Revocations are compared with it at every load: one that is being
			// stored now covers a login that arrived before it.
			meta.Authenticated = max(ch.Arrived, meta.Created)
		}
	}
	if ch.Exempt {
		meta.Exempted = max(ch.Arrived, meta.Created)
	}
	if ch.Renew {
		meta.Renewed = now
		if e.client == nil {
			secret = token.NewSecret()
			hash := secret.Hash()
			meta.SecretHash = &hash
		}
	}
	return meta, secret
}

// period returns which tenth of an idle timeout a time is in. A session is put
// into the index of its subject again once in each, so that an entry that was
// evicted comes back and few writes pay for it.
func (e *Engine) period(ms int64) int64 { return ms / max(e.idle/10, 1) }

// indexUntil returns until when a session must be in the index of its subject if
// it is put there now: until the latest expiry that a write in the same period
// can give it.
func (e *Engine) indexUntil(m *payload.Meta) time.Time {
	until := min(m.Extended+e.idle+e.idle/10, max(m.Created, m.Authenticated)+e.absolute)
	return time.UnixMilli(until)
}
