package migrate

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/session"
)

// mark is where it is noted what has become of an old session. It holds a cookie
// of the new one, encrypted: whoever reads the store must not be able to use it.
// Both the place and the key come from the old cookie, so that who brings that,
// and nobody else, finds and reads the mark.
type mark struct {
	id  session.ID
	key [32]byte
}

func newMark(old string) mark {
	sum := sha512.Sum512([]byte(old))
	return mark{id: session.ID(sum[:16]), key: [32]byte(sum[32:])}
}

// leave makes the mark. The error is session.ErrExists where it was made before.
func (m mark) leave(ctx context.Context, store session.Store, text string, until time.Time) error {
	aead, err := m.cipher()
	if err != nil {
		return err
	}
	var rev [8]byte
	_, _ = rand.Read(rev[:]) // never fails
	_, err = store.Create(ctx, session.Record{
		ID:      m.id,
		Rev:     session.Rev(binary.BigEndian.Uint64(rev[:])),
		Expires: until.Truncate(time.Millisecond),
		Payload: aead.Seal(nil, nil, []byte(text), nil),
	})
	if err != nil {
		return fmt.Errorf("migrate: leave a mark: %w", err)
	}
	return nil
}

// find returns what the mark holds. The error is session.ErrNotFound where there
// is none.
func (m mark) find(ctx context.Context, store session.Store) (text string, err error) {
	rec, err := store.Load(ctx, m.id.String())
	if err != nil {
		return "", fmt.Errorf("migrate: find a mark: %w", err)
	}
	aead, err := m.cipher()
	if err != nil {
		return "", err
	}
	plain, err := aead.Open(nil, nil, rec.Payload, nil)
	if err != nil {
		return "", fmt.Errorf("migrate: a mark that is none: %w", err)
	}
	return string(plain), nil
}

func (m mark) cipher() (cipher.AEAD, error) {
	block, err := aes.NewCipher(m.key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
