-- ddl
-- The everyday edits. Each does one thing or says why not; none commits, so several make one migration; plain INSERT and
-- UPDATE do as well. They run with the rights of who calls them. A time is one of the session's time zone: m2mctl sets
-- UTC; elsewhere say SET time_zone = '+00:00' first.

DELIMITER //

CREATE PROCEDURE client_must_exist(IN p_client_id VARBINARY(128))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown client_id'
BEGIN
  DECLARE v_why VARCHAR(255) CHARACTER SET utf8mb4;
  IF p_client_id IS NULL OR NOT EXISTS (SELECT 1 FROM client WHERE client_id = p_client_id) THEN
    SET v_why = CONCAT('there is no client ', COALESCE(QUOTE(CONVERT(p_client_id USING utf8mb4)), 'NULL'), ': CALL client_create first');
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_why;
  END IF;
END//

CREATE PROCEDURE client_secret_must_exist(IN p_client_id VARBINARY(128), IN p_label VARBINARY(32))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown client_id or label'
BEGIN
  CALL client_must_exist(p_client_id);
  IF p_label IS NULL OR NOT EXISTS (SELECT 1 FROM client_secret WHERE client_id = p_client_id AND label = p_label) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the client has no secret of this label: SELECT label FROM client_secret shows them';
  END IF;
END//

CREATE PROCEDURE audience_must_exist(IN p_audience VARBINARY(255))
  READS SQL DATA SQL SECURITY INVOKER
  COMMENT 'refuses an unknown audience'
BEGIN
  IF p_audience IS NULL OR NOT EXISTS (SELECT 1 FROM audience WHERE audience = p_audience) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'there is no such audience: INSERT INTO audience first (every character counts, a last / too)';
  END IF;
END//

CREATE PROCEDURE client_create(IN p_client_id VARBINARY(128), IN p_description VARCHAR(255) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'a new client, enabled, that may do nothing yet'
BEGIN
  IF EXISTS (SELECT 1 FROM client WHERE client_id = p_client_id) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'there is a client of this client_id already';
  END IF;
  INSERT INTO client (client_id, description) VALUES (p_client_id, COALESCE(p_description, ''));
END//

CREATE PROCEDURE client_add_secret(IN p_client_id VARBINARY(128), IN p_label VARBINARY(32), IN p_hash VARBINARY(255),
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

CREATE PROCEDURE client_expire_secret(IN p_client_id VARBINARY(128), IN p_label VARBINARY(32), IN p_at DATETIME)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the secret ends at this time; NULL: now. Its tokens live on: secret_revoke_tokens'
BEGIN
  CALL client_secret_must_exist(p_client_id, p_label);
  UPDATE client_secret SET expires_at = COALESCE(p_at, CURRENT_TIMESTAMP)
   WHERE client_id = p_client_id AND label = p_label;
END//

CREATE PROCEDURE client_allow(IN p_client_id VARBINARY(128), IN p_audience VARBINARY(255), IN p_scope VARBINARY(255),
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

CREATE PROCEDURE client_may_read(IN p_client_id VARBINARY(128), IN p_audience VARBINARY(255))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the client may introspect the tokens of the audience'
BEGIN
  CALL client_must_exist(p_client_id);
  CALL audience_must_exist(p_audience);
  IF NOT EXISTS (SELECT 1 FROM audience_reader WHERE client_id = p_client_id AND audience = p_audience) THEN
    INSERT INTO audience_reader (audience, client_id) VALUES (p_audience, p_client_id);
  END IF;
END//

CREATE PROCEDURE client_disable(IN p_client_id VARBINARY(128))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'no new token, and its tokens are inactive'
BEGIN
  CALL client_must_exist(p_client_id);
  UPDATE client SET enabled = 0 WHERE client_id = p_client_id;
END//

CREATE PROCEDURE client_enable(IN p_client_id VARBINARY(128))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'undoes client_disable; tokens that have not expired are active again'
BEGIN
  CALL client_must_exist(p_client_id);
  UPDATE client SET enabled = 1 WHERE client_id = p_client_id;
END//

CREATE PROCEDURE token_revoke(IN p_jti VARBINARY(64), IN p_expires_at DATETIME)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes one token; expires_at is its exp, NULL: not known'
BEGIN
  INSERT INTO revoked_token (jti, expires_at)
  VALUES (p_jti, COALESCE(p_expires_at, CURRENT_TIMESTAMP + INTERVAL 86460 SECOND))
  ON DUPLICATE KEY UPDATE expires_at = GREATEST(expires_at, VALUES(expires_at));
END//

-- A second is added, or the tokens of this very second would live on. The longest life is 86400 s, and a minute of skew.
CREATE PROCEDURE client_revoke_tokens(IN p_client_id VARBINARY(128), IN p_reason VARCHAR(255) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes all tokens of a client issued until now; new ones are good'
BEGIN
  CALL client_must_exist(p_client_id);
  INSERT INTO revocation_rule (client_id, issued_before, expires_at, reason)
  VALUES (p_client_id, CURRENT_TIMESTAMP + INTERVAL 1 SECOND, CURRENT_TIMESTAMP + INTERVAL 86460 SECOND, COALESCE(p_reason, ''));
END//

CREATE PROCEDURE secret_revoke_tokens(IN p_client_id VARBINARY(128), IN p_label VARBINARY(32),
                                      IN p_reason VARCHAR(255) CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'revokes all tokens minted with one secret until now; expire or delete the secret, too'
BEGIN
  CALL client_secret_must_exist(p_client_id, p_label);
  INSERT INTO revocation_rule (client_id, label, issued_before, expires_at, reason)
  VALUES (p_client_id, p_label, CURRENT_TIMESTAMP + INTERVAL 1 SECOND, CURRENT_TIMESTAMP + INTERVAL 86460 SECOND,
          COALESCE(p_reason, ''));
END//

DELIMITER ;
