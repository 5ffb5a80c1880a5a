-- ddl
-- The change feed writes itself, and rows that cannot be right are refused with the mend.
--
-- A trigger runs with the rights of who made it: a keeper or an operator needs no right on the feed's tables. That
-- account must stay; when it goes, have another one apply the triggers again.

DELIMITER //

-- The next number of the session's stream, and the row that bears it, in the transaction that makes the change: the
-- stream's row stays locked until it ends, so the numbers have no gap and stand in the order of the commits.
CREATE PROCEDURE feed_put(IN p_kind VARCHAR(32), IN p_item VARBINARY(255))
  MODIFIES SQL DATA
  COMMENT 'adds a row to the change feed; for triggers'
BEGIN
  DECLARE v_stream VARBINARY(64) DEFAULT COALESCE(@m2m_stream, 'operator');
  UPDATE feed_stream SET seq = LAST_INSERT_ID(seq + 1) WHERE stream = v_stream;
  IF ROW_COUNT() <> 1 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'feed_stream has no row of the stream that @m2m_stream names: INSERT it, or SET @m2m_stream = NULL';
  END IF;
  INSERT INTO feed (stream, seq, kind, item) VALUES (v_stream, LAST_INSERT_ID(), p_kind, p_item);
END//

DELIMITER ;

CREATE TRIGGER client_feed_insert AFTER INSERT ON client FOR EACH ROW CALL feed_put('client', NEW.client_id);
CREATE TRIGGER client_feed_update AFTER UPDATE ON client FOR EACH ROW CALL feed_put('client', NEW.client_id);
CREATE TRIGGER client_feed_delete AFTER DELETE ON client FOR EACH ROW CALL feed_put('client', OLD.client_id);

CREATE TRIGGER client_secret_feed_insert AFTER INSERT ON client_secret FOR EACH ROW CALL feed_put('client', NEW.client_id);
CREATE TRIGGER client_secret_feed_update AFTER UPDATE ON client_secret FOR EACH ROW CALL feed_put('client', NEW.client_id);
CREATE TRIGGER client_secret_feed_delete AFTER DELETE ON client_secret FOR EACH ROW CALL feed_put('client', OLD.client_id);

CREATE TRIGGER client_grant_feed_insert AFTER INSERT ON client_grant FOR EACH ROW CALL feed_put('client', NEW.client_id);
CREATE TRIGGER client_grant_feed_update AFTER UPDATE ON client_grant FOR EACH ROW CALL feed_put('client', NEW.client_id);
CREATE TRIGGER client_grant_feed_delete AFTER DELETE ON client_grant FOR EACH ROW CALL feed_put('client', OLD.client_id);

CREATE TRIGGER audience_reader_feed_insert AFTER INSERT ON audience_reader FOR EACH ROW CALL feed_put('client', NEW.client_id);
CREATE TRIGGER audience_reader_feed_update AFTER UPDATE ON audience_reader FOR EACH ROW CALL feed_put('client', NEW.client_id);
CREATE TRIGGER audience_reader_feed_delete AFTER DELETE ON audience_reader FOR EACH ROW CALL feed_put('client', OLD.client_id);

-- A revoked token stays revoked until it has expired, so the end of its row is no news.
CREATE TRIGGER revoked_token_feed_insert AFTER INSERT ON revoked_token FOR EACH ROW CALL feed_put('revoked_token', NEW.jti);
CREATE TRIGGER revoked_token_feed_update AFTER UPDATE ON revoked_token FOR EACH ROW CALL feed_put('revoked_token', NEW.jti);

CREATE TRIGGER revocation_rule_feed_insert AFTER INSERT ON revocation_rule FOR EACH ROW CALL feed_put('revocation_rule', '');
CREATE TRIGGER revocation_rule_feed_update AFTER UPDATE ON revocation_rule FOR EACH ROW CALL feed_put('revocation_rule', '');
CREATE TRIGGER revocation_rule_feed_delete AFTER DELETE ON revocation_rule FOR EACH ROW CALL feed_put('revocation_rule', '');

CREATE TRIGGER signing_key_feed_insert AFTER INSERT ON signing_key FOR EACH ROW CALL feed_put('signing_key', NEW.kid);
CREATE TRIGGER signing_key_feed_update AFTER UPDATE ON signing_key FOR EACH ROW CALL feed_put('signing_key', NEW.kid);
CREATE TRIGGER signing_key_feed_delete AFTER DELETE ON signing_key FOR EACH ROW CALL feed_put('signing_key', OLD.kid);

DELIMITER //

CREATE TRIGGER audience_feed_update AFTER UPDATE ON audience FOR EACH ROW
BEGIN
  IF NOT (OLD.token_seconds <=> NEW.token_seconds) THEN
    CALL feed_put('everything', '');
  END IF;
END//

-- What names a thing never changes: tokens, logs and other hosts know it by that name.

CREATE TRIGGER client_fixed BEFORE UPDATE ON client FOR EACH ROW
BEGIN
  IF NEW.client_id <> OLD.client_id THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'client_id never changes: INSERT a new client and disable the old one';
  END IF;
END//

CREATE TRIGGER client_secret_fixed BEFORE UPDATE ON client_secret FOR EACH ROW
BEGIN
  IF NEW.client_id <> OLD.client_id OR NEW.label <> OLD.label THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'client_id and label of a secret never change: INSERT a new row and let the old one expire';
  END IF;
END//

CREATE TRIGGER client_grant_fixed BEFORE UPDATE ON client_grant FOR EACH ROW
BEGIN
  IF NEW.client_id <> OLD.client_id OR NEW.audience <> OLD.audience OR NEW.scope <> OLD.scope THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'of a grant only is_default changes: DELETE the row and INSERT another';
  END IF;
END//

CREATE TRIGGER audience_reader_fixed BEFORE UPDATE ON audience_reader FOR EACH ROW
BEGIN
  IF NEW.client_id <> OLD.client_id OR NEW.audience <> OLD.audience THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a reader never changes: DELETE the row and INSERT another';
  END IF;
END//

CREATE TRIGGER revoked_token_fixed BEFORE UPDATE ON revoked_token FOR EACH ROW
BEGIN
  IF NEW.jti <> OLD.jti THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'jti of a revoked token never changes: INSERT a new row';
  END IF;
END//

CREATE TRIGGER signing_key_fixed BEFORE UPDATE ON signing_key FOR EACH ROW
BEGIN
  IF NEW.kid <> OLD.kid OR NEW.alg <> OLD.alg OR NEW.public_jwk <> OLD.public_jwk OR NEW.private_pem <> OLD.private_pem THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'of a signing key only its times change: INSERT a new key and retire this one';
  END IF;
END//

CREATE TRIGGER audience_scope_fixed BEFORE UPDATE ON audience_scope FOR EACH ROW
BEGIN
  IF NEW.audience <> OLD.audience OR NEW.scope <> OLD.scope THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'of a scope only the description changes: DELETE the row and INSERT another';
  END IF;
END//

CREATE TRIGGER audience_scope_unused BEFORE DELETE ON audience_scope FOR EACH ROW
BEGIN
  IF EXISTS (SELECT 1 FROM client_grant WHERE audience = OLD.audience AND scope = OLD.scope) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'this scope is granted to clients: DELETE those rows of client_grant first';
  END IF;
END//

-- Limits of the servers' memory, told here and not there. Two transactions at once may pass them together; the servers
-- then disable the client and say so in their log.

CREATE TRIGGER client_secret_limit BEFORE INSERT ON client_secret FOR EACH ROW
BEGIN
  IF (SELECT COUNT(*) FROM client_secret WHERE client_id = NEW.client_id) >= 8 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client has at most 8 secrets: DELETE one that has expired';
  END IF;
END//

CREATE TRIGGER client_grant_limit BEFORE INSERT ON client_grant FOR EACH ROW
BEGIN
  IF NEW.scope <> '' AND NOT EXISTS (SELECT 1 FROM audience_scope WHERE audience = NEW.audience AND scope = NEW.scope) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'this audience knows no such scope: INSERT it into audience_scope first';
  END IF;
  IF (SELECT COUNT(*) FROM client_grant WHERE client_id = NEW.client_id) >= 256 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client has at most 256 grants';
  END IF;
END//

CREATE TRIGGER audience_reader_limit BEFORE INSERT ON audience_reader FOR EACH ROW
BEGIN
  IF (SELECT COUNT(*) FROM audience_reader WHERE client_id = NEW.client_id) >= 64 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a client reads the tokens of at most 64 audiences';
  END IF;
END//

DELIMITER ;
