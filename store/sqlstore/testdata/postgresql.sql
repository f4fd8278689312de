CREATE TABLE IF NOT EXISTS "app"."my ""sessions""" (
	rev bigint NOT NULL,
	written bigint NOT NULL,
	expires bigint NOT NULL,
	sweep integer NOT NULL,
	id bytea NOT NULL PRIMARY KEY,
	subject_key bytea,
	subject bytea NOT NULL,
	past bytea NOT NULL,
	payload bytea
) WITH (fillfactor = 80);

CREATE INDEX IF NOT EXISTS "my ""sessions""_sweep" ON "app"."my ""sessions""" (sweep);

CREATE INDEX IF NOT EXISTS "my ""sessions""_subject" ON "app"."my ""sessions""" (subject_key) WHERE subject_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS "app"."my ""sessions""_control" (
	value bigint NOT NULL,
	keep_until bigint NOT NULL,
	name bytea NOT NULL PRIMARY KEY
);

CREATE INDEX IF NOT EXISTS "my ""sessions""_control_keep" ON "app"."my ""sessions""_control" (keep_until);

INSERT INTO "app"."my ""sessions""_control" (name, value, keep_until) VALUES (decode('76000000000000000000000000000000', 'hex'), 1, 9223372036854775807) ON CONFLICT DO NOTHING;
