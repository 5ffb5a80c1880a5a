-- ddl
-- Clients that prove themselves by a signature (private_key_jwt, RFC 7523 2.2) and the public keys they sign with.

ALTER TABLE client ADD COLUMN assertion_audience ENUM('issuer','token_endpoint') NOT NULL DEFAULT 'issuer'
  COMMENT 'aud of its assertions: the issuer only, or the URL of the token endpoint as well (for clients that cannot change)'
  AFTER omitted_scope;

-- The kid of a key names the credential in tokens, as the label of a secret does, and is longer.
ALTER TABLE revocation_rule MODIFY COLUMN label VARBINARY(64) NULL
  COMMENT 'label of a secret or kid of a key; NULL: minted with any of them';

CREATE TABLE client_key (
  client_id  VARBINARY(128) NOT NULL,
  kid        VARBINARY(64) NOT NULL COMMENT 'names the key in assertions, in tokens (claim cred), rules and logs',
  alg        ENUM('ES256','RS256','PS256','EdDSA') NOT NULL COMMENT 'the only algorithm that the key verifies',
  public_jwk TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'RFC 7517, the public members only',
  not_before TIMESTAMP NULL DEFAULT NULL,
  expires_at TIMESTAMP NULL DEFAULT NULL COMMENT 'NULL: never',
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (client_id, kid),
  CONSTRAINT client_key_of_client FOREIGN KEY (client_id) REFERENCES client (client_id),
  CONSTRAINT client_key_kid_is_a_plain_word CHECK (kid REGEXP '^[A-Za-z0-9._-]{1,64}$'),
  CONSTRAINT client_key_is_at_most_4096_bytes CHECK (LENGTH(public_jwk) <= 4096),
  CONSTRAINT client_key_is_a_json_object CHECK (JSON_VALID(public_jwk) AND JSON_TYPE(public_jwk) = 'OBJECT'),
  CONSTRAINT client_key_has_no_private_member CHECK (NOT JSON_CONTAINS_PATH(public_jwk, 'one', '$.d', '$.p', '$.q', '$.k')),
  CONSTRAINT client_key_names_no_other_kid CHECK (NOT JSON_CONTAINS_PATH(public_jwk, 'one', '$.kid') OR JSON_VALUE(public_jwk, '$.kid') = kid),
  CONSTRAINT client_key_names_no_other_alg CHECK (NOT JSON_CONTAINS_PATH(public_jwk, 'one', '$.alg') OR JSON_VALUE(public_jwk, '$.alg') = alg)
) ENGINE=InnoDB COMMENT='public keys of clients; at most 8 per client';

CREATE TRIGGER client_key_feed_insert AFTER INSERT ON client_key FOR EACH ROW CALL feed_put('client', NEW.client_id);
CREATE TRIGGER client_key_feed_update AFTER UPDATE ON client_key FOR EACH ROW CALL feed_put('client', NEW.client_id);
CREATE TRIGGER client_key_feed_delete AFTER DELETE ON client_key FOR EACH ROW CALL feed_put('client', OLD.client_id);

DELIMITER //

CREATE TRIGGER client_key_fixed BEFORE UPDATE ON client_key FOR EACH ROW
BEGIN
  IF NEW.client_id <> OLD.client_id OR NEW.kid <> OLD.kid OR NEW.alg <> OLD.alg OR NEW.public_jwk <> OLD.public_jwk THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'of a client key only its times change: INSERT a new row and let the old one expire';
  END IF;
END//

CREATE TRIGGER client_key_limit BEFORE INSERT ON client_key FOR EACH ROW
BEGIN
  IF (SELECT COUNT(*) FROM client_key WHERE client_id = NEW.client_id) >= 8 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client has at most 8 keys: DELETE one that has expired';
  END IF;
END//

CREATE PROCEDURE client_key_must_exist(IN p_client_id VARBINARY(128), IN p_kid VARBINARY(64))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown client_id or kid'
BEGIN
  CALL client_must_exist(p_client_id);
  IF p_kid IS NULL OR NOT EXISTS (SELECT 1 FROM client_key WHERE client_id = p_client_id AND kid = p_kid) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the client has no key of this kid: SELECT kid FROM client_key shows them';
  END IF;
END//

CREATE PROCEDURE client_add_key(IN p_client_id VARBINARY(128), IN p_kid VARBINARY(64), IN p_alg VARCHAR(8),
                                IN p_public_jwk TEXT CHARACTER SET ascii COLLATE ascii_bin, IN p_expires_at DATETIME)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'one more public key, and the client may use it (private_key_jwt); expires_at NULL: never'
BEGIN
  CALL client_must_exist(p_client_id);
  IF EXISTS (SELECT 1 FROM client_key WHERE client_id = p_client_id AND kid = p_kid) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the client has a key of this kid already: take another kid';
  END IF;
  INSERT INTO client_key (client_id, kid, alg, public_jwk, expires_at) VALUES (p_client_id, p_kid, p_alg, p_public_jwk, p_expires_at);
  UPDATE client SET auth_methods = CONCAT_WS(',', auth_methods, 'private_key_jwt')
   WHERE client_id = p_client_id AND NOT FIND_IN_SET('private_key_jwt', auth_methods);
END//

CREATE PROCEDURE client_expire_key(IN p_client_id VARBINARY(128), IN p_kid VARBINARY(64), IN p_at DATETIME)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the key ends at this time; NULL: now. Its tokens live on: key_revoke_tokens'
BEGIN
  CALL client_key_must_exist(p_client_id, p_kid);
  UPDATE client_key SET expires_at = COALESCE(p_at, CURRENT_TIMESTAMP) WHERE client_id = p_client_id AND kid = p_kid;
END//

CREATE PROCEDURE key_revoke_tokens(IN p_client_id VARBINARY(128), IN p_kid VARBINARY(64),
                                   IN p_reason VARCHAR(255) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes all tokens minted with one key until now; expire or delete the key, too'
BEGIN
  CALL client_key_must_exist(p_client_id, p_kid);
  INSERT INTO revocation_rule (client_id, label, issued_before, expires_at, reason)
  VALUES (p_client_id, p_kid, CURRENT_TIMESTAMP + INTERVAL 1 SECOND, CURRENT_TIMESTAMP + INTERVAL 86460 SECOND,
          COALESCE(p_reason, ''));
END//

DELIMITER ;
