-- ddl
-- A row of signing_key is believed only with a MAC by the passphrase of the keys: the right to write rows is not enough to be
-- the issuer. Rows from before have none until `m2mctl key seal`. There is no default, so that an older version, which makes
-- none, adds no key. Removed keys stay, without a private half.

ALTER TABLE signing_key
  ADD COLUMN IF NOT EXISTS mac VARBINARY(43) NOT NULL
    COMMENT 'HMAC-SHA256 of kid, alg, public_jwk and private_uri (m2mctl key new, key seal); empty: not sealed' AFTER private_uri;

ALTER TABLE signing_key DROP CONSTRAINT IF EXISTS key_has_private_pem_or_private_uri;

ALTER TABLE signing_key
  ADD CONSTRAINT key_has_private_pem_or_private_uri
    CHECK ((private_pem IS NULL) <> (private_uri IS NULL) OR (private_pem IS NULL AND remove_at IS NOT NULL));

ALTER TABLE signing_key
  ADD CONSTRAINT IF NOT EXISTS mac_is_empty_or_a_mac CHECK (mac REGEXP '^([A-Za-z0-9_-]{43})?$');
