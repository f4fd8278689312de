package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/typedsession/typedsession/internal/sqltest"
)

// TestFileHoldsAllThatARestartNeeds checks that sessions, key and revocations
// outlive the process in one file, which only its owner can read.
func TestFileHoldsAllThatARestartNeeds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"-store", "sqlite", "-url", filepath.Join(dir, "a shop?.db")}
	first := startProgram(t, "", args...)
	here, there := first.browser(t, "sqlite"), first.browser(t, "sqlite")
	here.signIn("/")
	here.send("/cart/add", "/#mug", "product", "mug", "quantity", "3")
	there.signIn("/")
	here.send("/account/device", "/account", "id", sessionID(t, there))
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode(); mode != 0o600 {
			t.Errorf("%s has the mode %v, want 0600", f.Name(), mode)
		}
	}
	first.stop(t)

	second := startProgram(t, "", args...)
	here.at(second).get("/cart").wants(t, `name="quantity" value="3"`)
	if !here.at(second).isSignedIn() {
		t.Error("after a restart the user is not signed in")
	}
	if there.at(second).isSignedIn() {
		t.Error("after a restart a session that was ended is back")
	}
	second.stop(t)
	files, err = os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("the shop leaves %v, %v, want one file", files, err)
	}
}

func TestTwoProcessesOnOneDatabaseAreOneShop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind   string
		source func(t *testing.T) string
	}{
		{"sqlite", func(t *testing.T) string { return filepath.Join(t.TempDir(), "shop.db") }},
		{"postgres", func(t *testing.T) string {
			return "postgres://root@" + sqltest.Start(t, "PostgreSQL").Addr + "/postgres?sslmode=disable"
		}},
		{"mysql", func(t *testing.T) string {
			return "root@tcp(" + sqltest.Start(t, "MariaDB").Addr + ")/mysql"
		}},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			args := []string{"-store", tt.kind, "-url", tt.source(t)}
			if tt.kind != "sqlite" { // which has the key in its file
				args = append(args, "-key", filepath.Join(t.TempDir(), "session.key"))
			}
			one, two := startProgram(t, "", args...), startProgram(t, "", args...)
			here := one.browser(t, tt.kind)
			there := here.at(two)
			here.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
			there.send("/cart/add", "/#mug", "product", "mug", "quantity", "2")
			here.get("/cart").wants(t, `name="quantity" value="3"`)
			there.signIn("/")
			if !here.isSignedIn() {
				t.Error("a login in one process is none in the other")
			}

			phone := two.browser(t, tt.kind)
			phone.signIn("/")
			phone.send("/account/device", "/account", "id", sessionID(t, here))
			if here.isSignedIn() || there.isSignedIn() || !phone.at(one).isSignedIn() {
				t.Error("not the session alone that was signed out has ended")
			}

			// The sessions outlive a process.
			one.stop(t)
			if !phone.at(startProgram(t, "", args...)).isSignedIn() {
				t.Error("after a restart the user is not signed in")
			}
		})
	}
}
