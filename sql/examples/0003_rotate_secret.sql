-- data
-- A new secret for demo-client. The old one stays valid for a week, so that the client can be switched without interruption.
-- The new one: `m2mctl secret --label second demo-client`

-- CALL client_add_secret('demo-client', 'second', '$sha256$...$...', NULL);     -- the line that m2mctl secret prints
CALL client_expire_secret('demo-client', 'first', '+7d');       -- or a time in UTC: '2027-01-31T12:00:00Z'

-- If the old one has leaked, expire it now and revoke the tokens that were issued for it:
-- CALL client_expire_secret('demo-client', 'first', NULL);
-- CALL secret_revoke_tokens('demo-client', 'first', 'found in a repository');
