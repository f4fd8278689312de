//go:build nosql

package main

import (
	"context"
	"errors"

	"github.com/typedsession/typedsession/store"
)

// openSQL refuses the stores in SQL databases: the tag nosql leaves out their
// drivers, of which SQLite alone takes longer to compile than the rest of the
// shop.
func openSQL(_ context.Context, kind, _ string) (store.Store, error) {
	switch kind {
	case "sqlite", "postgres", "mysql":
		return nil, errors.New("-store " + kind + ": the shop was built with -tags nosql, build it without")
	}
	return nil, nil
}
