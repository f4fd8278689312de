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

// lease is how long the requests that bring an old session wait for the one that
// carries it over, should that have died. It is far longer than the two writes
// take.
const lease = 10 * time.Second

// errPending means that another request is about to carry the session over.
var errPending = errors.New("migrate: somebody else is at it")

// mark is where it is noted what has become of an old session: at first, that a
// request is carrying it over; then, by a cookie, into which new one. That is
// encrypted, since whoever reads the store must not be able to use it. Both the
// place and the key come from the old cookie, so that who brings that, and nobody
// else, finds and reads the mark.
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

// find returns what the mark holds. The error is store.ErrNotFound where there
// is none, and errPending where there is not yet more to it.
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
		return "", fmt.Errorf("migrate: a mark that is none: %w", err)
	}
	return string(text), nil
}

// claim makes the mark, in one atomic step. The error is store.ErrExists where
// another request has done so.
func (m *mark) claim(ctx context.Context) error {
	rec := m.record(nil, time.Now().Add(lease))
	if err := m.store.Create(ctx, rec); err != nil {
		return fmt.Errorf("migrate: claim: %w", err)
	}
	m.rev = rec.Rev
	return nil
}

// settle completes our claim. It fails where the lease has run out, so that what
// was carried over twice is not passed on twice.
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

// release gives up our claim. It does not delete it: a Store may keep the place
// of a deleted record taken for a while. Should it fail, the lease runs out.
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
