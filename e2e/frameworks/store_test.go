package frameworks_test

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/typedsession/typedsession/store"
)

// failingStore keeps sessions in memory, and fails when the test tells it to.
type failingStore struct {
	store.Store
	mu   sync.Mutex
	down string
	ops  []string
}

// fail makes an operation fail from now on, and no other.
func (s *failingStore) fail(op string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = op
}

// asked returns the operations since the last call.
func (s *failingStore) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ops := strings.Join(s.ops, " ")
	s.ops = nil
	return ops
}

func (s *failingStore) enter(op string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ops = append(s.ops, op)
	if op == s.down {
		return fmt.Errorf("%s: down", op)
	}
	return nil
}

func (s *failingStore) Create(ctx context.Context, rec store.Record) error {
	if err := s.enter("create"); err != nil {
		return err
	}
	return s.Store.Create(ctx, rec)
}

func (s *failingStore) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if err := s.enter("load"); err != nil {
		return store.Record{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s *failingStore) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	if err := s.enter("update"); err != nil {
		return err
	}
	return s.Store.Update(ctx, base, rec)
}
