-- data
-- An API whose tokens expire after at most two minutes and are signed with RS256, the only algorithm it supports. A key for
-- the algorithm is made automatically (with `key_seconds = 0`: `m2mctl key new --alg RS256`); until it signs, no token is
-- issued for this API.
UPDATE audience SET token_seconds = 120, token_algorithm = 'RS256' WHERE audience = 'https://api.example.com/';
