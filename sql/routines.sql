-- routines 12
-- Procedures, functions and triggers: all of them are in this file; migrations after 0008 have none.
--
-- To change one, edit it here and increase the number in the first line. `m2mctl migrate` runs the whole file after the
-- migrations of m2mauth and before the operators' migrations, if the database has no routines, an older number, the
-- same number with another text, or if a routine is missing; it leaves a larger number unchanged. Therefore:
--   * every statement is CREATE OR REPLACE PROCEDURE, FUNCTION or TRIGGER, or DROP ... IF EXISTS of one that is no longer
--     needed; tables and columns belong in sql/migrations;
--   * hosts of an older version must work with it: they read and write the same tables.
--
-- A trigger runs with the rights of the account that created it, so the server's account and operators need no rights
-- on the tables of the feed. That account must not be removed. To replace it, let another account create the routines
-- again: DELETE FROM schema_routine_file, then m2mctl migrate.
--
-- A time parameter of a procedure is text in UTC:
--     2027-01-31                        midnight UTC
--     2027-01-31T12:00:00Z              seconds may be omitted, a fraction is dropped, a blank may replace T
--     2027-01-31T14:00:00+02:00         with an offset
--     now, +90s, +15m, +12h, +7d        relative to now
--     NULL                              depends on the procedure: never, or now
-- A date and time without a zone, which a DATETIME expression also yields (FROM_UNIXTIME(n), NOW()), is accepted only in a
-- session with the time_zone UTC, such as that of m2mctl; otherwise its zone is unknown and it is refused. Times after
-- 2038-01-19, which a TIMESTAMP cannot store, are refused; use NULL for never.
--
-- No routine may depend on the time_zone or sql_mode of the session. A time is stored by
--     SET STATEMENT time_zone = '+00:00' FOR INSERT ... UTC_TIMESTAMP ...
-- whose setting ends with the statement, even if it fails. CURRENT_TIMESTAMP, NOW() and FROM_UNIXTIME() are local times and
-- ambiguous in the hour that a clock change repeats: they are not used here. Each routine keeps the sql_mode of m2mctl
-- (strict); but parameters are truncated to their types before that, in the mode of the caller. Parameter types are
-- therefore wider than the columns, and the column refuses a value that is too long.

DELIMITER //

-- --- exact rows -----------------------------------------------------------------------------------------------------

-- In a session that is not strict, an unknown word of a SET or ENUM, a text that is too long or a time that does not
-- exist is stored as a different value, with a warning. A trigger sees that warning before the row is stored. p_times:
-- the times of the row, because '0000-00-00' causes no warning.
CREATE OR REPLACE PROCEDURE row_must_be_exact(IN p_times VARCHAR(255) CHARACTER SET ascii)
  MODIFIES SQL DATA
  COMMENT 'refuses a row that would be stored differently from its statement; first statement of each BEFORE trigger'
BEGIN
  DECLARE v_kept, v_number INT DEFAULT 0;
  DECLARE v_at INT DEFAULT 1;
  DECLARE v_why VARCHAR(500) CHARACTER SET utf8mb4;
  GET CURRENT DIAGNOSTICS v_kept = NUMBER;
  WHILE v_at <= v_kept DO
    GET CURRENT DIAGNOSTICS CONDITION v_at v_number = MYSQL_ERRNO, v_why = MESSAGE_TEXT;
    -- NULL for a NOT NULL column, out of range, truncated word or text, nonexistent local time, no default, not a
    -- number, too long
    IF v_number IN (1048, 1264, 1265, 1299, 1364, 1366, 1406) THEN
      CALL refuse(CONCAT(LEFT(v_why, 300), ': a different value would be stored. SHOW CREATE TABLE shows what is accepted'));
    END IF;
    SET v_at = v_at + 1;
  END WHILE;
  IF v_kept >= @@max_error_count THEN
    CALL refuse('the session has no room for further warnings, so the row cannot be checked: SET max_error_count = 65535');
  END IF;
  IF p_times LIKE '%0000-00-00%' THEN
    CALL refuse('0000-00-00 is not a time: omit the column or set it to NULL');
  END IF;
END//

CREATE OR REPLACE PROCEDURE refuse(IN p_why VARCHAR(500) CHARACTER SET utf8mb4)
  NO SQL SQL SECURITY INVOKER
  COMMENT 'fails the statement with this error'
BEGIN
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = p_why;
END//

-- $ in the pattern of a CHECK matches before a newline at the end as well, and such a name equals no other. What a CHECK
-- of a migration lets pass is refused here, because existing rows would stop a new CHECK.
CREATE OR REPLACE PROCEDURE must_not_end_in_newline(IN p_column VARCHAR(64) CHARACTER SET ascii, IN p_value VARBINARY(4096))
  NO SQL
  COMMENT 'refuses a value with a newline at its end'
BEGIN
  IF RIGHT(p_value, 1) = X'0A' AND @@check_constraint_checks THEN
    CALL refuse(CONCAT(p_column, ' ends in a newline: leave it out'));
  END IF;
END//

CREATE OR REPLACE TRIGGER client_exact BEFORE INSERT ON client FOR EACH ROW
BEGIN
  CALL row_must_be_exact(NULL);
  CALL must_not_end_in_newline('client_id', NEW.client_id);
  CALL must_not_end_in_newline('tls_issuer', NEW.tls_issuer);
  IF NEW.tls_subject IS NOT NULL AND @@check_constraint_checks THEN
    CALL tls_subject_must_fit(NEW.tls_subject_kind, NEW.tls_subject);
  END IF;
END//
CREATE OR REPLACE TRIGGER audience_exact_insert BEFORE INSERT ON audience FOR EACH ROW
BEGIN
  CALL row_must_be_exact(NULL);
  CALL must_not_end_in_newline('audience', NEW.audience);
END//
CREATE OR REPLACE TRIGGER audience_exact_update BEFORE UPDATE ON audience FOR EACH ROW CALL row_must_be_exact(NULL)//
CREATE OR REPLACE TRIGGER audience_scope_exact BEFORE INSERT ON audience_scope FOR EACH ROW
BEGIN
  CALL row_must_be_exact(NULL);
  CALL must_not_end_in_newline('scope', NEW.scope);
END//
CREATE OR REPLACE TRIGGER revoked_token_exact BEFORE INSERT ON revoked_token FOR EACH ROW
BEGIN
  CALL row_must_be_exact(NEW.expires_at);
  CALL must_not_end_in_newline('jti', NEW.jti);
END//
CREATE OR REPLACE TRIGGER revocation_rule_exact_insert BEFORE INSERT ON revocation_rule FOR EACH ROW
BEGIN
  CALL row_must_be_exact(CONCAT_WS(' ', NEW.issued_from, NEW.issued_before, NEW.expires_at));
  CALL must_not_end_in_newline('client_id', NEW.client_id);
  CALL must_not_end_in_newline('label', NEW.label);
END//
CREATE OR REPLACE TRIGGER revocation_rule_exact_update BEFORE UPDATE ON revocation_rule FOR EACH ROW
BEGIN
  CALL row_must_be_exact(CONCAT_WS(' ', NEW.issued_from, NEW.issued_before, NEW.expires_at));
  CALL must_not_end_in_newline('client_id', IF(NEW.client_id <=> OLD.client_id, NULL, NEW.client_id));
  CALL must_not_end_in_newline('label', IF(NEW.label <=> OLD.label, NULL, NEW.label));
END//
CREATE OR REPLACE TRIGGER signing_key_exact BEFORE INSERT ON signing_key FOR EACH ROW
BEGIN
  CALL row_must_be_exact(CONCAT_WS(' ', NEW.publish_at, NEW.activate_at, NEW.retire_at, NEW.remove_at));
  CALL must_not_end_in_newline('kid', NEW.kid);
  CALL must_not_end_in_newline('private_uri', NEW.private_uri);
  CALL must_not_end_in_newline('mac', NEW.mac);
END//

-- --- the change feed ------------------------------------------------------------------------------------------------

-- A stream starts above the largest number that feed has for it: after its row was deleted, or in a database that was
-- restored while hosts were running.
CREATE OR REPLACE TRIGGER feed_stream_begins BEFORE INSERT ON feed_stream FOR EACH ROW
BEGIN
  SET NEW.seq = GREATEST(NEW.seq, (SELECT COALESCE(MAX(seq), 0) FROM feed WHERE stream = NEW.stream));
  IF NEW.began = 0 THEN
    SET NEW.began = TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6));
    SET NEW.began_seq = NEW.seq;
  END IF;
END//

-- Adds the next number of the session's stream and its row, in the transaction that makes the change. The row of the
-- stream stays locked until the transaction ends, so the numbers have no gaps and are in commit order. The row of the
-- stream is added if it is missing, because a stream without rows in feed is removed. If a row of feed already has the
-- number, the change would fail with error 1062: the stream is raised above it.
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

-- A revoked token stays revoked until it expires, so the feed does not report the deletion of its row.
CREATE OR REPLACE TRIGGER revoked_token_feed_insert AFTER INSERT ON revoked_token FOR EACH ROW CALL feed_put('revoked_token', NEW.jti)//
CREATE OR REPLACE TRIGGER revoked_token_feed_update AFTER UPDATE ON revoked_token FOR EACH ROW CALL feed_put('revoked_token', NEW.jti)//

CREATE OR REPLACE TRIGGER revocation_rule_feed_insert AFTER INSERT ON revocation_rule FOR EACH ROW CALL feed_put('revocation_rule', '')//
CREATE OR REPLACE TRIGGER revocation_rule_feed_update AFTER UPDATE ON revocation_rule FOR EACH ROW CALL feed_put('revocation_rule', '')//
CREATE OR REPLACE TRIGGER revocation_rule_feed_delete AFTER DELETE ON revocation_rule FOR EACH ROW CALL feed_put('revocation_rule', '')//

CREATE OR REPLACE TRIGGER signing_key_feed_insert AFTER INSERT ON signing_key FOR EACH ROW CALL feed_put('signing_key', NEW.kid)//
CREATE OR REPLACE TRIGGER signing_key_feed_update AFTER UPDATE ON signing_key FOR EACH ROW CALL feed_put('signing_key', NEW.kid)//
CREATE OR REPLACE TRIGGER signing_key_feed_delete AFTER DELETE ON signing_key FOR EACH ROW CALL feed_put('signing_key', OLD.kid)//

CREATE OR REPLACE TRIGGER audience_scope_feed_insert AFTER INSERT ON audience_scope FOR EACH ROW CALL feed_put('audience_scope', '')//
CREATE OR REPLACE TRIGGER audience_scope_feed_delete AFTER DELETE ON audience_scope FOR EACH ROW CALL feed_put('audience_scope', '')//

CREATE OR REPLACE TRIGGER audience_feed_update AFTER UPDATE ON audience FOR EACH ROW
BEGIN
  IF NOT (OLD.token_seconds <=> NEW.token_seconds AND OLD.token_algorithm <=> NEW.token_algorithm) THEN
    CALL feed_put('everything', '');
  END IF;
END//

-- --- columns that never change: tokens, logs and other hosts refer to them ------------------------------------------

CREATE OR REPLACE TRIGGER client_fixed BEFORE UPDATE ON client FOR EACH ROW
BEGIN
  CALL row_must_be_exact(NULL);
  CALL must_not_end_in_newline('tls_issuer', IF(NEW.tls_issuer <=> OLD.tls_issuer, NULL, NEW.tls_issuer));
  IF NEW.client_id <> OLD.client_id THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'client_id never changes: INSERT a new client and disable the old one';
  END IF;
  IF NEW.tls_subject IS NOT NULL AND @@check_constraint_checks AND
     NOT (NEW.tls_subject <=> OLD.tls_subject AND NEW.tls_subject_kind <=> OLD.tls_subject_kind) THEN
    CALL tls_subject_must_fit(NEW.tls_subject_kind, NEW.tls_subject);
  END IF;
END//

CREATE OR REPLACE TRIGGER client_secret_fixed BEFORE UPDATE ON client_secret FOR EACH ROW
BEGIN
  CALL row_must_be_exact(CONCAT_WS(' ', NEW.not_before, NEW.expires_at));
  CALL must_not_end_in_newline('hash', IF(NEW.hash <=> OLD.hash, NULL, NEW.hash));
  IF NEW.client_id <> OLD.client_id OR NEW.label <> OLD.label THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'client_id and label of a secret never change: INSERT a new row and let the old one expire';
  END IF;
  IF SUBSTRING_INDEX(SUBSTRING_INDEX(NEW.hash, '$', 3), '$', -1) + 0 NOT BETWEEN 10000 AND 5000000 AND NEW.hash LIKE '$pbkdf2%' AND
     @@check_constraint_checks THEN
    CALL refuse('a PBKDF2 hash has 10000 to 5000000 rounds: create one with m2mctl secret --stdin');
  END IF;
END//

CREATE OR REPLACE TRIGGER client_key_fixed BEFORE UPDATE ON client_key FOR EACH ROW
BEGIN
  CALL row_must_be_exact(CONCAT_WS(' ', NEW.not_before, NEW.expires_at));
  IF NEW.client_id <> OLD.client_id OR NEW.kid <> OLD.kid OR NEW.alg <> OLD.alg OR NEW.public_jwk <> OLD.public_jwk THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only the times of a client key can change: INSERT a new row and let the old one expire';
  END IF;
END//

CREATE OR REPLACE TRIGGER client_grant_fixed BEFORE UPDATE ON client_grant FOR EACH ROW
BEGIN
  CALL row_must_be_exact(NULL);
  IF NEW.client_id <> OLD.client_id OR NEW.audience <> OLD.audience OR NEW.scope <> OLD.scope THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only is_default of a grant can change: DELETE the row and INSERT another';
  END IF;
END//

CREATE OR REPLACE TRIGGER audience_reader_fixed BEFORE UPDATE ON audience_reader FOR EACH ROW
BEGIN
  CALL row_must_be_exact(NULL);
  IF NEW.client_id <> OLD.client_id OR NEW.audience <> OLD.audience THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a row of audience_reader never changes: DELETE it and INSERT another';
  END IF;
END//

CREATE OR REPLACE TRIGGER revoked_token_fixed BEFORE UPDATE ON revoked_token FOR EACH ROW
BEGIN
  CALL row_must_be_exact(NEW.expires_at);
  IF NEW.jti <> OLD.jti THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'jti of a revoked token never changes: INSERT a new row';
  END IF;
END//

-- Only the times of a signing key can change; private_pem can change together with the MAC (m2mctl key reseal), and the
-- private key of a removed key can be deleted. A removed key cannot be used again and a retired key cannot sign again:
-- its tokens may be regarded as expired everywhere.
CREATE OR REPLACE TRIGGER signing_key_fixed BEFORE UPDATE ON signing_key FOR EACH ROW
BEGIN
  DECLARE v_is_removed, v_is_stripped BOOLEAN;
  CALL row_must_be_exact(CONCAT_WS(' ', NEW.publish_at, NEW.activate_at, NEW.retire_at, NEW.remove_at));
  SET v_is_removed = OLD.remove_at IS NOT NULL AND UNIX_TIMESTAMP(OLD.remove_at) <= UNIX_TIMESTAMP();
  SET v_is_stripped = v_is_removed AND NEW.private_pem IS NULL AND NEW.private_uri IS NULL;
  IF NEW.kid <> OLD.kid OR NEW.alg <> OLD.alg OR NEW.public_jwk <> OLD.public_jwk OR
     (NOT (NEW.private_uri <=> OLD.private_uri) AND NOT v_is_stripped) OR
     (NOT (NEW.private_pem <=> OLD.private_pem) AND NOT v_is_stripped AND
      (NEW.mac = OLD.mac OR NEW.private_pem IS NULL OR OLD.private_pem IS NULL)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only the times of a signing key can change: create another key with m2mctl key new and retire this one';
  END IF;
  IF v_is_removed AND (NEW.remove_at IS NULL OR UNIX_TIMESTAMP(NEW.remove_at) > UNIX_TIMESTAMP()) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a removed signing key cannot be used again: create another with m2mctl key new';
  END IF;
  IF UNIX_TIMESTAMP(OLD.retire_at) <= UNIX_TIMESTAMP() AND
     (NEW.retire_at IS NULL OR UNIX_TIMESTAMP(NEW.retire_at) > UNIX_TIMESTAMP()) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a retired signing key cannot sign again: create another with m2mctl key new';
  END IF;
END//

CREATE OR REPLACE TRIGGER audience_scope_fixed BEFORE UPDATE ON audience_scope FOR EACH ROW
BEGIN
  CALL row_must_be_exact(NULL);
  IF NEW.audience <> OLD.audience OR NEW.scope <> OLD.scope THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only the description of a scope can change: DELETE the row and INSERT another';
  END IF;
END//

CREATE OR REPLACE TRIGGER audience_scope_unused BEFORE DELETE ON audience_scope FOR EACH ROW
BEGIN
  IF EXISTS (SELECT 1 FROM client_grant WHERE audience = OLD.audience AND scope = OLD.scope) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'this scope is granted to clients: DELETE those rows of client_grant first';
  END IF;
END//

-- --- limits of the memory of the servers ----------------------------------------------------------------------------

-- Two concurrent transactions can together exceed a limit. The servers then use the 8 secrets and 8 keys of a client
-- that expire last and its first grants and audiences, and report each row that is left out.

CREATE OR REPLACE TRIGGER signing_key_limit BEFORE INSERT ON signing_key FOR EACH ROW
BEGIN
  DECLARE v_now BIGINT;
  SET STATEMENT time_zone = '+00:00' FOR SELECT UNIX_TIMESTAMP(SYSDATE()) INTO v_now;
  IF (SELECT COUNT(*) FROM signing_key WHERE remove_at IS NULL OR UNIX_TIMESTAMP(remove_at) > v_now) >= 256 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'there are 256 signing keys: remove unneeded ones with m2mctl key drop';
  END IF;
END//

CREATE OR REPLACE TRIGGER client_secret_limit BEFORE INSERT ON client_secret FOR EACH ROW
BEGIN
  CALL row_must_be_exact(CONCAT_WS(' ', NEW.not_before, NEW.expires_at));
  CALL must_not_end_in_newline('label', NEW.label);
  CALL must_not_end_in_newline('hash', NEW.hash);
  IF (SELECT COUNT(*) FROM client_secret WHERE client_id = NEW.client_id) >= 8 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client has at most 8 secrets: DELETE one that has expired';
  END IF;
  IF SUBSTRING_INDEX(SUBSTRING_INDEX(NEW.hash, '$', 3), '$', -1) + 0 NOT BETWEEN 10000 AND 5000000 AND NEW.hash LIKE '$pbkdf2%' AND
     @@check_constraint_checks THEN
    CALL refuse('a PBKDF2 hash has 10000 to 5000000 rounds: create one with m2mctl secret --stdin');
  END IF;
END//

CREATE OR REPLACE TRIGGER client_key_limit BEFORE INSERT ON client_key FOR EACH ROW
BEGIN
  CALL row_must_be_exact(CONCAT_WS(' ', NEW.not_before, NEW.expires_at));
  CALL must_not_end_in_newline('kid', NEW.kid);
  IF (SELECT COUNT(*) FROM client_key WHERE client_id = NEW.client_id) >= 8 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client has at most 8 keys: DELETE one that has expired';
  END IF;
  IF @@check_constraint_checks THEN
    CALL client_key_must_fit(NEW.kid, NEW.alg, NEW.public_jwk);
  END IF;
END//

CREATE OR REPLACE TRIGGER client_grant_limit BEFORE INSERT ON client_grant FOR EACH ROW
BEGIN
  CALL row_must_be_exact(NULL);
  IF NEW.scope <> '' AND NOT EXISTS (SELECT 1 FROM audience_scope WHERE audience = NEW.audience AND scope = NEW.scope) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audience has no such scope: INSERT it into audience_scope first';
  END IF;
  IF (SELECT COUNT(*) FROM client_grant WHERE client_id = NEW.client_id) >= 256 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client has at most 256 grants';
  END IF;
END//

CREATE OR REPLACE TRIGGER audience_reader_limit BEFORE INSERT ON audience_reader FOR EACH ROW
BEGIN
  CALL row_must_be_exact(NULL);
  IF (SELECT COUNT(*) FROM audience_reader WHERE client_id = NEW.client_id) >= 64 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client may introspect the tokens of at most 64 audiences';
  END IF;
END//

-- --- credentials that can be used -----------------------------------------------------------------------------------

-- The server ignores a credential that it cannot use; whatever can be checked here is refused with the reason. Like a
-- CHECK, check_constraint_checks = 0 disables it.
CREATE OR REPLACE PROCEDURE client_key_must_fit(IN p_kid VARBINARY(4096), IN p_alg VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
                                                IN p_jwk MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  NO SQL
  COMMENT 'refuses a public JWK (RFC 7517) that this client_key row cannot have'
BEGIN
  DECLARE v_kty, v_crv VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  DECLARE v_half VARCHAR(64) DEFAULT '\\A[A-Za-z0-9_-]{43}\\z';
  IF p_jwk IS NULL OR NOT JSON_VALID(p_jwk) OR JSON_TYPE(p_jwk) <> 'OBJECT' THEN
    CALL refuse('the public key is not a JSON object: m2mctl jwk prints it as one');
  ELSEIF JSON_CONTAINS_PATH(p_jwk, 'one', '$.keys') THEN
    CALL refuse('this is a JWK Set: add each of its keys by a separate call');
  ELSEIF JSON_CONTAINS_PATH(p_jwk, 'one', '$.d', '$.p', '$.q', '$.dp', '$.dq', '$.qi', '$.oth', '$.k') THEN
    CALL refuse('the JWK has private members: create a new key pair, since this one is exposed, and add its public key');
  ELSEIF JSON_LENGTH(p_jwk) <> JSON_LENGTH(JSON_KEYS(p_jwk)) THEN
    CALL refuse('the JWK has a member twice');
  ELSEIF p_kid IS NULL OR COALESCE(JSON_TYPE(JSON_EXTRACT(p_jwk, '$.kid')), 'STRING') <> 'STRING' OR
         COALESCE(CAST(JSON_VALUE(p_jwk, '$.kid') AS BINARY), p_kid) <> p_kid THEN
    CALL refuse('kid differs from that of the JWK: use NULL to take it from the JWK');
  ELSEIF COALESCE(p_alg, '') NOT IN ('ES256', 'RS256', 'PS256', 'EdDSA') THEN
    CALL refuse('alg must be ES256, RS256, PS256 or EdDSA, or NULL to take it from the JWK');
  ELSEIF COALESCE(JSON_VALUE(p_jwk, '$.alg'), p_alg) NOT IN (p_alg, IF(p_alg = 'EdDSA', 'Ed25519', p_alg)) THEN
    CALL refuse('alg differs from that of the JWK: use NULL to take it from the JWK');
  ELSEIF COALESCE(JSON_VALUE(p_jwk, '$.use'), 'sig') <> 'sig' THEN
    CALL refuse('the use of the JWK is not sig: it is not a signing key');
  ELSEIF JSON_CONTAINS_PATH(p_jwk, 'one', '$.key_ops') AND NOT JSON_CONTAINS(JSON_EXTRACT(p_jwk, '$.key_ops'), '"verify"') THEN
    CALL refuse('the key_ops of the JWK lack verify: it is not a signing key');
  END IF;
  SET v_kty = COALESCE(JSON_VALUE(p_jwk, '$.kty'), ''), v_crv = COALESCE(JSON_VALUE(p_jwk, '$.crv'), '');
  IF v_kty NOT IN ('EC', 'RSA', 'OKP') THEN
    CALL refuse('the kty of the JWK is none of EC, RSA and OKP');
  ELSEIF p_alg NOT IN (CASE v_kty WHEN 'EC' THEN 'ES256' WHEN 'OKP' THEN 'EdDSA' ELSE 'RS256' END, IF(v_kty = 'RSA', 'PS256', '')) THEN
    CALL refuse(CONCAT('alg ', p_alg, ' does not fit a key of kty ', v_kty, ': EC is for ES256, RSA for RS256 and PS256, OKP for EdDSA'));
  ELSEIF v_kty = 'EC' AND v_crv <> 'P-256' OR v_kty = 'OKP' AND v_crv <> 'Ed25519' THEN
    CALL refuse('the crv of the JWK must be P-256 for EC and Ed25519 for OKP');
  ELSEIF v_kty IN ('EC', 'OKP') AND COALESCE(JSON_VALUE(p_jwk, '$.x'), '') NOT REGEXP v_half OR
         v_kty = 'EC' AND COALESCE(JSON_VALUE(p_jwk, '$.y'), '') NOT REGEXP v_half THEN
    CALL refuse('x (and y of EC) must be 32 bytes each: 43 characters of base64url without =');
  ELSEIF v_kty = 'RSA' AND (COALESCE(JSON_VALUE(p_jwk, '$.n'), '') NOT REGEXP '\\A[A-Za-z0-9_-]{342,684}\\z' OR
                            COALESCE(JSON_VALUE(p_jwk, '$.e'), '') NOT REGEXP '\\A[A-Za-z0-9_-]{2,}\\z') THEN
    CALL refuse('n must have 2048 to 4096 bits and e must be present, both in base64url without =');
  END IF;
END//

CREATE OR REPLACE PROCEDURE tls_subject_must_fit(IN p_kind VARCHAR(255), IN p_subject VARBINARY(4096))
  NO SQL
  COMMENT 'refuses a value that no certificate can have as a name of this kind (RFC 8705 2.1.2)'
BEGIN
  IF COALESCE(p_kind, '') NOT IN ('subject_dn', 'san_dns', 'san_uri', 'san_ip', 'san_email') THEN
    CALL refuse('the kind of a subject must be subject_dn, san_dns, san_uri, san_ip or san_email');
  ELSEIF COALESCE(LENGTH(p_subject), 0) NOT BETWEEN 1 AND 512 THEN
    CALL refuse('a subject has 1 to 512 bytes');
  ELSEIF p_kind = 'subject_dn' AND p_subject NOT REGEXP
         '(?x-i)\\A (?<rdn> \\x20* [A-Za-z0-9.-]+ \\x20* = \\x20* (?!\\#) (?: \\\\ [^\\x00] | [^\\x00-\\x20,+\\";<>\\\\] | \\x20 )*? (?: \\\\ [^\\x00] | [^\\x00-\\x20,+\\";<>\\\\] ) \\x20* ) (?: [,+] (?&rdn) )* \\z' THEN
    CALL refuse('not a name in the format of RFC 4514, such as CN=orders,O=Example,C=DE: openssl x509 -noout -subject -nameopt RFC2253');
  ELSEIF p_kind <> 'subject_dn' AND p_subject REGEXP '[\\x00-\\x20]' THEN
    CALL refuse('the subject contains a blank or a line end');
  ELSEIF p_kind = 'san_dns' AND p_subject NOT REGEXP '\\A[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?([.][A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\\z' THEN
    CALL refuse('not the name of a host; wildcards are not accepted');
  ELSEIF p_kind = 'san_uri' AND p_subject NOT REGEXP '\\A[A-Za-z][A-Za-z0-9+.-]*:.' THEN
    CALL refuse('not an absolute URI such as spiffe://example.com/orders');
  ELSEIF p_kind = 'san_ip' AND NOT IS_IPV4(CONVERT(p_subject USING ascii)) AND NOT IS_IPV6(CONVERT(p_subject USING ascii)) THEN
    CALL refuse('not an IP address such as 192.0.2.7 or 2001:db8::7');
  ELSEIF p_kind = 'san_email' AND p_subject NOT REGEXP '\\A[^@]+@[^@]+\\z' THEN
    CALL refuse('not a mailbox such as orders@example.com');
  END IF;
END//

-- --- checks of the procedures below ---------------------------------------------------------------------------------

CREATE OR REPLACE PROCEDURE client_must_exist(IN p_client_id VARBINARY(4096))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown client_id'
BEGIN
  DECLARE v_why VARCHAR(255) CHARACTER SET utf8mb4;
  IF p_client_id IS NULL OR NOT EXISTS (SELECT 1 FROM client WHERE client_id = p_client_id) THEN
    SET v_why = CONCAT('there is no client ', COALESCE(QUOTE(CONVERT(LEFT(p_client_id, 128) USING utf8mb4)), 'NULL'), ': CALL client_create first');
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_why;
  END IF;
END//

CREATE OR REPLACE PROCEDURE client_secret_must_exist(IN p_client_id VARBINARY(4096), IN p_label VARBINARY(4096))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown client_id or label'
BEGIN
  CALL client_must_exist(p_client_id);
  IF p_label IS NULL OR NOT EXISTS (SELECT 1 FROM client_secret WHERE client_id = p_client_id AND label = p_label) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the client has no secret with this label: SELECT label FROM client_secret lists them';
  END IF;
END//

CREATE OR REPLACE PROCEDURE client_key_must_exist(IN p_client_id VARBINARY(4096), IN p_kid VARBINARY(4096))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown client_id or kid'
BEGIN
  CALL client_must_exist(p_client_id);
  IF p_kid IS NULL OR NOT EXISTS (SELECT 1 FROM client_key WHERE client_id = p_client_id AND kid = p_kid) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the client has no key with this kid: SELECT kid FROM client_key lists them';
  END IF;
END//

CREATE OR REPLACE PROCEDURE audience_must_exist(IN p_audience VARBINARY(4096))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown audience'
BEGIN
  IF p_audience IS NULL OR NOT EXISTS (SELECT 1 FROM audience WHERE audience = p_audience) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'there is no such audience: INSERT INTO audience first (every character counts, including a final /)';
  END IF;
END//

-- --- missing routines -----------------------------------------------------------------------------------------------

-- For the server's account, which sees no routine in information_schema: runs with the rights of its definer.
CREATE OR REPLACE PROCEDURE routines_missing()
  READS SQL DATA SQL SECURITY DEFINER
  COMMENT 'recorded procedures, functions and triggers that do not exist, e.g. after a restore without --routines'
BEGIN
  SELECT s.kind, s.name FROM schema_routine s
    LEFT JOIN information_schema.ROUTINES r ON s.kind <> 'TRIGGER' AND r.ROUTINE_SCHEMA = DATABASE()
          AND r.ROUTINE_TYPE = s.kind AND r.ROUTINE_NAME = s.name
    LEFT JOIN information_schema.TRIGGERS t ON s.kind = 'TRIGGER' AND t.TRIGGER_SCHEMA = DATABASE() AND t.TRIGGER_NAME = s.name
   WHERE r.ROUTINE_NAME IS NULL AND t.TRIGGER_NAME IS NULL
   ORDER BY s.kind, s.name;
END//

-- --- times ----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION instant_utc(p_text VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
  RETURNS VARCHAR(19) CHARACTER SET ascii
  NO SQL SQL SECURITY INVOKER
  COMMENT 'a time as operators write it, in UTC as YYYY-MM-DD HH:MM:SS; NULL: NULL'
BEGIN
  DECLARE v_at DATETIME;
  DECLARE v_time, v_zone VARCHAR(64) CHARACTER SET ascii;
  DECLARE v_seconds BIGINT;
  DECLARE v_given VARCHAR(100) CHARACTER SET utf8mb4 DEFAULT QUOTE(LEFT(p_text, 40));
  IF p_text IS NULL OR p_text = 'now' THEN
    RETURN IF(p_text IS NULL, NULL, DATE_FORMAT(UTC_TIMESTAMP, '%Y-%m-%d %H:%i:%s'));
  END IF;
  IF p_text REGEXP '\\A\\+[0-9]{1,9}[smhd]\\z' THEN
    SET v_seconds = SUBSTRING(p_text, 2, CHAR_LENGTH(p_text) - 2) * ELT(LOCATE(RIGHT(p_text, 1), 'smhd'), 1, 60, 3600, 86400);
    SET v_at = UTC_TIMESTAMP + INTERVAL LEAST(v_seconds, 2147483647) SECOND;
  ELSEIF p_text REGEXP '\\A[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt\\x20]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?([Zz]|\\x20?UTC|\\x20?[+-](0[0-9]|1[0-4]):?[0-5][0-9])?)?\\z' THEN
    IF p_text < '1971' OR RIGHT(LEFT(p_text, 10), 2) > DAY(LAST_DAY(CONCAT(LEFT(p_text, 7), '-01'))) THEN
      CALL refuse(CONCAT(v_given, ' is not a date after 1970'));
    END IF;
    SET v_time = COALESCE(NULLIF(REGEXP_SUBSTR(SUBSTRING(p_text, 12), '\\A[0-9]{2}:[0-9]{2}(:[0-9]{2})?'), ''), '00:00');
    SET v_zone = REGEXP_SUBSTR(SUBSTRING(p_text, 12), '([Zz]|UTC|[+-][0-9]{2}:?[0-9]{2})\\z');
    IF v_zone = '' AND CHAR_LENGTH(p_text) > 10 AND
       IF(@@time_zone = 'SYSTEM', @@system_time_zone, @@time_zone) NOT IN ('+00:00', 'UTC', 'Etc/UTC') THEN
      CALL refuse(CONCAT(v_given, ' has no zone and the session\'s time_zone is not UTC: write 2027-01-31T12:00:00Z or +7d, or SET time_zone = \'+00:00\' first'));
    END IF;
    SET v_at = CAST(CONCAT(LEFT(p_text, 10), ' ', v_time) AS DATETIME);
    IF LEFT(v_zone, 1) IN ('+', '-') THEN
      SET v_seconds = SUBSTRING(v_zone, 2, 2) * 3600 + RIGHT(v_zone, 2) * 60;
      SET v_at = v_at - INTERVAL IF(LEFT(v_zone, 1) = '-', -v_seconds, v_seconds) SECOND;
    END IF;
  ELSE
    CALL refuse(CONCAT(v_given, ' is not a time: write 2027-01-31, 2027-01-31T12:00:00Z, +7d (s, m, h, d), now, or NULL'));
  END IF;
  IF v_at > '2038-01-19 03:14:07' THEN
    CALL refuse(CONCAT(v_given, ' is after 2038-01-19, which cannot be stored: use NULL for never'));
  END IF;
  RETURN DATE_FORMAT(v_at, '%Y-%m-%d %H:%i:%s');
END//

CREATE OR REPLACE FUNCTION rule_seconds() RETURNS INT UNSIGNED
  DETERMINISTIC NO SQL SQL SECURITY INVOKER
  COMMENT 'how long a revocation is kept: the longest lifetime of a token (86400 s) and a minute for clock differences'
  RETURN 86460//

-- --- procedures for operators ---------------------------------------------------------------------------------------

-- Each makes one change or fails with the reason. None commits, so a migration can call several; plain INSERT and
-- UPDATE work as well. They run with the rights of the caller. The head of this file describes the format of times.

CREATE OR REPLACE PROCEDURE client_create(IN p_client_id VARBINARY(4096), IN p_description VARCHAR(4096) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'creates a client, enabled, without any rights'
BEGIN
  IF EXISTS (SELECT 1 FROM client WHERE client_id = p_client_id) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client with this client_id exists already';
  END IF;
  INSERT INTO client (client_id, description) VALUES (p_client_id, COALESCE(p_description, ''));
END//

CREATE OR REPLACE PROCEDURE client_add_secret(IN p_client_id VARBINARY(4096), IN p_label VARBINARY(4096), IN p_hash VARBINARY(4096),
                                   IN p_expires_at VARCHAR(255))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'adds a secret; hash as printed by m2mctl secret; expires_at NULL: never'
BEGIN
  DECLARE v_expires_at VARCHAR(19) DEFAULT instant_utc(p_expires_at);
  CALL client_must_exist(p_client_id);
  IF EXISTS (SELECT 1 FROM client_secret WHERE client_id = p_client_id AND label = p_label) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the client has a secret with this label already: use another label';
  END IF;
  SET STATEMENT time_zone = '+00:00' FOR
  INSERT INTO client_secret (client_id, label, hash, expires_at) VALUES (p_client_id, p_label, p_hash, v_expires_at);
END//

CREATE OR REPLACE PROCEDURE client_expire_secret(IN p_client_id VARBINARY(4096), IN p_label VARBINARY(4096), IN p_at VARCHAR(255))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the secret expires at this time; NULL: now. Its tokens stay valid: secret_revoke_tokens'
BEGIN
  DECLARE v_at VARCHAR(19) DEFAULT instant_utc(p_at);
  CALL client_secret_must_exist(p_client_id, p_label);
  SET STATEMENT time_zone = '+00:00' FOR
  UPDATE client_secret SET expires_at = COALESCE(v_at, UTC_TIMESTAMP)
   WHERE client_id = p_client_id AND label = p_label;
END//

-- If kid or alg is NULL, it is taken from the JWK; an EC or OKP key without alg gets the one that fits it.
CREATE OR REPLACE PROCEDURE client_key_insert(IN p_client_id VARBINARY(4096), IN p_kid VARBINARY(4096), IN p_alg VARCHAR(255),
                                              IN p_public_jwk MEDIUMTEXT CHARACTER SET utf8mb4, IN p_expires_at VARCHAR(255),
                                              IN p_auth_method VARCHAR(64))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'adds a public key and the auth method that uses it; for client_add_key and client_add_certificate_key'
BEGIN
  DECLARE v_expires_at VARCHAR(19) DEFAULT instant_utc(p_expires_at);
  DECLARE v_kid VARBINARY(4096) DEFAULT p_kid;
  DECLARE v_alg VARCHAR(255) DEFAULT p_alg;
  CALL client_must_exist(p_client_id);
  IF p_public_jwk IS NULL OR NOT JSON_VALID(p_public_jwk) OR JSON_CONTAINS_PATH(p_public_jwk, 'one', '$.keys') THEN
    CALL client_key_must_fit(p_kid, p_alg, p_public_jwk);       -- says which of them
  END IF;
  SET v_kid = COALESCE(p_kid, JSON_VALUE(p_public_jwk, '$.kid')), v_alg = COALESCE(p_alg, JSON_VALUE(p_public_jwk, '$.alg'));
  IF v_kid IS NULL THEN
    CALL refuse('the JWK has no kid, so the call must name one: the kid that the client sends in the header of its assertions');
  END IF;
  IF v_alg IS NULL THEN
    SET v_alg = CASE JSON_VALUE(p_public_jwk, '$.kty') WHEN 'EC' THEN 'ES256' WHEN 'OKP' THEN 'EdDSA' END;
  ELSEIF v_alg = 'Ed25519' THEN
    SET v_alg = 'EdDSA';
  END IF;
  IF v_alg IS NULL AND JSON_VALUE(p_public_jwk, '$.kty') = 'RSA' THEN
    CALL refuse('the JWK has no alg, so the call must name it: RS256 or PS256');
  END IF;
  CALL client_key_must_fit(v_kid, v_alg, p_public_jwk);
  IF EXISTS (SELECT 1 FROM client_key WHERE client_id = p_client_id AND kid = v_kid) THEN
    CALL refuse('the client has a key with this kid already: use another kid');
  END IF;
  SET STATEMENT time_zone = '+00:00' FOR
  INSERT INTO client_key (client_id, kid, alg, public_jwk, expires_at) VALUES (p_client_id, v_kid, v_alg, p_public_jwk, v_expires_at);
  UPDATE client SET auth_methods = CONCAT_WS(',', auth_methods, p_auth_method)
   WHERE client_id = p_client_id AND NOT FIND_IN_SET(p_auth_method, auth_methods);
END//

CREATE OR REPLACE PROCEDURE client_add_key(IN p_client_id VARBINARY(4096), IN p_kid VARBINARY(4096), IN p_alg VARCHAR(255),
                                IN p_public_jwk MEDIUMTEXT CHARACTER SET utf8mb4, IN p_expires_at VARCHAR(255))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'adds a public key, and private_key_jwt to auth_methods; kid, alg NULL: those of the JWK; expires_at NULL: never'
  CALL client_key_insert(p_client_id, p_kid, p_alg, p_public_jwk, p_expires_at, 'private_key_jwt')//

CREATE OR REPLACE PROCEDURE client_expire_key(IN p_client_id VARBINARY(4096), IN p_kid VARBINARY(4096), IN p_at VARCHAR(255))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the key expires at this time; NULL: now. Its tokens stay valid: key_revoke_tokens'
BEGIN
  DECLARE v_at VARCHAR(19) DEFAULT instant_utc(p_at);
  CALL client_key_must_exist(p_client_id, p_kid);
  SET STATEMENT time_zone = '+00:00' FOR
  UPDATE client_key SET expires_at = COALESCE(v_at, UTC_TIMESTAMP) WHERE client_id = p_client_id AND kid = p_kid;
END//

CREATE OR REPLACE PROCEDURE client_set_tls_subject(IN p_client_id VARBINARY(4096), IN p_kind VARCHAR(255), IN p_subject VARBINARY(4096))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the client may authenticate by a certificate with this subject; adds tls_client_auth to auth_methods'
BEGIN
  CALL client_must_exist(p_client_id);
  CALL tls_subject_must_fit(p_kind, p_subject);
  UPDATE client SET tls_subject_kind = p_kind, tls_subject = p_subject,
                    auth_methods = CONCAT_WS(',', auth_methods, 'tls_client_auth')
   WHERE client_id = p_client_id;
END//

CREATE OR REPLACE PROCEDURE client_set_tls_issuer(IN p_client_id VARBINARY(4096), IN p_issuer VARBINARY(4096))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'this authority must have signed the certificate of tls_client_auth; NULL: any that the front server trusts'
BEGIN
  CALL client_must_exist(p_client_id);
  IF LENGTH(p_issuer) > 512 OR p_issuer NOT REGEXP '^(keyid:([0-9A-Fa-f]{2}:?)*[0-9A-Fa-f]{2}|(?!keyid:)[^=]+=.+)$' THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an issuer is a name such as CN=Machines CA,O=Example, or keyid: and the hexadecimal id of its key';
  END IF;
  UPDATE client SET tls_issuer = p_issuer WHERE client_id = p_client_id;
END//

CREATE OR REPLACE PROCEDURE client_add_certificate_key(IN p_client_id VARBINARY(4096), IN p_kid VARBINARY(4096), IN p_alg VARCHAR(255),
                                            IN p_public_jwk MEDIUMTEXT CHARACTER SET utf8mb4, IN p_expires_at VARCHAR(255))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'as client_add_key, for a certificate with this key and any issuer (self_signed_tls_client_auth)'
  CALL client_key_insert(p_client_id, p_kid, p_alg, p_public_jwk, p_expires_at, 'self_signed_tls_client_auth')//

CREATE OR REPLACE PROCEDURE client_allow(IN p_client_id VARBINARY(4096), IN p_audience VARBINARY(4096), IN p_scope VARBINARY(4096),
                              IN p_is_default BIGINT)
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

CREATE OR REPLACE PROCEDURE client_disallow(IN p_client_id VARBINARY(4096), IN p_audience VARBINARY(4096), IN p_scope VARBINARY(4096))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'undoes client_allow; scope NULL: every grant at this audience. Issued tokens keep their scope'
BEGIN
  CALL client_must_exist(p_client_id);
  IF NOT EXISTS (SELECT 1 FROM client_grant WHERE client_id = p_client_id AND audience = p_audience AND scope = COALESCE(p_scope, scope)) THEN
    CALL refuse('the client has no such grant: see m2mctl show, or SELECT audience, scope FROM client_grant');
  END IF;
  DELETE FROM client_grant WHERE client_id = p_client_id AND audience = p_audience AND scope = COALESCE(p_scope, scope);
  UPDATE client SET default_audience = NULL WHERE client_id = p_client_id AND default_audience = p_audience AND
    NOT EXISTS (SELECT 1 FROM client_grant WHERE client_id = p_client_id AND audience = p_audience);
END//

CREATE OR REPLACE PROCEDURE client_may_introspect(IN p_client_id VARBINARY(4096), IN p_audience VARBINARY(4096))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the client may introspect the tokens of the audience'
BEGIN
  CALL client_must_exist(p_client_id);
  CALL audience_must_exist(p_audience);
  IF NOT EXISTS (SELECT 1 FROM audience_reader WHERE client_id = p_client_id AND audience = p_audience) THEN
    INSERT INTO audience_reader (audience, client_id) VALUES (p_audience, p_client_id);
  END IF;
END//

CREATE OR REPLACE PROCEDURE client_may_read(IN p_client_id VARBINARY(4096), IN p_audience VARBINARY(4096))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the former name of client_may_introspect'
  CALL client_may_introspect(p_client_id, p_audience)//

CREATE OR REPLACE PROCEDURE client_may_not_introspect(IN p_client_id VARBINARY(4096), IN p_audience VARBINARY(4096))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'undoes client_may_introspect: the tokens of the audience are inactive to this client'
BEGIN
  CALL client_must_exist(p_client_id);
  IF NOT EXISTS (SELECT 1 FROM audience_reader WHERE client_id = p_client_id AND audience = p_audience) THEN
    CALL refuse('the client does not introspect the tokens of this audience');
  END IF;
  DELETE FROM audience_reader WHERE client_id = p_client_id AND audience = p_audience;
END//

-- A client with the same client_id may be created later: the rule keeps the tokens of this one inactive.
CREATE OR REPLACE PROCEDURE client_remove(IN p_client_id VARBINARY(4096))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'removes a client with its credentials and grants, and revokes its tokens; client_disable can be undone'
BEGIN
  CALL client_revoke_tokens(p_client_id, 'the client was removed');
  DELETE FROM audience_reader WHERE client_id = p_client_id;
  DELETE FROM client_grant WHERE client_id = p_client_id;
  DELETE FROM client_key WHERE client_id = p_client_id;
  DELETE FROM client_secret WHERE client_id = p_client_id;
  DELETE FROM client WHERE client_id = p_client_id;
END//

CREATE OR REPLACE PROCEDURE audience_scope_remove(IN p_audience VARBINARY(4096), IN p_scope VARBINARY(4096))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'removes a scope word of an audience from all clients and from the audience; issued tokens keep it'
BEGIN
  CALL audience_must_exist(p_audience);
  IF NOT EXISTS (SELECT 1 FROM audience_scope WHERE audience = p_audience AND scope = p_scope) THEN
    CALL refuse('the audience has no such scope: SELECT audience, scope FROM audience_scope lists them');
  END IF;
  DELETE FROM client_grant WHERE audience = p_audience AND scope = p_scope;
  DELETE FROM audience_scope WHERE audience = p_audience AND scope = p_scope;
END//

CREATE OR REPLACE PROCEDURE audience_remove(IN p_audience VARBINARY(4096))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'removes an audience with its scopes, its grants and the right to introspect its tokens; issued tokens stay valid'
BEGIN
  CALL audience_must_exist(p_audience);
  DELETE FROM audience_reader WHERE audience = p_audience;
  DELETE FROM client_grant WHERE audience = p_audience;
  UPDATE client SET default_audience = NULL WHERE default_audience = p_audience;
  DELETE FROM audience_scope WHERE audience = p_audience;
  DELETE FROM audience WHERE audience = p_audience;
END//

CREATE OR REPLACE PROCEDURE client_disable(IN p_client_id VARBINARY(4096))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the client gets no token, and its tokens are inactive'
BEGIN
  CALL client_must_exist(p_client_id);
  UPDATE client SET enabled = 0 WHERE client_id = p_client_id;
END//

CREATE OR REPLACE PROCEDURE client_enable(IN p_client_id VARBINARY(4096))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'undoes client_disable; tokens that have not expired are active again'
BEGIN
  CALL client_must_exist(p_client_id);
  UPDATE client SET enabled = 1 WHERE client_id = p_client_id;
END//

-- A row with an expires_at that is too early (of another time zone or token) would be deleted while the token is valid.
CREATE OR REPLACE PROCEDURE token_revoke(IN p_jti VARBINARY(4096), IN p_expires_at VARCHAR(255))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes one token; expires_at is its exp, NULL: unknown. The row is kept at least as long as a token can be valid'
BEGIN
  DECLARE v_expires_at VARCHAR(19) DEFAULT instant_utc(p_expires_at);
  DECLARE v_least VARCHAR(19) DEFAULT DATE_FORMAT(UTC_TIMESTAMP + INTERVAL rule_seconds() SECOND, '%Y-%m-%d %H:%i:%s');
  SET STATEMENT time_zone = '+00:00' FOR
  INSERT INTO revoked_token (jti, expires_at) VALUES (p_jti, GREATEST(COALESCE(v_expires_at, v_least), v_least))
  ON DUPLICATE KEY UPDATE expires_at = GREATEST(expires_at, VALUES(expires_at));
END//

-- A second is added; otherwise tokens issued in this second would stay valid.
CREATE OR REPLACE PROCEDURE client_revoke_tokens(IN p_client_id VARBINARY(4096), IN p_reason VARCHAR(4096) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes all tokens of a client issued until now; new ones are valid'
BEGIN
  CALL client_must_exist(p_client_id);
  SET STATEMENT time_zone = '+00:00' FOR
  INSERT INTO revocation_rule (client_id, issued_before, expires_at, reason)
  VALUES (p_client_id, UTC_TIMESTAMP + INTERVAL 1 SECOND, UTC_TIMESTAMP + INTERVAL rule_seconds() SECOND, COALESCE(p_reason, ''));
END//

CREATE OR REPLACE PROCEDURE all_revoke_tokens(IN p_reason VARCHAR(4096) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes all tokens of all clients issued until now; new ones are valid'
BEGIN
  SET STATEMENT time_zone = '+00:00' FOR
  INSERT INTO revocation_rule (issued_before, expires_at, reason)
  VALUES (UTC_TIMESTAMP + INTERVAL 1 SECOND, UTC_TIMESTAMP + INTERVAL rule_seconds() SECOND, COALESCE(p_reason, ''));
END//

CREATE OR REPLACE PROCEDURE secret_revoke_tokens(IN p_client_id VARBINARY(4096), IN p_label VARBINARY(4096),
                                      IN p_reason VARCHAR(4096) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes all tokens issued for one secret until now; also expire or delete the secret'
BEGIN
  CALL client_secret_must_exist(p_client_id, p_label);
  SET STATEMENT time_zone = '+00:00' FOR
  INSERT INTO revocation_rule (client_id, label, issued_before, expires_at, reason)
  VALUES (p_client_id, p_label, UTC_TIMESTAMP + INTERVAL 1 SECOND, UTC_TIMESTAMP + INTERVAL rule_seconds() SECOND,
          COALESCE(p_reason, ''));
END//

CREATE OR REPLACE PROCEDURE key_revoke_tokens(IN p_client_id VARBINARY(4096), IN p_kid VARBINARY(4096),
                                   IN p_reason VARCHAR(4096) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes all tokens issued for one key until now; also expire or delete the key'
BEGIN
  CALL client_key_must_exist(p_client_id, p_kid);
  SET STATEMENT time_zone = '+00:00' FOR
  INSERT INTO revocation_rule (client_id, label, issued_before, expires_at, reason)
  VALUES (p_client_id, p_kid, UTC_TIMESTAMP + INTERVAL 1 SECOND, UTC_TIMESTAMP + INTERVAL rule_seconds() SECOND,
          COALESCE(p_reason, ''));
END//

-- --- procedures for the server's account ----------------------------------------------------------------------------

-- These run with the rights of their definer; sql/grants.sql lets the server's account call them instead of changing
-- the tables. Whatever the parameters, each only moves forward: nothing that has ended begins again. Their times are
-- seconds since 1970. The clock is SYSDATE(), which a session cannot set.

CREATE OR REPLACE PROCEDURE signing_key_add(IN p_kid VARBINARY(64), IN p_alg VARCHAR(8), IN p_public_jwk TEXT CHARACTER SET ascii,
                                            IN p_private_pem TEXT CHARACTER SET ascii, IN p_private_uri VARBINARY(500),
                                            IN p_mac VARBINARY(64), IN p_publish BIGINT, IN p_activate BIGINT)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'adds a signing key with its MAC; a kid is used only once'
BEGIN
  IF p_mac IS NULL OR p_mac = '' THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a signing key needs a MAC: create both with m2mctl key new';
  END IF;
  SET STATEMENT time_zone = '+00:00', check_constraint_checks = 1 FOR
  INSERT INTO signing_key (kid, alg, public_jwk, private_pem, private_uri, mac, publish_at, activate_at)
  VALUES (p_kid, p_alg, p_public_jwk, p_private_pem, p_private_uri, p_mac, FROM_UNIXTIME(p_publish), FROM_UNIXTIME(p_activate));
END//

CREATE OR REPLACE PROCEDURE signing_key_retire(IN p_retire BIGINT, IN p_remove BIGINT, IN p_kid VARBINARY(64))
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'the key retires and is removed at these times, or at its own if these are earlier'
BEGIN
  IF COALESCE(p_retire, 0) NOT BETWEEN 1 AND 2147483647 OR COALESCE(p_remove, 0) NOT BETWEEN 1 AND 2147483647 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a signing key retires and is removed at times between 1970 and 2038';
  END IF;
  SET STATEMENT time_zone = '+00:00' FOR
  UPDATE signing_key
     SET retire_at = FROM_UNIXTIME(LEAST(COALESCE(UNIX_TIMESTAMP(retire_at), p_retire), p_retire)),
         remove_at = FROM_UNIXTIME(LEAST(COALESCE(UNIX_TIMESTAMP(remove_at), p_remove), p_remove))
   WHERE kid = p_kid;
END//

CREATE OR REPLACE PROCEDURE signing_key_remove(IN p_remove BIGINT, IN p_kid VARBINARY(64))
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'the key is removed at this time, or at its own if that is earlier'
BEGIN
  IF COALESCE(p_remove, 0) NOT BETWEEN 1 AND 2147483647 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a signing key is removed at a time between 1970 and 2038';
  END IF;
  SET STATEMENT time_zone = '+00:00' FOR
  UPDATE signing_key SET remove_at = FROM_UNIXTIME(LEAST(COALESCE(UNIX_TIMESTAMP(remove_at), p_remove), p_remove))
   WHERE kid = p_kid;
END//

-- The row stays, and with it its kid; otherwise a saved row with its MAC could be inserted again.
CREATE OR REPLACE PROCEDURE signing_key_strip()
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'deletes the private key of signing keys removed a day ago'
BEGIN
  DECLARE v_now BIGINT;
  SET STATEMENT time_zone = '+00:00' FOR SELECT UNIX_TIMESTAMP(SYSDATE()) INTO v_now;
  UPDATE signing_key SET private_pem = NULL, private_uri = NULL
   WHERE UNIX_TIMESTAMP(remove_at) < v_now - 86400 AND (private_pem IS NOT NULL OR private_uri IS NOT NULL)
   ORDER BY kid LIMIT 1000;
END//

-- The DELETE comes last, because its row count is the result.
CREATE OR REPLACE PROCEDURE revocation_rule_purge()
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'deletes rules whose last token ended an hour ago'
BEGIN
  DECLARE v_now BIGINT;
  SET STATEMENT time_zone = '+00:00' FOR SELECT UNIX_TIMESTAMP(SYSDATE()) INTO v_now;
  SET STATEMENT time_zone = '+00:00' FOR
  DELETE FROM revocation_rule WHERE expires_at < FROM_UNIXTIME(v_now - 3600) ORDER BY rule_id LIMIT 1000;
END//

CREATE OR REPLACE PROCEDURE revoked_token_purge()
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'deletes revocations whose token ended an hour ago'
BEGIN
  DECLARE v_now BIGINT;
  SET STATEMENT time_zone = '+00:00' FOR SELECT UNIX_TIMESTAMP(SYSDATE()) INTO v_now;
  SET STATEMENT time_zone = '+00:00' FOR
  DELETE FROM revoked_token WHERE expires_at < FROM_UNIXTIME(v_now - 3600) ORDER BY expires_at, jti LIMIT 1000;
END//

CREATE OR REPLACE PROCEDURE used_proof_purge()
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'deletes used proofs that expired ten minutes ago, a margin above the clock difference between hosts'
BEGIN
  DECLARE v_now BIGINT;
  SET STATEMENT time_zone = '+00:00' FOR SELECT UNIX_TIMESTAMP(SYSDATE()) INTO v_now;
  SET STATEMENT time_zone = '+00:00' FOR
  DELETE FROM used_proof WHERE expires_at < FROM_UNIXTIME(v_now - 600) ORDER BY expires_at, proof LIMIT 1000;
END//

CREATE OR REPLACE PROCEDURE revoked_token_keep(IN p_expires BIGINT, IN p_jti VARBINARY(64))
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'keeps the row of a revoked token until this time, or until its own expires_at if that is later'
BEGIN
  SET STATEMENT time_zone = '+00:00' FOR
  UPDATE revoked_token SET expires_at = FROM_UNIXTIME(p_expires) WHERE jti = p_jti AND UNIX_TIMESTAMP(expires_at) < p_expires;
END//

-- Deleting a row of feed or changing a stream before the other hosts have read it would hide a change from them: a
-- disabled client would continue. After a gap of half an hour hosts load everything again.
CREATE OR REPLACE PROCEDURE feed_purge()
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'deletes changes older than a week'
BEGIN
  DECLARE v_now BIGINT;
  SET STATEMENT time_zone = '+00:00' FOR SELECT UNIX_TIMESTAMP(SYSDATE()) INTO v_now;
  SET STATEMENT time_zone = '+00:00' FOR
  DELETE FROM feed WHERE at < FROM_UNIXTIME(v_now - 604800) ORDER BY at, stream, seq LIMIT 1000;
END//

CREATE OR REPLACE PROCEDURE feed_purge_early()
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'deletes changes by hosts older than an hour; used when there are many streams'
BEGIN
  DECLARE v_now BIGINT;
  SET STATEMENT time_zone = '+00:00' FOR SELECT UNIX_TIMESTAMP(SYSDATE()) INTO v_now;
  SET STATEMENT time_zone = '+00:00' FOR
  DELETE FROM feed WHERE at < FROM_UNIXTIME(v_now - 3600) AND stream <> 'operator' ORDER BY at, stream, seq LIMIT 1000;
END//

-- seq only increases: if it equals p_seq before and after the query on feed, no row was added in between. Both queries
-- lock, because otherwise they would read the snapshot of the caller's isolation level.
CREATE OR REPLACE PROCEDURE feed_stream_remove(IN p_stream VARBINARY(64), IN p_seq BIGINT UNSIGNED, IN p_began BIGINT UNSIGNED)
  MODIFIES SQL DATA SQL SECURITY DEFINER
  COMMENT 'removes a stream without a row in feed, unless it has changed since'
BEGIN
  DECLARE v_same, v_highest BIGINT UNSIGNED;
  IF p_stream <> 'operator' THEN
    SELECT COUNT(*) INTO v_same FROM feed_stream WHERE stream = p_stream AND seq = p_seq AND began = p_began LOCK IN SHARE MODE;
    SELECT MAX(seq) INTO v_highest FROM feed WHERE stream = p_stream LOCK IN SHARE MODE;
    IF v_same = 1 AND v_highest IS NULL THEN
      DELETE FROM feed_stream WHERE stream = p_stream AND seq = p_seq AND began = p_began;
    END IF;
  END IF;
END//

DELIMITER ;
