-- data
-- An API whose tokens live for two minutes at most and are signed with RS256, because it knows nothing else. A key of that
-- algorithm is made by itself (`key_seconds = 0`: `m2mctl key new --alg RS256`); until it signs, nobody gets a token for this API.
UPDATE audience SET token_seconds = 120, token_algorithm = 'RS256' WHERE audience = 'https://api.example.com/';
