-- data
-- The API itself as a client: it may ask whether a token that is meant for it is good (POST /introspect), no more.
-- Its secret: `m2mctl secret --label first example-api`

CALL client_create('example-api', 'the example API asks about the tokens it is shown');
CALL client_may_introspect('example-api', 'https://api.example.com/');

-- CALL client_add_secret('example-api', 'first', '$sha256$...$...', NULL);      -- the line that m2mctl secret prints
