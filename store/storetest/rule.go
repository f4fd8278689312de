package storetest

import (
	"fmt"
	"strings"
)

// rule is a rule of the contract: where package store states it, a colon, and
// its content in a few words.
type rule string

const (
	ruleStoreSafe    rule = "Store: every method is safe for concurrent use"
	ruleStoreBounded rule = "Store: every method returns soon after ctx is done"
	ruleStoreErrors  rule = "Store: an operation that has not answered does not return an error of package store"
	ruleStoreExpired rule = "Store: an expired record is not found"
	rulePayload      rule = "Record.Payload: a payload is read-only on both sides"
	ruleLoginSince   rule = "Record.LoginSince: belongs to the write and is not kept"
	ruleIndexUntil   rule = "Record.IndexUntil: the session is in the index until that time at least"
	ruleNotKept      rule = "Record.IndexUntil: belongs to the write and is not kept"

	ruleCreate         rule = "Store.Create: stores a new record"
	ruleCreateRepeated rule = "Store.Create: returns nil without a change if the ID holds a record with the same Rev"
	ruleCreateExists   rule = "Store.Create: returns ErrExists if the ID holds another record"
	ruleCreateDeleted  rule = "Store.Create: returns ErrExists if the ID holds a tombstone"
	ruleCreateTooLarge rule = "Store.Create: stores nothing if it returns ErrTooLarge"

	ruleLoad         rule = "Store.Load: returns the record with all the fields that were stored"
	ruleLoadNotFound rule = "Store.Load: returns ErrNotFound if there is no record"
	ruleLoadDeleted  rule = "Store.Load: returns a *DeletedError with the time of the deletion if the record was deleted"

	ruleUpdate         rule = "Store.Update: replaces the record if the stored revision is base"
	ruleUpdateAtomic   rule = "Store.Update: replaces the record in one atomic step"
	ruleUpdateRepeated rule = "Store.Update: returns nil without a change if the stored revision is rec.Rev"
	ruleUpdateReplaced rule = "Store.Update: changes nothing if rec.Rev was stored and has been replaced since"
	ruleUpdateConflict rule = "Store.Update: returns a *ConflictError with the stored record if its revision is another"
	ruleUpdateNotFound rule = "Store.Update: returns ErrNotFound without a change if there is no record"
	ruleUpdateDeleted  rule = "Store.Update: returns a *DeletedError if the record was deleted"

	ruleDelete         rule = "Store.Delete: a Load or Update that begins after Delete has returned does not find the record"
	ruleDeleteNoRecord rule = "Store.Delete: returns nil if there is no record"
	ruleTombstone      rule = "Store.Delete: leaves a tombstone whether or not there was a record"

	ruleList         rule = "SubjectIndex.ListSessions: returns the live records of the subject"
	ruleListComplete rule = "SubjectIndex.ListSessions: returns every record that is live during the whole call"

	ruleRevoke        rule = "SubjectIndex.RevokeSubject: deletes all records of the subject except those with the given IDs"
	ruleRevokeIDs     rule = "SubjectIndex.RevokeSubject: returns the IDs of the records that it has deleted"
	ruleRevokeLogins  rule = "SubjectIndex.RevokeSubject: refuses logins whose LoginSince is at or before the given time, and no others"
	ruleRevokeLater   rule = "SubjectIndex.RevokeSubject: a later time replaces an earlier one"
	ruleRevokeRefused rule = "SubjectIndex: a refused login stores nothing and changes nothing"
	ruleRevokeFlight  rule = "SubjectIndex: RevokeSubject finds a login in flight or the login is refused"

	ruleSubscribe    rule = "Notifier.Subscribe: the channel is closed when the record is next replaced or deleted"
	ruleLoadUncached rule = "UncachedLoader.LoadUncached: is Load without the cache"

	ruleEncode     rule = "ClientHeld.Encode: returns the record as text"
	ruleDecode     rule = "ClientHeld.Decode: returns the record that Encode was given"
	ruleDecodeText rule = "ClientHeld.Decode: returns ErrNotFound if the text is not a record"
	ruleClientHeld rule = "ClientHeld: Create, Load, Update and Delete find nothing and keep nothing"

	ruleRevokerRevoke rule = "Revoker.Revoke: stores a revocation"
	ruleRevokerLater  rule = "Revoker.Revoke: if there is a later time for the key already, that one stays"
	ruleRevokerUntil  rule = "Revoker.Revoke: the revocation is not dropped before until"
	ruleRevokerBefore rule = "Revoker.RevokedBefore: returns the times of the keys in their order, the zero Time for a key without one"
)

// docURL is where the documentation of package store is published.
const docURL = "https://pkg.go.dev/github.com/typedsession/typedsession/store"

// symbol returns the name in package store whose documentation states the rule.
func (r rule) symbol() string {
	symbol, _, _ := strings.Cut(string(r), ":")
	return symbol
}

// breach is how a store broke a rule.
type breach struct {
	rule rule
	what string
}

func (b *breach) Error() string {
	return fmt.Sprintf("%s\nbroken rule: store.%s\nsee %s#%s", b.what, b.rule, docURL, b.rule.symbol())
}

// broke returns a breach. A goroutine of a case returns it, because only the
// case's own goroutine may end the case.
func broke(r rule, format string, args ...any) error {
	return &breach{r, fmt.Sprintf(format, args...)}
}
