-- data
-- demo-client authenticates by a signature from now on (private_key_jwt): the private key never leaves the client.
-- Its library or `m2mctl jwk` prints the public JWK. alg is ES256, RS256, PS256 or EdDSA, kid is any name; NULL means
-- those of the JWK. private_key_jwt is added to auth_methods of the client.

CALL client_add_key('demo-client', 'first-key', 'ES256',
  '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}', NULL);

-- Afterwards its secrets can be switched off:
-- UPDATE client SET auth_methods = 'private_key_jwt' WHERE client_id = 'demo-client';

-- If the key leaks, expire it and revoke the tokens that were issued for it:
-- CALL client_expire_key('demo-client', 'first-key', NULL);
-- CALL key_revoke_tokens('demo-client', 'first-key', 'found in a repository');
