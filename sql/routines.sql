-- routines 2
-- Procedures, functions and triggers: all of them are in this file, none is in a migration after 0008.
--
-- To change one, edit it here and raise the number in the first line by one. `m2mctl migrate` runs the whole file after
-- the migrations that came with m2mauth and before the operators' migrations, when the database has none of it, an older
-- number, the same number of another text, or when a routine is missing; it leaves a greater number alone. So:
--   * every statement is CREATE OR REPLACE PROCEDURE, FUNCTION or TRIGGER, or DROP ... IF EXISTS of one that is no longer
--     wanted; tables and columns belong into sql/migrations;
--   * a host of an older version works with it as well: it reads and writes the same tables.
--
-- A trigger runs with the rights of the account that laid it: the server's account and an operator need no right on the
-- feed's tables. That account must stay. Before it is removed, another one lays them again: DELETE FROM
-- schema_routine_file, then m2mctl migrate.

DELIMITER //

-- --- the change feed ------------------------------------------------------------------------------------------------

-- A stream starts above the highest number that feed holds for it: after its row was deleted, and in a database that was
-- restored while hosts were running.
CREATE OR REPLACE TRIGGER feed_stream_begins BEFORE INSERT ON feed_stream FOR EACH ROW
BEGIN
  SET NEW.seq = GREATEST(NEW.seq, (SELECT COALESCE(MAX(seq), 0) FROM feed WHERE stream = NEW.stream));
  IF NEW.began = 0 THEN
    SET NEW.began = TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6));
    SET NEW.began_seq = NEW.seq;
  END IF;
END//

-- The next number of the session's stream, and the row that has it, in the transaction that makes the change: the
-- stream's row stays locked until it ends, so the numbers have no gap and are in the order of the commits. The stream's
-- row is added when it is missing, because a stream without rows in feed is removed. A number that a row of feed has
-- already would undo the change with error 1062: the stream is lifted above it.
CREATE OR REPLACE PROCEDURE feed_put(IN p_kind VARCHAR(32), IN p_item VARBINARY(255))
  MODIFIES SQL DATA
  COMMENT 'adds a row to the change feed; for triggers'
BEGIN
  DECLARE v_stream VARBINARY(64) DEFAULT COALESCE(@m2m_stream, 'operator');
  DECLARE v_highest BIGINT UNSIGNED;
  DECLARE v_is_used BOOLEAN DEFAULT FALSE;
  UPDATE feed_stream SET seq = LAST_INSERT_ID(seq + 1) WHERE stream = v_stream;
  IF ROW_COUNT() <> 1 THEN
    IF v_stream <> 'operator' AND LEFT(v_stream, 5) <> 'host:' THEN
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '@m2m_stream names neither the stream of a host (host:...) nor operator: SET @m2m_stream = NULL';
    END IF;
    INSERT INTO feed_stream (stream, seq) VALUES (v_stream, 0) ON DUPLICATE KEY UPDATE seq = seq;
    UPDATE feed_stream SET seq = LAST_INSERT_ID(seq + 1) WHERE stream = v_stream;
  END IF;
  BEGIN
    DECLARE EXIT HANDLER FOR 1062 SET v_is_used = TRUE;
    INSERT INTO feed (stream, seq, kind, item) VALUES (v_stream, LAST_INSERT_ID(), p_kind, p_item);
  END;
  IF v_is_used THEN
    SELECT MAX(seq) INTO v_highest FROM feed WHERE stream = v_stream FOR UPDATE;
    UPDATE feed_stream SET seq = LAST_INSERT_ID(v_highest + 1) WHERE stream = v_stream;
    INSERT INTO feed (stream, seq, kind, item) VALUES (v_stream, LAST_INSERT_ID(), p_kind, p_item);
  END IF;
END//

CREATE OR REPLACE TRIGGER client_feed_insert AFTER INSERT ON client FOR EACH ROW CALL feed_put('client', NEW.client_id)//
CREATE OR REPLACE TRIGGER client_feed_update AFTER UPDATE ON client FOR EACH ROW CALL feed_put('client', NEW.client_id)//
CREATE OR REPLACE TRIGGER client_feed_delete AFTER DELETE ON client FOR EACH ROW CALL feed_put('client', OLD.client_id)//

CREATE OR REPLACE TRIGGER client_secret_feed_insert AFTER INSERT ON client_secret FOR EACH ROW CALL feed_put('client', NEW.client_id)//
CREATE OR REPLACE TRIGGER client_secret_feed_update AFTER UPDATE ON client_secret FOR EACH ROW CALL feed_put('client', NEW.client_id)//
CREATE OR REPLACE TRIGGER client_secret_feed_delete AFTER DELETE ON client_secret FOR EACH ROW CALL feed_put('client', OLD.client_id)//

CREATE OR REPLACE TRIGGER client_key_feed_insert AFTER INSERT ON client_key FOR EACH ROW CALL feed_put('client', NEW.client_id)//
CREATE OR REPLACE TRIGGER client_key_feed_update AFTER UPDATE ON client_key FOR EACH ROW CALL feed_put('client', NEW.client_id)//
CREATE OR REPLACE TRIGGER client_key_feed_delete AFTER DELETE ON client_key FOR EACH ROW CALL feed_put('client', OLD.client_id)//

CREATE OR REPLACE TRIGGER client_grant_feed_insert AFTER INSERT ON client_grant FOR EACH ROW CALL feed_put('client', NEW.client_id)//
CREATE OR REPLACE TRIGGER client_grant_feed_update AFTER UPDATE ON client_grant FOR EACH ROW CALL feed_put('client', NEW.client_id)//
CREATE OR REPLACE TRIGGER client_grant_feed_delete AFTER DELETE ON client_grant FOR EACH ROW CALL feed_put('client', OLD.client_id)//

CREATE OR REPLACE TRIGGER audience_reader_feed_insert AFTER INSERT ON audience_reader FOR EACH ROW CALL feed_put('client', NEW.client_id)//
CREATE OR REPLACE TRIGGER audience_reader_feed_update AFTER UPDATE ON audience_reader FOR EACH ROW CALL feed_put('client', NEW.client_id)//
CREATE OR REPLACE TRIGGER audience_reader_feed_delete AFTER DELETE ON audience_reader FOR EACH ROW CALL feed_put('client', OLD.client_id)//

-- A revoked token stays revoked until it has expired, so the feed does not report that its row was deleted.
CREATE OR REPLACE TRIGGER revoked_token_feed_insert AFTER INSERT ON revoked_token FOR EACH ROW CALL feed_put('revoked_token', NEW.jti)//
CREATE OR REPLACE TRIGGER revoked_token_feed_update AFTER UPDATE ON revoked_token FOR EACH ROW CALL feed_put('revoked_token', NEW.jti)//

CREATE OR REPLACE TRIGGER revocation_rule_feed_insert AFTER INSERT ON revocation_rule FOR EACH ROW CALL feed_put('revocation_rule', '')//
CREATE OR REPLACE TRIGGER revocation_rule_feed_update AFTER UPDATE ON revocation_rule FOR EACH ROW CALL feed_put('revocation_rule', '')//
CREATE OR REPLACE TRIGGER revocation_rule_feed_delete AFTER DELETE ON revocation_rule FOR EACH ROW CALL feed_put('revocation_rule', '')//

CREATE OR REPLACE TRIGGER signing_key_feed_insert AFTER INSERT ON signing_key FOR EACH ROW CALL feed_put('signing_key', NEW.kid)//
CREATE OR REPLACE TRIGGER signing_key_feed_update AFTER UPDATE ON signing_key FOR EACH ROW CALL feed_put('signing_key', NEW.kid)//
CREATE OR REPLACE TRIGGER signing_key_feed_delete AFTER DELETE ON signing_key FOR EACH ROW CALL feed_put('signing_key', OLD.kid)//

CREATE OR REPLACE TRIGGER audience_feed_update AFTER UPDATE ON audience FOR EACH ROW
BEGIN
  IF NOT (OLD.token_seconds <=> NEW.token_seconds AND OLD.token_algorithm <=> NEW.token_algorithm) THEN
    CALL feed_put('everything', '');
  END IF;
END//

-- --- what never changes: tokens, logs and other hosts know a thing by its name -------------------------------------

CREATE OR REPLACE TRIGGER client_fixed BEFORE UPDATE ON client FOR EACH ROW
BEGIN
  IF NEW.client_id <> OLD.client_id THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'client_id never changes: INSERT a new client and disable the old one';
  END IF;
END//

CREATE OR REPLACE TRIGGER client_secret_fixed BEFORE UPDATE ON client_secret FOR EACH ROW
BEGIN
  IF NEW.client_id <> OLD.client_id OR NEW.label <> OLD.label THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'client_id and label of a secret never change: INSERT a new row and let the old one expire';
  END IF;
END//

CREATE OR REPLACE TRIGGER client_key_fixed BEFORE UPDATE ON client_key FOR EACH ROW
BEGIN
  IF NEW.client_id <> OLD.client_id OR NEW.kid <> OLD.kid OR NEW.alg <> OLD.alg OR NEW.public_jwk <> OLD.public_jwk THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'of a client key only its times change: INSERT a new row and let the old one expire';
  END IF;
END//

CREATE OR REPLACE TRIGGER client_grant_fixed BEFORE UPDATE ON client_grant FOR EACH ROW
BEGIN
  IF NEW.client_id <> OLD.client_id OR NEW.audience <> OLD.audience OR NEW.scope <> OLD.scope THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'of a grant only is_default changes: DELETE the row and INSERT another';
  END IF;
END//

CREATE OR REPLACE TRIGGER audience_reader_fixed BEFORE UPDATE ON audience_reader FOR EACH ROW
BEGIN
  IF NEW.client_id <> OLD.client_id OR NEW.audience <> OLD.audience THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a reader never changes: DELETE the row and INSERT another';
  END IF;
END//

CREATE OR REPLACE TRIGGER revoked_token_fixed BEFORE UPDATE ON revoked_token FOR EACH ROW
BEGIN
  IF NEW.jti <> OLD.jti THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'jti of a revoked token never changes: INSERT a new row';
  END IF;
END//

CREATE OR REPLACE TRIGGER signing_key_fixed BEFORE UPDATE ON signing_key FOR EACH ROW
BEGIN
  IF NEW.kid <> OLD.kid OR NEW.alg <> OLD.alg OR NEW.public_jwk <> OLD.public_jwk OR
     NOT (NEW.private_pem <=> OLD.private_pem) OR NOT (NEW.private_uri <=> OLD.private_uri) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'of a signing key only its times change: INSERT a new key and retire this one';
  END IF;
END//

CREATE OR REPLACE TRIGGER audience_scope_fixed BEFORE UPDATE ON audience_scope FOR EACH ROW
BEGIN
  IF NEW.audience <> OLD.audience OR NEW.scope <> OLD.scope THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'of a scope only the description changes: DELETE the row and INSERT another';
  END IF;
END//

CREATE OR REPLACE TRIGGER audience_scope_unused BEFORE DELETE ON audience_scope FOR EACH ROW
BEGIN
  IF EXISTS (SELECT 1 FROM client_grant WHERE audience = OLD.audience AND scope = OLD.scope) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'this scope is granted to clients: DELETE those rows of client_grant first';
  END IF;
END//

-- --- limits of the servers' memory ----------------------------------------------------------------------------------

-- Two transactions at once may pass them together; the servers then report the client's row as bad.

CREATE OR REPLACE TRIGGER client_secret_limit BEFORE INSERT ON client_secret FOR EACH ROW
BEGIN
  IF (SELECT COUNT(*) FROM client_secret WHERE client_id = NEW.client_id) >= 8 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client has at most 8 secrets: DELETE one that has expired';
  END IF;
END//

CREATE OR REPLACE TRIGGER client_key_limit BEFORE INSERT ON client_key FOR EACH ROW
BEGIN
  IF (SELECT COUNT(*) FROM client_key WHERE client_id = NEW.client_id) >= 8 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client has at most 8 keys: DELETE one that has expired';
  END IF;
END//

CREATE OR REPLACE TRIGGER client_grant_limit BEFORE INSERT ON client_grant FOR EACH ROW
BEGIN
  IF NEW.scope <> '' AND NOT EXISTS (SELECT 1 FROM audience_scope WHERE audience = NEW.audience AND scope = NEW.scope) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'this audience knows no such scope: INSERT it into audience_scope first';
  END IF;
  IF (SELECT COUNT(*) FROM client_grant WHERE client_id = NEW.client_id) >= 256 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client has at most 256 grants';
  END IF;
END//

CREATE OR REPLACE TRIGGER audience_reader_limit BEFORE INSERT ON audience_reader FOR EACH ROW
BEGIN
  IF (SELECT COUNT(*) FROM audience_reader WHERE client_id = NEW.client_id) >= 64 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client reads the tokens of at most 64 audiences';
  END IF;
END//

-- --- what the procedures below check --------------------------------------------------------------------------------

CREATE OR REPLACE PROCEDURE client_must_exist(IN p_client_id VARBINARY(128))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown client_id'
BEGIN
  DECLARE v_why VARCHAR(255) CHARACTER SET utf8mb4;
  IF p_client_id IS NULL OR NOT EXISTS (SELECT 1 FROM client WHERE client_id = p_client_id) THEN
    SET v_why = CONCAT('there is no client ', COALESCE(QUOTE(CONVERT(p_client_id USING utf8mb4)), 'NULL'), ': CALL client_create first');
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_why;
  END IF;
END//

CREATE OR REPLACE PROCEDURE client_secret_must_exist(IN p_client_id VARBINARY(128), IN p_label VARBINARY(32))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown client_id or label'
BEGIN
  CALL client_must_exist(p_client_id);
  IF p_label IS NULL OR NOT EXISTS (SELECT 1 FROM client_secret WHERE client_id = p_client_id AND label = p_label) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the client has no secret of this label: SELECT label FROM client_secret shows them';
  END IF;
END//

CREATE OR REPLACE PROCEDURE client_key_must_exist(IN p_client_id VARBINARY(128), IN p_kid VARBINARY(64))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown client_id or kid'
BEGIN
  CALL client_must_exist(p_client_id);
  IF p_kid IS NULL OR NOT EXISTS (SELECT 1 FROM client_key WHERE client_id = p_client_id AND kid = p_kid) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the client has no key of this kid: SELECT kid FROM client_key shows them';
  END IF;
END//

CREATE OR REPLACE PROCEDURE audience_must_exist(IN p_audience VARBINARY(255))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown audience'
BEGIN
  IF p_audience IS NULL OR NOT EXISTS (SELECT 1 FROM audience WHERE audience = p_audience) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'there is no such audience: INSERT INTO audience first (every character counts, a last / too)';
  END IF;
END//

-- --- the operators' procedures --------------------------------------------------------------------------------------

-- Each makes one change or says why not; none commits, so several make one migration; plain INSERT and UPDATE work, too.
-- They run with the rights of their caller. A time is one of the session's time zone: m2mctl sets UTC; in another client
-- say SET time_zone = '+00:00' first.

CREATE OR REPLACE PROCEDURE client_create(IN p_client_id VARBINARY(128), IN p_description VARCHAR(255) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'a new client, enabled, that may do nothing yet'
BEGIN
  IF EXISTS (SELECT 1 FROM client WHERE client_id = p_client_id) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'there is a client of this client_id already';
  END IF;
  INSERT INTO client (client_id, description) VALUES (p_client_id, COALESCE(p_description, ''));
END//

CREATE OR REPLACE PROCEDURE client_add_secret(IN p_client_id VARBINARY(128), IN p_label VARBINARY(32), IN p_hash VARBINARY(255),
                                   IN p_expires_at DATETIME)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'one more secret; hash as printed by m2mctl secret; expires_at NULL: never'
BEGIN
  CALL client_must_exist(p_client_id);
  IF EXISTS (SELECT 1 FROM client_secret WHERE client_id = p_client_id AND label = p_label) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the client has a secret of this label already: take another label';
  END IF;
  INSERT INTO client_secret (client_id, label, hash, expires_at) VALUES (p_client_id, p_label, p_hash, p_expires_at);
END//

CREATE OR REPLACE PROCEDURE client_expire_secret(IN p_client_id VARBINARY(128), IN p_label VARBINARY(32), IN p_at DATETIME)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the secret ends at this time; NULL: now. Its tokens live on: secret_revoke_tokens'
BEGIN
  CALL client_secret_must_exist(p_client_id, p_label);
  UPDATE client_secret SET expires_at = COALESCE(p_at, CURRENT_TIMESTAMP)
   WHERE client_id = p_client_id AND label = p_label;
END//

CREATE OR REPLACE PROCEDURE client_add_key(IN p_client_id VARBINARY(128), IN p_kid VARBINARY(64), IN p_alg VARCHAR(8),
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

CREATE OR REPLACE PROCEDURE client_expire_key(IN p_client_id VARBINARY(128), IN p_kid VARBINARY(64), IN p_at DATETIME)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the key ends at this time; NULL: now. Its tokens live on: key_revoke_tokens'
BEGIN
  CALL client_key_must_exist(p_client_id, p_kid);
  UPDATE client_key SET expires_at = COALESCE(p_at, CURRENT_TIMESTAMP) WHERE client_id = p_client_id AND kid = p_kid;
END//

CREATE OR REPLACE PROCEDURE client_set_tls_subject(IN p_client_id VARBINARY(128), IN p_kind VARCHAR(16), IN p_subject VARBINARY(512))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the client may prove itself by a certificate of this subject (tls_client_auth)'
BEGIN
  CALL client_must_exist(p_client_id);
  UPDATE client SET tls_subject_kind = p_kind, tls_subject = p_subject,
                    auth_methods = CONCAT_WS(',', auth_methods, 'tls_client_auth')
   WHERE client_id = p_client_id;
END//

CREATE OR REPLACE PROCEDURE client_add_certificate_key(IN p_client_id VARBINARY(128), IN p_kid VARBINARY(64), IN p_alg VARCHAR(8),
                                            IN p_public_jwk TEXT CHARACTER SET ascii COLLATE ascii_bin, IN p_expires_at DATETIME)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the client may prove itself by a certificate with this key, whoever signed it (self_signed_tls_client_auth)'
BEGIN
  CALL client_must_exist(p_client_id);
  IF EXISTS (SELECT 1 FROM client_key WHERE client_id = p_client_id AND kid = p_kid) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the client has a key of this kid already: take another kid';
  END IF;
  INSERT INTO client_key (client_id, kid, alg, public_jwk, expires_at) VALUES (p_client_id, p_kid, p_alg, p_public_jwk, p_expires_at);
  UPDATE client SET auth_methods = CONCAT_WS(',', auth_methods, 'self_signed_tls_client_auth')
   WHERE client_id = p_client_id AND NOT FIND_IN_SET('self_signed_tls_client_auth', auth_methods);
END//

CREATE OR REPLACE PROCEDURE client_allow(IN p_client_id VARBINARY(128), IN p_audience VARBINARY(255), IN p_scope VARBINARY(255),
                              IN p_is_default BOOLEAN)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'grants one scope word of an audience, or the audience itself (scope empty or NULL)'
BEGIN
  CALL client_must_exist(p_client_id);
  CALL audience_must_exist(p_audience);
  IF EXISTS (SELECT 1 FROM client_grant WHERE client_id = p_client_id AND audience = p_audience AND scope = COALESCE(p_scope, '')) THEN
    UPDATE client_grant SET is_default = COALESCE(p_is_default, 0)
     WHERE client_id = p_client_id AND audience = p_audience AND scope = COALESCE(p_scope, '');
  ELSE
    INSERT INTO client_grant (client_id, audience, scope, is_default)
    VALUES (p_client_id, p_audience, COALESCE(p_scope, ''), COALESCE(p_is_default, 0));
  END IF;
END//

CREATE OR REPLACE PROCEDURE client_may_read(IN p_client_id VARBINARY(128), IN p_audience VARBINARY(255))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the client may introspect the tokens of the audience'
BEGIN
  CALL client_must_exist(p_client_id);
  CALL audience_must_exist(p_audience);
  IF NOT EXISTS (SELECT 1 FROM audience_reader WHERE client_id = p_client_id AND audience = p_audience) THEN
    INSERT INTO audience_reader (audience, client_id) VALUES (p_audience, p_client_id);
  END IF;
END//

CREATE OR REPLACE PROCEDURE client_disable(IN p_client_id VARBINARY(128))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'no new token, and its tokens are inactive'
BEGIN
  CALL client_must_exist(p_client_id);
  UPDATE client SET enabled = 0 WHERE client_id = p_client_id;
END//

CREATE OR REPLACE PROCEDURE client_enable(IN p_client_id VARBINARY(128))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'undoes client_disable; tokens that have not expired are active again'
BEGIN
  CALL client_must_exist(p_client_id);
  UPDATE client SET enabled = 1 WHERE client_id = p_client_id;
END//

CREATE OR REPLACE PROCEDURE token_revoke(IN p_jti VARBINARY(64), IN p_expires_at DATETIME)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes one token; expires_at is its exp, NULL: not known'
BEGIN
  INSERT INTO revoked_token (jti, expires_at)
  VALUES (p_jti, COALESCE(p_expires_at, CURRENT_TIMESTAMP + INTERVAL 86460 SECOND))
  ON DUPLICATE KEY UPDATE expires_at = GREATEST(expires_at, VALUES(expires_at));
END//

-- A second is added, or the tokens of this very second would live on. The longest life is 86400 s, and a minute of skew.
CREATE OR REPLACE PROCEDURE client_revoke_tokens(IN p_client_id VARBINARY(128), IN p_reason VARCHAR(255) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes all tokens of a client issued until now; new ones are good'
BEGIN
  CALL client_must_exist(p_client_id);
  INSERT INTO revocation_rule (client_id, issued_before, expires_at, reason)
  VALUES (p_client_id, CURRENT_TIMESTAMP + INTERVAL 1 SECOND, CURRENT_TIMESTAMP + INTERVAL 86460 SECOND, COALESCE(p_reason, ''));
END//

CREATE OR REPLACE PROCEDURE secret_revoke_tokens(IN p_client_id VARBINARY(128), IN p_label VARBINARY(32),
                                      IN p_reason VARCHAR(255) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes all tokens minted with one secret until now; expire or delete the secret, too'
BEGIN
  CALL client_secret_must_exist(p_client_id, p_label);
  INSERT INTO revocation_rule (client_id, label, issued_before, expires_at, reason)
  VALUES (p_client_id, p_label, CURRENT_TIMESTAMP + INTERVAL 1 SECOND, CURRENT_TIMESTAMP + INTERVAL 86460 SECOND,
          COALESCE(p_reason, ''));
END//

CREATE OR REPLACE PROCEDURE key_revoke_tokens(IN p_client_id VARBINARY(128), IN p_kid VARBINARY(64),
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
