-- data
-- Every token that demo-client holds now is inactive within a second; it may ask for new ones.

CALL client_revoke_tokens('demo-client', 'a laptop was stolen');

-- Every token of every client:
-- INSERT INTO revocation_rule (issued_before, expires_at, reason)
-- VALUES (CURRENT_TIMESTAMP + INTERVAL 1 SECOND, CURRENT_TIMESTAMP + INTERVAL 86460 SECOND, 'why');

-- One token, by its jti:
-- CALL token_revoke('jti-of-the-token', NULL);
