package rueidis_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store/rueidis"
)

func TestOpenRefused(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		const password = "hunter2"
		s := p.Start(t)
		s.MustDo("CONFIG", "SET", "requirepass", "open sesame")
		url := "redis://user:" + password + "@" + s.Addr
		t.Run("wrong password", func(t *testing.T) {
			err := wantOpenError(t, url, rueidis.Options{}, password)
			if !strings.Contains(err.Error(), "WRONGPASS") {
				t.Errorf("error %q does not say so", err)
			}
		})
		t.Run("no password", func(t *testing.T) {
			err := wantOpenError(t, "redis://"+s.Addr, rueidis.Options{}, password)
			if !strings.Contains(err.Error(), "NOAUTH") {
				t.Errorf("error %q does not say so", err)
			}
		})
		t.Run("a replica, which takes no writes", func(t *testing.T) {
			pair := p.StartPair(t)
			err := wantOpenError(t, "redis://"+pair.Replica.Addr, rueidis.Options{}, password)
			if !strings.Contains(err.Error(), "READONLY") {
				t.Errorf("error %q does not say so", err)
			}
		})
		t.Run("more replicas than there are", func(t *testing.T) {
			s := p.Start(t)
			err := wantOpenError(t, "redis://"+s.Addr, rueidis.Options{WaitReplicas: 1}, password)
			if !strings.Contains(err.Error(), "acknowledged by 0 replicas of 1") {
				t.Errorf("error %q does not say so", err)
			}
		})
		t.Run("a certificate that is not trusted", func(t *testing.T) {
			s, _ := p.StartTLS(t)
			err := wantOpenError(t, "rediss://user:"+password+"@"+s.Addr, rueidis.Options{Timeout: 9 * time.Second}, password)
			if !strings.Contains(err.Error(), "certificate") {
				t.Errorf("error %q does not say so", err)
			}
		})
		t.Run("no client certificate", func(t *testing.T) {
			s, config := p.StartTLS(t)
			config.Certificates = nil
			c, err := client.NewClient(client.ClientOption{InitAddress: []string{s.Addr}, TLSConfig: config})
			if err == nil {
				c.Close()
				t.Fatal("connected")
			}
		})
		t.Run("plain text to a TLS port", func(t *testing.T) {
			s, _ := p.StartTLS(t)
			_ = wantOpenError(t, "redis://user:"+password+"@"+s.Addr, rueidis.Options{}, password)
		})
		t.Run("TLS to a plain port", func(t *testing.T) {
			s := p.Start(t)
			_ = wantOpenError(t, "rediss://user:"+password+"@"+s.Addr, rueidis.Options{}, password)
		})
		t.Run("a path where no socket is", func(t *testing.T) {
			err := wantOpenError(t, "unix:///nowhere/redis.sock", rueidis.Options{}, password)
			if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("error %q does not say so", err)
			}
		})
	})
}

// TestSentinelPassword has Sentinels that ask for a password, which is not the
// servers'.
func TestSentinelPassword(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		sentinel := p.StartSentinel(t, s, 1, "watch")
		url := "redis://" + sentinel.Addr + "?master_set=" + redistest.MasterSet
		err := wantOpenError(t, url, rueidis.Options{}, "")
		if !strings.Contains(err.Error(), "sentinel_password") {
			t.Errorf("error %q does not name the parameter", err)
		}
		_ = wantOpenError(t, url+"&sentinel_password=hunter2", rueidis.Options{}, "hunter2")
		testLife(t, open(t, url+"&sentinel_password=watch", rueidis.Options{}))
	})
}
