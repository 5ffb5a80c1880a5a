-- ddl
-- Signed proofs that have been used, on whatever host (replay = cluster). The key is the judge: of two hosts that add one
-- proof only one can commit. No host has to read of it again, so the feed does not tell.

CREATE TABLE used_proof (
  proof      BINARY(32) NOT NULL PRIMARY KEY COMMENT 'SHA-256 of who signed and of the jti, each with its size before it',
  expires_at TIMESTAMP NOT NULL DEFAULT '2038-01-01 00:00:00' COMMENT 'when the proof ends; the row may go after it',
  KEY used_proof_expires_at (expires_at)
) ENGINE=InnoDB COMMENT='signed proofs that have been used (replay = cluster)';
