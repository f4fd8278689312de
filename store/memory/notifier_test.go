package memory_test

import (
	"testing"
	"time"

	"github.com/typedsession/typedsession/store/memory"
)

func TestSubscriptionsAreRemoved(t *testing.T) {
	st := memory.New()
	rec := newRecord(time.Hour)
	create(t, st, rec)
	for range 10 {
		_, stop := st.Subscribe(rec.ID)
		defer stop() // after the channel was closed
		_, stop = st.Subscribe(rec.ID)
		stop()
		stop()
	}
	if got := st.Subscriptions(); got != 10 {
		t.Errorf("%d subscriptions, want 10", got)
	}
	if err := st.Delete(t.Context(), rec.ID); err != nil {
		t.Fatal(err)
	}
	if got := st.Subscriptions(); got != 0 {
		t.Errorf("%d subscriptions after the record was deleted, want 0", got)
	}
}
