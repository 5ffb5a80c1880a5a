-- data
-- The API as a client that may only introspect the tokens issued for it (POST /introspect).
-- Its secret: `m2mctl secret --label first example-api`

CALL client_create('example-api', 'the example API introspects the tokens it receives');
CALL client_may_introspect('example-api', 'https://api.example.com/');

-- CALL client_add_secret('example-api', 'first', '$sha256$...$...', NULL);      -- the line that m2mctl secret prints
