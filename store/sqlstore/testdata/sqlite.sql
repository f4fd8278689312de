CREATE TABLE IF NOT EXISTS "sessions" (
	id BLOB NOT NULL PRIMARY KEY,
	rev INTEGER NOT NULL,
	written INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	sweep INTEGER NOT NULL,
	subject_key BLOB,
	subject BLOB NOT NULL,
	past BLOB NOT NULL,
	payload BLOB
) STRICT;

CREATE INDEX IF NOT EXISTS "sessions_sweep" ON "sessions" (sweep);

CREATE INDEX IF NOT EXISTS "sessions_subject" ON "sessions" (subject_key) WHERE subject_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS "sessions_control" (
	name BLOB NOT NULL PRIMARY KEY,
	value INTEGER NOT NULL,
	keep_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS "sessions_control_keep" ON "sessions_control" (keep_until);

INSERT INTO "sessions_control" (name, value, keep_until) VALUES (x'76000000000000000000000000000000', 1, 9223372036854775807) ON CONFLICT DO NOTHING;
