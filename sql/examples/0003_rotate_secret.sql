-- data
-- A new secret for demo-client; the old one goes on for a week, so nothing stops while the client is changed over.
-- The new one: `m2mctl secret --label second demo-client`

-- CALL client_add_secret('demo-client', 'second', '$sha256$...$...', NULL);     -- the line that m2mctl secret prints
CALL client_expire_secret('demo-client', 'first', '+7d');       -- or a time in UTC: '2027-01-31T12:00:00Z'

-- Had the old one leaked, its end would be now, and that of the tokens it minted:
-- CALL client_expire_secret('demo-client', 'first', NULL);
-- CALL secret_revoke_tokens('demo-client', 'first', 'found in a repository');
