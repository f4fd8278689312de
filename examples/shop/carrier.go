package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
)

// carrier brings the parcels. It is the URL of a service that answers with the
// day on which one would arrive, as 2006-01-02. The empty one is played by the
// shop, which takes as long over it as such services do.
type carrier string

const (
	carrierTakes = 3 * time.Second  // where the shop plays it
	carrierLimit = 15 * time.Second // a service that says nothing holds a request
)

// arrival asks for the day on which a parcel would arrive.
func (c carrier) arrival(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, carrierLimit)
	defer cancel()
	if c == "" {
		select {
		case <-time.After(carrierTakes):
			return time.Now().AddDate(0, 0, 3), nil
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, string(c), nil)
	if err != nil {
		return time.Time{}, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return time.Time{}, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return time.Time{}, fmt.Errorf("the carrier answered %s", res.Status)
	}
	day, err := io.ReadAll(io.LimitReader(res.Body, int64(len(time.DateOnly))))
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.DateOnly, string(day))
}

// askCarrier asks when the order would arrive, and notes the answer. Other tabs
// may change the session while the carrier is asked: the Update is applied to
// what they have left. If a logout ends the session in that time, the Update is
// not saved, since it must not bring the session back, and sessionError answers.
func (sh *shop) askCarrier(w http.ResponseWriter, r *http.Request, s *session.Session[State], _ User) {
	day, err := sh.carrier.arrival(r.Context())
	if err != nil {
		sh.refuse(w, http.StatusBadGateway, "The carrier does not answer",
			"You can order all the same, and we will write to you when your parcel leaves.", "/checkout")
		return
	}
	s.Update(func(st *State) { st.Arrives = day.Format("Monday, 2 January") })
	http.Redirect(w, r, "/checkout", http.StatusSeeOther)
}
