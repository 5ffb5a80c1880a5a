-- ddl
-- The feed tells of scopes, which the metadata lists (scopes_supported). A host of an older version takes a kind that it does
-- not know for a change of everything.

ALTER TABLE feed MODIFY COLUMN
  kind ENUM('client','revoked_token','revocation_rule','signing_key','everything','audience_scope') NOT NULL;
