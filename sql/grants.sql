-- The rights of the keeper's database account. Run by an administrator after the migrations, with m2mauth as the
-- current database (mariadb m2mauth < grants.sql); can be run again.
--
-- The account reads clients and cannot change them; it adds signing keys and ends them, but cannot alter or reactivate
-- them; it adds revocations and used proofs; it deletes what has expired and nothing that is in force; it cannot hide a
-- change from other hosts; it runs no DDL. Its entries in the change feed are written with the rights of the account
-- that ran the migrations.

-- Authentication by unix socket: only the system user m2mauth can connect. There is no password.
CREATE USER IF NOT EXISTS m2mauth@localhost IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS 8;

-- Over the network instead: a password, stored in db_password_file, and TLS. All hosts that match '192.0.2.%' share the
-- connections: a host has one, two during a reload, and for a minute after a power cut or a lost network one more that
-- the server still regards as open. Allow 4 for each host; max_connections of the server must allow them as well.
-- CREATE USER IF NOT EXISTS m2mauth@'192.0.2.%' IDENTIFIED BY 'a long random password' REQUIRE SSL WITH MAX_USER_CONNECTIONS 64;
-- More hosts later: ALTER USER m2mauth@'192.0.2.%' WITH MAX_USER_CONNECTIONS 128;
-- (and the same GRANTs to m2mauth@'192.0.2.%', the same REVOKEs from it)

GRANT SELECT ON client          TO m2mauth@localhost;
GRANT SELECT ON client_secret   TO m2mauth@localhost;
GRANT SELECT ON client_key      TO m2mauth@localhost;
GRANT SELECT ON client_grant    TO m2mauth@localhost;
GRANT SELECT ON audience        TO m2mauth@localhost;
GRANT SELECT ON audience_scope  TO m2mauth@localhost;
GRANT SELECT ON audience_reader TO m2mauth@localhost;
GRANT SELECT ON feed_epoch      TO m2mauth@localhost;

-- Signing keys: read; successors are added, older keys ended, and the private keys of removed ones deleted a day later
-- by procedures that only move forward. A row is trusted only by its MAC.
GRANT SELECT, INSERT, DELETE, UPDATE (activate_at, retire_at, remove_at) ON signing_key TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE signing_key_add    TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE signing_key_retire TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE signing_key_remove TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE signing_key_strip  TO m2mauth@localhost;
GRANT SELECT, UPDATE (holder, turn, ends_at) ON rotation_lease TO m2mauth@localhost;

-- Revocations: added for callers of /revoke, deleted an hour after their tokens have expired. If an existing row
-- expires too early, its expires_at is moved later; nothing else is changed.
GRANT SELECT, INSERT, DELETE ON revoked_token TO m2mauth@localhost;
GRANT SELECT, DELETE ON revocation_rule TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE revoked_token_keep    TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE revoked_token_purge   TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE revocation_rule_purge TO m2mauth@localhost;

-- Used proofs: added with replay = cluster, deleted ten minutes after they expire, never changed.
GRANT SELECT, INSERT, DELETE ON used_proof TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE used_proof_purge TO m2mauth@localhost;

-- The feed: read; rows are deleted after a week, idle streams of hosts removed. Deleting other rows would hide changes.
GRANT SELECT, DELETE ON feed                TO m2mauth@localhost;
GRANT SELECT, INSERT, DELETE ON feed_stream TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE feed_purge         TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE feed_purge_early   TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE feed_stream_remove TO m2mauth@localhost;

-- Lists missing procedures and triggers (/ready, m2mauth -t).
GRANT EXECUTE ON PROCEDURE routines_missing TO m2mauth@localhost;

-- The last step, when no host runs 0.1.0 or older any more: revokes the rights for the direct statements of those
-- versions, which the procedures above replace. During an upgrade run the file without it (grep -v ^REVOKE). A
-- remaining older host keeps serving, and logs that it can neither rotate nor purge.
REVOKE INSERT, DELETE, UPDATE (activate_at, retire_at, remove_at) ON signing_key FROM m2mauth@localhost;
REVOKE DELETE ON revocation_rule FROM m2mauth@localhost;
REVOKE DELETE ON revoked_token FROM m2mauth@localhost;
REVOKE DELETE ON used_proof FROM m2mauth@localhost;
REVOKE DELETE ON feed FROM m2mauth@localhost;
REVOKE INSERT, DELETE ON feed_stream FROM m2mauth@localhost;
