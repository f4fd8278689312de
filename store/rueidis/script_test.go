package rueidis

import (
	"crypto/sha1" //nolint:gosec // which Redis names scripts by
	"encoding/hex"
	"testing"
)

// TestScriptHashes makes sure that each script is called by its own hash. By a
// wrong one it would be sent as text every time, and by another's the server
// would run that one.
func TestScriptHashes(t *testing.T) {
	for name, s := range map[string]lua{
		"create":          createScript.alone,
		"create, indexed": createScript.indexed,
		"update":          updateScript.alone,
		"update, indexed": updateScript.indexed,
		"update, pending": updateScript.pending,
		"delete":          deleteScript.alone,
		"entry":           entryScript,
		"rewrite":         rewriteScript,
		"revoke":          revokeScript,
		"end":             endScript,
		"keep later":      keepLaterScript,
	} {
		hash := sha1.Sum([]byte(s.text)) //nolint:gosec // as above
		if want := hex.EncodeToString(hash[:]); s.hash != want {
			t.Errorf("%s: hash %q, want %q", name, s.hash, want)
		}
	}
}
