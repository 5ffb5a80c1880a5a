-- ddl
-- Signing keys are rotated by one host at a time: by the one whose transaction changes this row.

CREATE TABLE rotation_lease (
  only_row TINYINT NOT NULL PRIMARY KEY DEFAULT 1,
  holder   VARBINARY(64) NOT NULL DEFAULT '' COMMENT 'who rotated last: the feed stream of a host, or operator',
  turn     BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'new at each rotation, so that two at once cannot both be committed',
  ends_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'until then no other host begins one',
  CONSTRAINT one_lease CHECK (only_row = 1)
) ENGINE=InnoDB COMMENT='who may rotate signing keys';

INSERT INTO rotation_lease (only_row) VALUES (1);
