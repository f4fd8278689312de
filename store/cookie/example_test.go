package cookie_test

import (
	"fmt"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

// The record is in the text. A session manager encrypts the text and sends it as
// a cookie.
func ExampleStore() {
	st := cookie.New()
	text, err := st.Encode(store.Record{
		ID:      store.NewID(),
		Expires: time.Now().Add(time.Hour),
		Subject: "alice",
		Payload: []byte("state"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	rec, err := st.Decode(text)
	fmt.Println(len(text), rec.Subject, string(rec.Payload), err)
	// Output: 34 alice state <nil>
}
