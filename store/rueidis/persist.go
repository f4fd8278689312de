package rueidis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	client "github.com/redis/rueidis"
)

// persist makes attempts until the server has answered one, or ctx has ended.
//
// The client could repeat commands too, and is kept from it. It would not say
// whether it has repeated a write. And, as of v1.0.79, it gives a repeated
// command's memory to the next one while the goroutine that wrote to the broken
// connection may still be reading it: the race detector finds that within
// seconds when connections are cut.
func (st *Store) persist(ctx context.Context, attempt func() error) error {
	var telling error
	for n := 0; ; n++ {
		err := attempt()
		if err == nil || !isTransient(err) {
			return err
		}
		if isReadOnly(err) && st.conns != nil {
			st.conns.CloseSettled()
		}
		if telling == nil || tells(err) >= tells(telling) {
			telling = err
		}
		if ended := pause(ctx, n); ended != nil {
			if errors.Is(telling, ended) {
				return telling
			}
			return fmt.Errorf("%w, after %d attempts: %w", ended, n+1, telling)
		}
	}
}

// tells ranks errors by what they say about the cause: most if a server has
// refused, and least if an attempt was cut off, as the last one often is.
func tells(err error) int {
	var timeout net.Error
	switch {
	case isRefusalWith(err, ""):
		return 2
	case errors.As(err, &timeout) && timeout.Timeout():
		return 0
	}
	return 1
}

// isTransient reports whether trying again may help: the connection broke, the
// server is about to be there, or another one has become the master.
func isTransient(err error) bool {
	var short *replicasError
	if client.IsRedisNil(err) || errors.Is(err, client.ErrClosing) || errors.As(err, &short) {
		return false
	}
	if refusal, ok := client.IsRedisErr(err); ok {
		_, moved := refusal.IsMoved()
		_, ask := refusal.IsAsk()
		return moved || ask || refusal.IsLoading() || refusal.IsClusterDown() || refusal.IsTryAgain() || isReadOnly(err)
	}
	return true
}

// isRefusal reports whether a failed attempt has certainly changed nothing:
// the server said no, or was not reached.
func isRefusal(err error) bool {
	if isRefusalWith(err, "") {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// pause waits before one more attempt, for up to a millisecond at first and up
// to 64 later, at random so that all who lost one connection do not come back
// at once. It returns ctx's error if ctx ends first.
func pause(ctx context.Context, attempt int) error {
	bound := time.Millisecond << min(attempt, 6)
	var random [4]byte
	rand.Read(random[:]) // never fails: it ends the program instead
	half := time.Duration(binary.BigEndian.Uint32(random[:])) % (bound / 2)
	timer := time.NewTimer(bound/2 + half)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
