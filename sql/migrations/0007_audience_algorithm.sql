-- ddl
-- An audience may name the algorithm of its tokens; an issuer may sign with a secret (HS256).

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
  ADD CONSTRAINT hs256_has_no_public_key CHECK ((alg = 'HS256') = (public_jwk = '{"kty":"oct"}'));
