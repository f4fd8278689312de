package recipes_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// Flow is what a login remembers from its beginning to the provider's answer.
type Flow struct {
	Verifier string // PKCE, RFC 7636
	Return   string // a path of this site
	Until    time.Time
}

// Flows keeps each login that is under way in a cookie of its own. Tabs that begin
// at once, before there is a session, do not overwrite each other's.
type Flows struct{ aead cipher.AEAD }

const (
	flowLife   = 10 * time.Minute
	flowCookie = "__Host-flow-"
)

// NewFlows derives the key from a secret of at least 16 random bytes. The secret
// may be that of session.DeriveKey.
func NewFlows(secret []byte) (*Flows, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "login flow", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &Flows{aead}, err
}

// Begin sets the cookie of a flow, and returns its state parameter.
func (f *Flows) Begin(w http.ResponseWriter, flow Flow) (state string, err error) {
	state = rand.Text()
	flow.Until = time.Now().Add(flowLife)
	text, err := json.Marshal(flow)
	if err != nil {
		return "", err
	}
	sealed := f.aead.Seal(nil, nil, text, []byte(state))
	http.SetCookie(w, f.cookie(state, base64.RawURLEncoding.EncodeToString(sealed), int(flowLife.Seconds())))
	return state, nil
}

// End returns the flow of a state parameter, and expires its cookie. It fails if
// this browser has not begun the flow, or began it too long ago.
func (f *Flows) End(w http.ResponseWriter, r *http.Request, state string) (Flow, error) {
	c, err := r.Cookie(flowCookie + state)
	if err != nil {
		return Flow{}, errors.New("this browser has not begun the login")
	}
	http.SetCookie(w, f.cookie(state, "", -1))
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return Flow{}, errors.New("the flow's cookie is not authentic")
	}
	text, err := f.aead.Open(nil, nil, sealed, []byte(state))
	if err != nil {
		return Flow{}, errors.New("the flow's cookie is not authentic")
	}
	var flow Flow
	if err := json.Unmarshal(text, &flow); err != nil {
		return Flow{}, err
	}
	if !time.Now().Before(flow.Until) {
		return Flow{}, errors.New("the login was begun too long ago")
	}
	return flow, nil
}

func (f *Flows) cookie(state, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: flowCookie + state, Value: value, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, // None for response_mode=form_post
	}
}

func TestTabsBeginLoginsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flows, err := NewFlows([]byte("thirty-two bytes of a test value"))
		if err != nil {
			t.Fatal(err)
		}
		type user struct{ ID string }
		m := newManager(t, memory.New(), session.Config[user]{Subject: func(u *user) string { return u.ID }})
		mux := http.NewServeMux()
		mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
			state, err := flows.Begin(w, Flow{Verifier: rand.Text(), Return: r.FormValue("next")})
			if err != nil {
				t.Error(err)
			}
			http.Redirect(w, r, "https://idp.test/?state="+state, http.StatusSeeOther)
		})
		mux.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
			flow, err := flows.End(w, r, r.FormValue("state"))
			if err != nil {
				http.Error(w, err.Error(), http.StatusForbidden)
				return
			}
			// The provider exchanges the code and flow.Verifier for the user.
			session.From[user](r.Context()).Login(func(u *user) { u.ID = "ann" })
			http.Redirect(w, r, flow.Return, http.StatusSeeOther)
		})
		mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, session.From[user](r.Context()).State().ID)
		})
		handler := m.Wrap(mux)
		b := newBrowser(t, handler)
		begin := func(next string) string {
			t.Helper()
			to, err := url.Parse(b.get("/login?next=" + next).Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			return "/callback?state=" + to.Query().Get("state")
		}
		var callbacks []string
		for tab := range 6 {
			callbacks = append(callbacks, begin(fmt.Sprint("/page", tab)))
		}
		for tab, callback := range callbacks {
			a := b.get(callback)
			if want := fmt.Sprint("/page", tab); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != want {
				t.Errorf("tab %d: %s %q, want to be led to %s", tab, a.Status, a.body, want)
			}
			b.get("/who").wants(t, http.StatusOK, "ann")
		}
		b.get(callbacks[0]).wants(t, http.StatusForbidden, "this browser has not begun the login")
		callback := begin("/page")
		newBrowser(t, handler).get(callback).wants(t, http.StatusForbidden, "this browser has not begun the login")

		// A copied cookie is not accepted for longer than the browser keeps it.
		u := &url.URL{Scheme: "https", Host: "app.test", Path: "/"}
		thief := newBrowser(t, handler)
		copied := b.jar.Cookies(u)
		for _, c := range copied {
			c.Path, c.Secure = "/", true
		}
		thief.jar.SetCookies(u, copied)
		time.Sleep(flowLife)
		thief.get(callback).wants(t, http.StatusForbidden, "the login was begun too long ago")
	})
}
