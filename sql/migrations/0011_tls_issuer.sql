-- ddl
-- A client that proves itself by a certificate of an authority may name the authority: with several that the front server
-- trusts, any of them could otherwise sign for any client.

ALTER TABLE client ADD COLUMN IF NOT EXISTS tls_issuer VARBINARY(512) NULL
  COMMENT 'who signed the certificate of tls_subject: its name as RFC 4514 writes it, or keyid: and the id of its key; NULL: any authority that the front server trusts'
  AFTER tls_subject,
  ADD CONSTRAINT IF NOT EXISTS tls_issuer_is_a_name_or_a_key_id
    CHECK (tls_issuer IS NULL OR tls_issuer REGEXP '^(keyid:[0-9A-Fa-f:]{2,}|(?!keyid:)[^=]+=.+)$');
