package storetest

// The contract's sentences, word for word as the documentation of package
// session has them. A test compares.
const (
	ruleBounded  rule = "Every method returns within a bounded time, whatever the context, and returns soon after the context ends."
	ruleSafe     rule = "A Manager calls it from many goroutines at once, so every method is safe for concurrent use."
	ruleNoAnswer rule = "It never means that a session has ended: the Manager answers the request with an error instead."
	ruleRef      rule = "In a store that holds records it is rec.ID.String(), for every record and for ever; in one that is [ClientHeld] it is the record itself."
	ruleAnyRef   rule = "A store may be asked for any string, and answers ErrNotFound to one that it never issued."

	ruleCreate       rule = "Create keeps a record under an ID that is not in use and returns its ref."
	ruleCreateInUse  rule = "It returns ErrExists, and changes nothing, when the ID is in use by another record or by one that was just deleted."
	ruleCreateRepeat rule = "When the ID already holds a record of the same Rev, this is the same write repeated after its answer was lost, and succeeds."

	ruleLoad    rule = "Load returns the record, all of its fields as they were last stored."
	ruleExpired rule = "It returns ErrNotFound when there is none, and never returns a record at or after its Expires."

	ruleUpdate        rule = "Update replaces the record if its revision is base, in one atomic step, and returns the ref to use from then on."
	ruleUpdateRepeat  rule = "Where the revision is rec.Rev already, this is the same write repeated after its answer was lost, and succeeds."
	ruleConflict      rule = "Otherwise it changes nothing and returns a [*ConflictError] that holds the current record."
	ruleUpdateMissing rule = "It returns ErrNotFound, and creates nothing, when there is no record, or none that has not expired."
	ruleUnconditional rule = "A ClientHeld store holds no revision to compare with, and so replaces what has not expired unconditionally."

	ruleDelete       rule = "Delete removes the record, so that no Load or Update that begins after it has returned finds it."
	ruleDeleteAbsent rule = "Removing what is not there is not an error."
	ruleDeleteNoop   rule = "In a ClientHeld store it does nothing."

	ruleCopy rule = "A store does not look into the payload, and keeps a copy of it: neither the payload that was handed in nor the one that was handed out is the store's own memory."
)
