package memory_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// A full store refuses new sessions and keeps those that it has.
func ExampleStore() {
	ctx := context.Background()
	st := &memory.Store{MaxSessions: 1}
	for range 2 {
		err := st.Create(ctx, store.Record{
			ID:      store.NewID(),
			Rev:     store.NewRev(),
			Expires: time.Now().Add(time.Hour),
		})
		fmt.Println(errors.Is(err, store.ErrFull))
	}
	// Output:
	// false
	// true
}

// A program whose traffic may stop calls DeleteExpired to get memory back.
func ExampleStore_DeleteExpired() {
	// A program would use a context that ends when the program ends.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()

	st := memory.New()
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			st.DeleteExpired()
		case <-ctx.Done():
			fmt.Println("done")
			return
		}
	}
	// Output: done
}
