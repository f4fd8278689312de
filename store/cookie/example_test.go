package cookie_test

import (
	"context"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
)

// A ref is the record. Deleting it does not end the session of somebody who
// kept a copy.
func Example() {
	ctx := context.Background()
	st := cookie.New()
	ref, err := st.Create(ctx, session.Record{
		Expires: time.Now().Add(time.Hour),
		Payload: []byte("state"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := st.Delete(ctx, ref); err != nil {
		fmt.Println(err)
		return
	}
	rec, err := st.Load(ctx, ref)
	fmt.Println(len(ref), "bytes:", string(rec.Payload), err)
	// Output: 29 bytes: state <nil>
}
