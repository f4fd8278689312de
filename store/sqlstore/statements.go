package sqlstore

import "strings"

// statements are the texts of all operations. Those whose comment says so lack a
// list of keys, which function in appends.
type statements struct {
	// One record.
	read, create, createLogin, update, updateLogin, remove, forget statement

	// The records of a subject.
	list, ids statement
	end       statement // lacks IDs

	// The control table.
	revoke, revokeKey, control, ensure, version statement
	controlRows                                 statement // lacks names

	// Sweeping.
	take, release, expired, expiredControl statement
	deleteRows, deleteControl              statement // lack keys
}

const (
	columns = "(id, rev, written, expires, sweep, subject_key, subject, past, payload)"

	updateText = "{with}UPDATE {sessions} SET " +
		// MySQL assigns from left to right, so this comes before written.
		"past = CASE WHEN written > $past_since THEN {prepend base to past} ELSE {empty} END, " +
		"rev = $rev, written = $now, expires = $expires, sweep = $sweep, " +
		"subject_key = $subject_key, subject = $subject, payload = $payload " +
		"WHERE id = $id AND rev = $base AND payload IS NOT NULL AND expires > $now{and}"

	tombstone = "rev = $rev, expires = $until, sweep = $until_sweep, subject = {empty}, past = {empty}, payload = NULL"

	insertControl = "INSERT INTO {control}{as old} (name, value, keep_until) VALUES "
	raiseControl  = " {on name} value = {greatest}({old}value, $value), keep_until = {greatest}({old}keep_until, $until)"
)

func (c *compiler) statements() statements {
	var (
		gated = strings.NewReplacer("{with}", "{with gate}", "{and}", "{and gate}")
		plain = strings.NewReplacer("{with}", "", "{and}", "")
	)
	return statements{
		read: c.compile("SELECT rev, expires, written, payload IS NULL, subject, past, payload " +
			"FROM {sessions} WHERE id = $id"),
		create: c.compile("INSERT INTO {sessions} " + columns + " VALUES ($id, $rev, $now, $expires, $sweep, " +
			"$subject_key, $subject, {empty}, $payload){or nothing}"),
		createLogin: c.compile("{with gate}INSERT INTO {sessions} " + columns + " SELECT $id{as bytes}, $rev{as int}, " +
			"$now{as int}, $expires{as int}, $sweep{as short}, $subject_key{as bytes}, $subject{as bytes}, {empty}{as bytes}, " +
			"$payload{as bytes}{from gate}{or nothing}"),
		update:      c.compile(plain.Replace(updateText)),
		updateLogin: c.compile(gated.Replace(updateText)),
		remove: c.compile("INSERT INTO {sessions}{as old} " + columns + " VALUES ($id, $rev, $now, $until, $until_sweep, " +
			"NULL, {empty}, {empty}, NULL) {on id} " +
			// An earlier time of deletion stays.
			"written = CASE WHEN {old}payload IS NULL THEN {old}written ELSE $now END, " + tombstone),
		forget: c.compile("DELETE FROM {sessions} WHERE id = $id AND rev = $base"),

		list: c.compile("SELECT id, rev, expires, subject, payload FROM {sessions} " +
			"WHERE subject_key = $subject_key AND subject = $subject AND payload IS NOT NULL AND expires > $now"),
		// The second half finds what RevokeSubject itself has ended.
		ids: c.compile("SELECT id FROM {sessions} WHERE subject_key = $subject_key " +
			"AND (subject = $subject AND payload IS NOT NULL AND expires > $now OR payload IS NULL AND rev = $rev)"),
		// Without the key of the subject, as MariaDB would use its index, lock an
		// entry before its row, and meet writers that do it the other way round.
		end: c.compile("UPDATE {sessions} SET written = $now, " + tombstone +
			" WHERE subject = $subject AND payload IS NOT NULL AND id IN ("),

		revoke:      c.compile(insertControl + "($name, $value, $until), ($gate, $value, $until)" + raiseControl),
		revokeKey:   c.compile(insertControl + "($name, $value, $until)" + raiseControl),
		control:     c.compile("SELECT name, value FROM {control} WHERE name IN ($name, $gate)"),
		ensure:      c.compile(insertControl + "($name, $value, $until) {on name} keep_until = {greatest}({old}keep_until, $until)"),
		version:     c.compile("SELECT value FROM {control} WHERE name = $name"),
		controlRows: c.compile("SELECT name, value FROM {control} WHERE name IN ("),

		take:           c.compile("UPDATE {control} SET value = $until WHERE name = $name AND (value <= $now OR value = $value)"),
		release:        c.compile("UPDATE {control} SET value = 0 WHERE name = $name AND value = $until"),
		expired:        c.compile("SELECT id FROM {sessions} WHERE sweep <= $now_minute AND expires < $now ORDER BY sweep LIMIT 512"),
		expiredControl: c.compile("SELECT name FROM {control} WHERE keep_until < $now ORDER BY keep_until LIMIT 512"),
		deleteRows:     c.compile("DELETE FROM {sessions} WHERE expires < $now AND id IN ("),
		deleteControl:  c.compile("DELETE FROM {control} WHERE keep_until < $now AND name IN ("),
	}
}
