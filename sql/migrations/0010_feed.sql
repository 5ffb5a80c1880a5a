-- ddl
-- A stream of the change feed that was removed and came back is not one that was restored from a backup. Both columns are
-- filled in by the trigger feed_stream_begins.

ALTER TABLE feed_stream
  ADD COLUMN IF NOT EXISTS began BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'when this row was added, in microseconds since 1970',
  ADD COLUMN IF NOT EXISTS began_seq BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'seq when this row was added: the changes since then have greater numbers';
