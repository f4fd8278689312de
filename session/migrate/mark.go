package migrate

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha512"
	"errors"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/store"
)

// lease is how long requests that bring an old session wait for the one that
// adopts it, if that one has died. It is far longer than the two writes take.
const lease = 10 * time.Second

// errPending means that another request is adopting the session.
var errPending = errors.New("migrate: another request is adopting the session")

// mark records what has become of an old session: first, that a request is
// adopting it; then the cookie of the new session. The cookie is encrypted, so
// that an attacker who reads the store cannot use it. Both the ID of the mark and
// the encryption key come from the old cookie, so that only a request that brings
// the old cookie finds and reads the mark.
type mark struct {
	store store.Store
	id    store.ID
	key   [32]byte
	rev   store.Rev // of our claim
}

func newMark(st store.Store, old string) *mark {
	sum := sha512.Sum512([]byte(old))
	return &mark{store: st, id: store.ID(sum[:16]), key: [32]byte(sum[32:])}
}

// find returns what the mark holds. Returns store.ErrNotFound if there is no mark,
// and errPending if it holds no cookie yet.
func (m *mark) find(ctx context.Context) (string, error) {
	rec, err := m.store.Load(ctx, m.id)
	switch {
	case err != nil:
		return "", fmt.Errorf("migrate: find a mark: %w", err)
	case len(rec.Payload) == 0:
		return "", errPending
	}
	aead, err := m.aead()
	if err != nil {
		return "", err
	}
	text, err := aead.Open(nil, nil, rec.Payload, nil)
	if err != nil {
		return "", fmt.Errorf("migrate: the mark cannot be read: %w", err)
	}
	return string(text), nil
}

// claim makes the mark, in one atomic step. Returns store.ErrExists if another
// request has made it.
func (m *mark) claim(ctx context.Context) error {
	rec := m.record(nil, time.Now().Add(lease))
	if err := m.store.Create(ctx, rec); err != nil {
		return fmt.Errorf("migrate: claim: %w", err)
	}
	m.rev = rec.Rev
	return nil
}

// settle completes our claim. It fails if the lease has expired, so that a session
// that was adopted twice is not passed on twice.
func (m *mark) settle(ctx context.Context, text string, until time.Time) error {
	if _, ok := m.store.(store.ClientHeld); ok {
		return nil // it keeps no marks
	}
	aead, err := m.aead()
	if err != nil {
		return err
	}
	rec := m.record(aead.Seal(nil, nil, []byte(text), nil), until)
	if err := m.store.Update(ctx, m.rev, rec); err != nil {
		return fmt.Errorf("migrate: settle: %w", err)
	}
	return nil
}

// release gives up our claim. It does not delete the record, because a store
// remembers a deleted record for a while and refuses its ID. If release fails, the
// lease expires.
func (m *mark) release(ctx context.Context) {
	_ = m.store.Update(ctx, m.rev, m.record(nil, time.Now().Add(2*time.Millisecond)))
}

func (m *mark) record(payload []byte, expires time.Time) store.Record {
	return store.Record{
		ID:      m.id,
		Rev:     store.NewRev(),
		Expires: expires.Truncate(time.Millisecond),
		Payload: payload,
	}
}

func (m *mark) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(m.key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
