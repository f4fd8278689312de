package storetest

import (
	"fmt"
	"strings"

	"github.com/typedsession/typedsession/session"
)

// strangeRefCases ask for what no store issues, as a client may that has been
// given a key by mistake. All are asked for while a record is there to be found.
var strangeRefCases = []testCase{
	{"load of strange refs", func(t *trial) {
		for _, ref := range strangeRefs(t.create(letteredRecord())) {
			_, err := t.store.Load(t.Context(), ref)
			t.wantError(ruleAnyRef, "Load of "+abbreviated(ref), err, session.ErrNotFound)
		}
	}},
	{"update of strange refs", func(t *trial) {
		rec := letteredRecord()
		ref := t.create(rec)
		for _, strange := range strangeRefs(ref) {
			_, err := t.store.Update(t.Context(), strange, rec.Rev, nextWrite(rec))
			t.wantError(ruleAnyRef, "Update of "+abbreviated(strange), err, session.ErrNotFound)
		}
		t.wantRecord(ruleUpdateMissing, ref, rec)
	}},
	{"delete of strange refs", func(t *trial) {
		rec := letteredRecord()
		ref := t.create(rec)
		for _, strange := range strangeRefs(ref) {
			if err := t.store.Delete(t.Context(), strange); err != nil {
				t.broke(ruleDeleteAbsent, "Delete of %s: %v", abbreviated(strange), err)
			}
		}
		t.wantRecord(ruleDeleteAbsent, ref, rec)
	}},
}

// strangeRefs returns refs that were never issued, some of them close to one
// that was, which is an ID.
func strangeRefs(ref string) []string {
	return []string{
		"",
		" ",
		"*",
		"\x00",
		"../" + ref,
		"' OR ''='",
		"not a ref",
		"\xff\xfe not UTF-8",
		strings.Repeat("0", len(ref)),
		strings.ToUpper(ref),
		ref[:len(ref)-1],
		ref[:len(ref)-1] + "\x00",
		ref[:len(ref)-1] + "*",
		ref + "0",
		ref + " ",
		ref + "\n",
		ref + "\x00",
		" " + ref,
		ref + ref,
		strings.Repeat(ref, 1<<20/len(ref)),
	}
}

// letteredRecord returns a record whose ID has letters in it, so that it has
// another spelling in upper case.
func letteredRecord() session.Record {
	rec := newRecord()
	rec.ID[0] = 0xab
	return rec
}

// abbreviated quotes a ref for a message.
func abbreviated(ref string) string {
	if len(ref) > 80 {
		return fmt.Sprintf("%q... (%d bytes)", ref[:40], len(ref))
	}
	return fmt.Sprintf("%q", ref)
}
