package session_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// TestIndexAgreesWithTheRecords begins, ends, moves and forgets 10,000 sessions
// at random, and compares what the index tells with what is live, all the time
// and at the end, when nothing is and the index must be empty too.
func TestIndexAgreesWithTheRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		m := newManager(t, st)
		const subjects = 50
		live := map[*browser]string{}
		compare := func(subject string) {
			want := 0
			for b, owner := range live {
				if owner != subject {
					continue
				}
				if b.expires.After(time.Now()) {
					want++
				} else {
					delete(live, b)
				}
			}
			if got := len(list(t, m, subject)); got != want {
				t.Fatalf("%s has %d sessions in the index, %d live", subject, got, want)
			}
		}
		touch := func(b *browser) { b.expires = time.Now().Add(time.Hour) }
		for i := range 10_000 {
			subject := fmt.Sprintf("user %d", rand.IntN(subjects))
			b := newBrowser(t, nil)
			b.do(m, loginAs(subject))
			touch(b)
			live[b] = subject
			for b, owner := range live { // one at random
				switch rand.IntN(6) {
				case 0:
					b.do(m, destroy)
					delete(live, b)
				case 1:
					if b.expires.After(time.Now()) {
						other := owner
						for other == owner {
							other = fmt.Sprintf("user %d", rand.IntN(subjects))
						}
						b.do(m, loginAs(other))
						touch(b)
						live[b] = other
					}
				case 2:
					if err := m.Revoke(t.Context(), b.id(m)); err != nil {
						t.Fatal(err)
					}
					delete(live, b)
				}
				break
			}
			if i%200 == 0 {
				time.Sleep(time.Duration(rand.IntN(20)) * time.Minute)
				compare(subject)
			}
			if i%1000 == 0 {
				st.DeleteExpired()
			}
		}
		for i := range subjects {
			compare(fmt.Sprintf("user %d", i))
		}
		time.Sleep(24 * time.Hour)
		st.DeleteExpired()
		for i := range subjects {
			var index store.SubjectIndex = st
			if left, err := index.ListSessions(t.Context(), fmt.Sprintf("user %d", i)); len(left) > 0 || err != nil {
				t.Errorf("user %d: %d sessions are left in the index, %v", i, len(left), err)
			}
		}
	})
}
