package frameworks_test

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/typedsession/typedsession/store"
)

// store keeps sessions in memory, and fails when it is told to.
type st struct {
	store.Store
	mu   sync.Mutex
	down string
	ops  []string
}

// fail makes an operation fail from now on, and no other.
func (s *st) fail(op string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = op
}

// asked returns the operations since the last call.
func (s *st) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ops := strings.Join(s.ops, " ")
	s.ops = nil
	return ops
}

func (s *st) enter(op string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ops = append(s.ops, op)
	if op == s.down {
		return fmt.Errorf("%s: down", op)
	}
	return nil
}

func (s *st) Create(ctx context.Context, rec store.Record) (string, error) {
	if err := s.enter("create"); err != nil {
		return "", err
	}
	return s.Store.Create(ctx, rec)
}

func (s *st) Load(ctx context.Context, ref string) (store.Record, error) {
	if err := s.enter("load"); err != nil {
		return store.Record{}, err
	}
	return s.Store.Load(ctx, ref)
}

func (s *st) Update(ctx context.Context, ref string, base store.Rev, rec store.Record) (string, error) {
	if err := s.enter("update"); err != nil {
		return "", err
	}
	return s.Store.Update(ctx, ref, base, rec)
}
