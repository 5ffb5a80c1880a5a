-- data
-- A first API and a client that may call it. Copy, edit, and keep it in your own directory of migrations.
--
-- The secret is generated on your machine and never stored in this file:
--     m2mctl secret --label first demo-client
-- prints it once, for the client, and the CALL client_add_secret line with its hash: replace the line below with that one.

INSERT INTO audience (audience, description) VALUES ('https://api.example.com/', 'the example API');
INSERT INTO audience_scope (audience, scope, description) VALUES
  ('https://api.example.com/', 'read', 'see things'),
  ('https://api.example.com/', 'write', 'change things');

CALL client_create('demo-client', 'nightly report');
CALL client_allow('demo-client', 'https://api.example.com/', 'read', TRUE);      -- granted to a request without scope
CALL client_allow('demo-client', 'https://api.example.com/', 'write', FALSE);    -- granted on request

-- CALL client_add_secret('demo-client', 'first', '$sha256$...$...', NULL);      -- the line that m2mctl secret prints

-- Ten requests per second on average, fifty at once.
UPDATE client SET rate_per_minute = 600, rate_burst = 50 WHERE client_id = 'demo-client';
