-- ddl
-- Clients, what they may have, the keys that sign, and what has been revoked.
-- Every id is VARBINARY: bytes, compared as bytes; no folding, no padding, no number that equals a string.
-- Every time is TIMESTAMP: an instant, whatever the session's time zone.

CREATE TABLE audience (
  audience      VARBINARY(255) NOT NULL PRIMARY KEY
                COMMENT 'absolute URI of an API (RFC 8707): the aud of its tokens',
  description   VARCHAR(255) NOT NULL DEFAULT '',
  token_seconds INT UNSIGNED NULL COMMENT 'longest lifetime of a token for this API; NULL: no limit of its own',
  CONSTRAINT audience_is_an_absolute_uri CHECK (audience REGEXP '^[A-Za-z][A-Za-z0-9+.-]*:[\\x21\\x24-\\x3B\\x3D\\x3F-\\x5B\\x5D\\x5F\\x61-\\x7A\\x7E]+$'),
  CONSTRAINT audience_token_seconds_30_to_86400 CHECK (token_seconds IS NULL OR token_seconds BETWEEN 30 AND 86400)
) ENGINE=InnoDB COMMENT='APIs that tokens are for';

CREATE TABLE audience_scope (
  audience    VARBINARY(255) NOT NULL,
  scope       VARBINARY(255) NOT NULL COMMENT 'one scope word',
  description VARCHAR(255) NOT NULL DEFAULT '',
  PRIMARY KEY (audience, scope),
  CONSTRAINT audience_scope_of_audience FOREIGN KEY (audience) REFERENCES audience (audience),
  CONSTRAINT scope_is_one_word CHECK (scope REGEXP '^[\\x21\\x23-\\x5B\\x5D-\\x7E]+$')
) ENGINE=InnoDB COMMENT='what a scope word may be, per API';

CREATE TABLE client (
  client_id        VARBINARY(128) NOT NULL PRIMARY KEY COMMENT 'RFC 6749 A.1; never changes',
  enabled          BOOLEAN NOT NULL DEFAULT 1 COMMENT '0: no new token, and its tokens are inactive',
  description      VARCHAR(255) NOT NULL DEFAULT '',
  auth_methods     SET('client_secret_basic','client_secret_post','private_key_jwt','tls_client_auth','self_signed_tls_client_auth')
                   NOT NULL DEFAULT 'client_secret_basic,client_secret_post' COMMENT 'ways it may prove itself (RFC 7591 2)',
  default_audience VARBINARY(255) NULL COMMENT 'aud when the request names no resource; NULL: its only audience',
  omitted_scope    ENUM('default','all','none','refuse') NOT NULL DEFAULT 'default'
                   COMMENT 'what a request without scope is given: the grants marked is_default, all, none, or invalid_scope',
  token_seconds    INT UNSIGNED NULL COMMENT 'lifetime of its tokens; NULL: token_seconds of m2mauth.conf',
  rate_per_minute  INT UNSIGNED NULL COMMENT 'requests per minute; NULL: not limited',
  rate_burst       INT UNSIGNED NULL COMMENT 'how many may come at once; NULL: rate_per_minute',
  created_at       TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at       TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  CONSTRAINT client_id_is_vschar CHECK (client_id REGEXP '^[\\x20-\\x7E]{1,128}$'),
  CONSTRAINT client_has_an_auth_method CHECK (auth_methods <> ''),
  CONSTRAINT client_enabled_0_or_1 CHECK (enabled IN (0, 1)),
  CONSTRAINT client_token_seconds_30_to_86400 CHECK (token_seconds IS NULL OR token_seconds BETWEEN 30 AND 86400),
  CONSTRAINT client_rate_1_to_1000000 CHECK (rate_per_minute IS NULL OR rate_per_minute BETWEEN 1 AND 1000000),
  CONSTRAINT client_burst_1_to_100000 CHECK (rate_burst IS NULL OR rate_burst BETWEEN 1 AND 100000),
  CONSTRAINT client_default_audience FOREIGN KEY (default_audience) REFERENCES audience (audience)
) ENGINE=InnoDB COMMENT='machines that may ask for tokens, introspect or revoke';

CREATE TABLE client_secret (
  client_id  VARBINARY(128) NOT NULL,
  label      VARBINARY(32) NOT NULL COMMENT 'names the secret in tokens (claim cred), rules and logs',
  hash       VARBINARY(255) NOT NULL COMMENT 'as printed by m2mctl secret; never the secret',
  not_before TIMESTAMP NULL DEFAULT NULL,
  expires_at TIMESTAMP NULL DEFAULT NULL COMMENT 'NULL: never',
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (client_id, label),
  CONSTRAINT client_secret_of_client FOREIGN KEY (client_id) REFERENCES client (client_id),
  CONSTRAINT label_is_a_plain_word CHECK (label REGEXP '^[A-Za-z0-9._-]{1,32}$'),
  CONSTRAINT hash_is_a_hash_not_a_secret CHECK (hash REGEXP '^\\$(sha256|pbkdf2-sha256\\$[1-9][0-9]{4,6})\\$[A-Za-z0-9_-]{22}\\$[A-Za-z0-9_-]{43}$')
) ENGINE=InnoDB COMMENT='secrets, hashed; at most 8 per client';

CREATE TABLE client_grant (
  client_id  VARBINARY(128) NOT NULL,
  audience   VARBINARY(255) NOT NULL,
  scope      VARBINARY(255) NOT NULL DEFAULT '' COMMENT 'one scope word of the audience; empty: the audience itself',
  is_default BOOLEAN NOT NULL DEFAULT 0 COMMENT '1: given when the request names no scope (client.omitted_scope = default)',
  PRIMARY KEY (client_id, audience, scope),
  CONSTRAINT client_grant_of_client FOREIGN KEY (client_id) REFERENCES client (client_id),
  CONSTRAINT client_grant_of_audience FOREIGN KEY (audience) REFERENCES audience (audience),
  CONSTRAINT client_grant_is_default_0_or_1 CHECK (is_default IN (0, 1))
) ENGINE=InnoDB COMMENT='client x audience x scope; at most 256 per client';

CREATE TABLE audience_reader (
  audience  VARBINARY(255) NOT NULL,
  client_id VARBINARY(128) NOT NULL,
  PRIMARY KEY (audience, client_id),
  CONSTRAINT audience_reader_of_audience FOREIGN KEY (audience) REFERENCES audience (audience),
  CONSTRAINT audience_reader_of_client FOREIGN KEY (client_id) REFERENCES client (client_id)
) ENGINE=InnoDB COMMENT='who may introspect the tokens of an audience (RFC 7662); at most 64 audiences per client';

CREATE TABLE revoked_token (
  jti        VARBINARY(64) NOT NULL PRIMARY KEY,
  client_id  VARBINARY(128) NOT NULL DEFAULT '',
  expires_at TIMESTAMP NOT NULL DEFAULT '2038-01-01 00:00:00' COMMENT 'exp of the token; the row may go after it',
  revoked_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  KEY revoked_token_expires_at (expires_at),
  CONSTRAINT jti_is_printable CHECK (jti REGEXP '^[\\x21-\\x7E]{1,64}$')
) ENGINE=InnoDB COMMENT='tokens revoked one by one (RFC 7009)';

CREATE TABLE revocation_rule (
  rule_id       INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client_id     VARBINARY(128) NULL COMMENT 'NULL: tokens of every client',
  label         VARBINARY(32) NULL COMMENT 'NULL: minted with any of its secrets or keys',
  issued_from   TIMESTAMP NULL DEFAULT NULL COMMENT 'NULL: since ever',
  issued_before TIMESTAMP NOT NULL COMMENT 'tokens issued before this instant are inactive',
  expires_at    TIMESTAMP NOT NULL COMMENT 'when the last of those tokens has expired',
  reason        VARCHAR(255) NOT NULL DEFAULT '',
  created_at    TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT rule_label_needs_client_id CHECK (label IS NULL OR client_id IS NOT NULL),
  CONSTRAINT rule_window_is_not_empty CHECK (issued_from IS NULL OR issued_from < issued_before)
) ENGINE=InnoDB COMMENT='many tokens revoked by one row';

CREATE TABLE signing_key (
  kid         VARBINARY(64) NOT NULL PRIMARY KEY,
  alg         ENUM('ES256','RS256','PS256','EdDSA') NOT NULL,
  public_jwk  TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  private_pem TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'encrypted PKCS#8 (PBES2); openssl pkey reads it',
  publish_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'in the JWKS from here on',
  activate_at TIMESTAMP NULL DEFAULT NULL COMMENT 'signs from here on; NULL: not yet',
  retire_at   TIMESTAMP NULL DEFAULT NULL COMMENT 'no longer signs',
  remove_at   TIMESTAMP NULL DEFAULT NULL COMMENT 'no longer in the JWKS; its tokens are inactive',
  CONSTRAINT kid_is_a_plain_word CHECK (kid REGEXP '^[A-Za-z0-9_-]{1,64}$'),
  CONSTRAINT public_jwk_is_a_json_object CHECK (JSON_VALID(public_jwk) AND JSON_TYPE(public_jwk) = 'OBJECT'),
  CONSTRAINT public_jwk_has_no_private_member CHECK (NOT JSON_CONTAINS_PATH(public_jwk, 'one', '$.d', '$.p', '$.q', '$.k')),
  CONSTRAINT private_pem_is_encrypted CHECK (private_pem LIKE '-----BEGIN ENCRYPTED PRIVATE KEY-----%'),
  CONSTRAINT key_is_published_before_it_signs CHECK (activate_at IS NULL OR activate_at >= publish_at),
  CONSTRAINT key_signs_before_it_retires CHECK (retire_at IS NULL OR (activate_at IS NOT NULL AND retire_at >= activate_at))
) ENGINE=InnoDB COMMENT='keys that sign access tokens';

-- The change feed: which keys of the tables above to read again. Its numbers are taken in the transaction that makes the
-- change, so a stream is gapless and in commit order; a reader never steps over a hole. One stream for operators' SQL,
-- one for each host's keeper, so that they do not wait for each other.
CREATE TABLE feed_stream (
  stream VARBINARY(64) NOT NULL PRIMARY KEY,
  seq    BIGINT UNSIGNED NOT NULL DEFAULT 0
) ENGINE=InnoDB;

CREATE TABLE feed (
  stream VARBINARY(64) NOT NULL,
  seq    BIGINT UNSIGNED NOT NULL,
  kind   ENUM('client','revoked_token','revocation_rule','signing_key','everything') NOT NULL,
  item   VARBINARY(255) NOT NULL DEFAULT '',
  at     TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (stream, seq),
  KEY feed_at (at)
) ENGINE=InnoDB;

CREATE TABLE feed_epoch (
  only_row TINYINT NOT NULL PRIMARY KEY DEFAULT 1,
  epoch    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  CONSTRAINT one_row CHECK (only_row = 1)
) ENGINE=InnoDB COMMENT='changes when the database is rebuilt: readers load everything again';

INSERT INTO feed_stream (stream, seq) VALUES ('operator', 0);
INSERT INTO feed_epoch (only_row, epoch) VALUES (1, UUID());
