-- ddl
-- An audience may name the algorithm of its tokens; an issuer may sign with a secret (HS256); a private
-- half may lie outside of the database.

ALTER TABLE audience ADD COLUMN token_algorithm ENUM('ES256','RS256','PS256','EdDSA') NULL
  COMMENT 'what signs tokens for this API, and nothing else does; NULL: token_algorithm of m2mauth.conf'
  AFTER token_seconds;

DROP TRIGGER audience_feed_update;

DELIMITER //

CREATE TRIGGER audience_feed_update AFTER UPDATE ON audience FOR EACH ROW
BEGIN
  IF NOT (OLD.token_seconds <=> NEW.token_seconds AND OLD.token_algorithm <=> NEW.token_algorithm) THEN
    CALL feed_put('everything', '');
  END IF;
END//

DELIMITER ;

-- The private half of HS256 is 32 bytes in the form of an X25519 key; a public half it has not.
ALTER TABLE signing_key
  MODIFY COLUMN alg ENUM('ES256','RS256','PS256','EdDSA','HS256') NOT NULL,
  MODIFY COLUMN private_pem TEXT CHARACTER SET ascii COLLATE ascii_bin NULL
    COMMENT 'encrypted PKCS#8 (PBES2); openssl pkey reads it; NULL: private_uri says where it is',
  ADD COLUMN private_uri VARBINARY(500) NULL
    COMMENT 'where each host finds the private half (OSSL_STORE): file:/..., pkcs11:...' AFTER private_pem,
  ADD CONSTRAINT key_has_private_pem_or_private_uri CHECK ((private_pem IS NULL) <> (private_uri IS NULL)),
  ADD CONSTRAINT private_uri_is_absolute CHECK (private_uri REGEXP '^(file:(///|/(?!/))|(?!file:)[A-Za-z][A-Za-z0-9+.-]+:)[\\x21-\\x7E]+$'),
  ADD CONSTRAINT private_uri_holds_no_pin CHECK (private_uri NOT REGEXP '(?i)pin-value'),
  ADD CONSTRAINT hs256_has_no_public_key CHECK ((alg = 'HS256') = (public_jwk = '{"kty":"oct"}')),
  ADD CONSTRAINT hs256_has_no_private_uri CHECK (alg <> 'HS256' OR private_uri IS NULL);

DROP TRIGGER signing_key_fixed;

DELIMITER //

CREATE TRIGGER signing_key_fixed BEFORE UPDATE ON signing_key FOR EACH ROW
BEGIN
  IF NEW.kid <> OLD.kid OR NEW.alg <> OLD.alg OR NEW.public_jwk <> OLD.public_jwk OR
     NOT (NEW.private_pem <=> OLD.private_pem) OR NOT (NEW.private_uri <=> OLD.private_uri) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'of a signing key only its times change: INSERT a new key and retire this one';
  END IF;
END//

DELIMITER ;
