-- ddl
-- What m2mctl migrate remembers of sql/routines.sql: which number and text of it the database has, and the names of the
-- procedures, functions and triggers in it, so that a missing one is noticed.

CREATE TABLE IF NOT EXISTS schema_routine_file (
  only_row TINYINT NOT NULL PRIMARY KEY DEFAULT 1,
  number   INT UNSIGNED NOT NULL COMMENT 'in the first line of the file; only grows',
  sha256   CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'of the file as it was laid',
  state    ENUM('running','done') NOT NULL COMMENT 'running: under way, or it failed half-way; it is laid again',
  db_user  VARCHAR(255) NOT NULL,
  laid_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT one_routine_file CHECK (only_row = 1)
) ENGINE=InnoDB COMMENT='the routines laid by m2mctl migrate';

CREATE TABLE IF NOT EXISTS schema_routine (
  kind ENUM('PROCEDURE','FUNCTION','TRIGGER') NOT NULL,
  name VARBINARY(64) NOT NULL,
  PRIMARY KEY (kind, name)
) ENGINE=InnoDB COMMENT='procedures, functions and triggers that the database must have';

-- Tokens may live for 5 seconds and longer (ROTATION_SHORTEST_TOKEN, ROTATION_LONGEST_TOKEN of lib/jose/rotation.h).
ALTER TABLE audience
  DROP CONSTRAINT IF EXISTS audience_token_seconds_30_to_86400,
  DROP CONSTRAINT IF EXISTS audience_token_seconds_5_to_86400,
  ADD CONSTRAINT audience_token_seconds_5_to_86400 CHECK (token_seconds IS NULL OR token_seconds BETWEEN 5 AND 86400);
ALTER TABLE client
  DROP CONSTRAINT IF EXISTS client_token_seconds_30_to_86400,
  DROP CONSTRAINT IF EXISTS client_token_seconds_5_to_86400,
  ADD CONSTRAINT client_token_seconds_5_to_86400 CHECK (token_seconds IS NULL OR token_seconds BETWEEN 5 AND 86400);
