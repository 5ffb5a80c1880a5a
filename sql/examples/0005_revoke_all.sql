-- data
-- Within a second every token of demo-client issued until now is inactive; it may request new ones.

CALL client_revoke_tokens('demo-client', 'a laptop was stolen');

-- Every token of every client:
-- CALL all_revoke_tokens('why');

-- One token, by its jti:
-- CALL token_revoke('jti-of-the-token', NULL);
