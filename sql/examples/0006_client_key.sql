-- data
-- demo-client proves itself by a signature from now on (private_key_jwt): the private key never leaves it.
-- The public JWK is what its library prints, or `m2mctl jwk`; alg is ES256, RS256, PS256 or EdDSA, kid is free to choose. With
-- NULL they are those of the JWK. private_key_jwt is added to the client's auth_methods.

CALL client_add_key('demo-client', 'first-key', 'ES256',
  '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}', NULL);

-- Once it does, its secrets need not be good any longer:
-- UPDATE client SET auth_methods = 'private_key_jwt' WHERE client_id = 'demo-client';

-- A key that leaks ends now, and so do the tokens it minted:
-- CALL client_expire_key('demo-client', 'first-key', NULL);
-- CALL key_revoke_tokens('demo-client', 'first-key', 'found in a repository');
