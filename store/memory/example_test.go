package memory_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

func ExampleStore() {
	ctx := context.Background()
	st := &memory.Store{MaxSessions: 1}
	for i := range 2 {
		_, err := st.Create(ctx, session.Record{
			ID:      session.ID{byte(i)},
			Expires: time.Now().Add(time.Hour),
		})
		fmt.Println(err, errors.Is(err, memory.ErrFull))
	}
	// Output:
	// <nil> false
	// memory: MaxSessions reached true
}

// A program whose traffic may stop gives the memory back by sweeping.
func ExampleStore_Sweep() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel() // when the program ends

	st := memory.New()
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			st.Sweep()
		case <-ctx.Done():
			fmt.Println("done")
			return
		}
	}
	// Output: done
}
