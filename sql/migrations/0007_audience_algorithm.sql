-- ddl
-- An audience may name the algorithm of its tokens.

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
