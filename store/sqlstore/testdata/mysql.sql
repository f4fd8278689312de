CREATE TABLE IF NOT EXISTS `my``sessions` (
	id BINARY(16) NOT NULL PRIMARY KEY,
	rev BIGINT NOT NULL,
	written BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	sweep INT NOT NULL,
	subject_key BINARY(16),
	subject MEDIUMBLOB NOT NULL,
	past VARBINARY(256) NOT NULL,
	payload MEDIUMBLOB,
	KEY `my``sessions_sweep` (sweep),
	KEY `my``sessions_subject` (subject_key)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS `my``sessions_control` (
	name BINARY(16) NOT NULL PRIMARY KEY,
	value BIGINT NOT NULL,
	keep_until BIGINT NOT NULL,
	KEY `my``sessions_control_keep` (keep_until)
) ENGINE = InnoDB;

INSERT INTO `my``sessions_control` (name, value, keep_until) VALUES (x'76000000000000000000000000000000', 1, 9223372036854775807) ON DUPLICATE KEY UPDATE name = name;
