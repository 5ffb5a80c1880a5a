-- The keeper's account: what m2mauth may do in the database, and no more. Run by an administrator, after the migrations,
-- with m2mauth as the current database (mariadb m2mauth < grants.sql); can be run again.
--
-- It reads clients and cannot change them; it adds signing keys and lets them end, and can neither change what they are nor
-- bring one back; it adds revocations and used proofs; it purges what has expired, and nothing that is in force; it hides
-- no change from other hosts; it runs no DDL.
-- What its changes put into the change feed is written with the rights of the account that ran the migrations.

-- By unix socket: the system's user m2mauth, and nobody else, is let in. No password exists.
CREATE USER IF NOT EXISTS m2mauth@localhost IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS 8;

-- Over the network instead: a password that goes into db_password_file, and TLS. All hosts that match '192.0.2.%' share its
-- connections: a host has one, two while it is reloaded, and for a minute after a power cut or a lost network one more that
-- the server still takes for alive. 4 for each host; max_connections of the server has to allow it, too.
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

-- Signing keys: read. A successor is added, those before it end, the private halves of removed ones go a day later: by
-- procedures that only move forward, and a row is believed for its MAC.
GRANT SELECT, INSERT, DELETE, UPDATE (activate_at, retire_at, remove_at) ON signing_key TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE signing_key_add    TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE signing_key_retire TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE signing_key_remove TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE signing_key_strip  TO m2mauth@localhost;
GRANT SELECT, UPDATE (holder, turn, ends_at) ON rotation_lease TO m2mauth@localhost;

-- Revocations: added for callers of /revoke, purged an hour after their tokens have expired. Of one that was added with an end
-- that is too early the end is moved; nothing else is changed.
GRANT SELECT, INSERT, DELETE ON revoked_token TO m2mauth@localhost;
GRANT SELECT, DELETE ON revocation_rule TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE revoked_token_keep    TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE revoked_token_purge   TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE revocation_rule_purge TO m2mauth@localhost;

-- Signed proofs that have been used, added with replay = cluster and never changed; purged ten minutes after their end.
GRANT SELECT, INSERT, DELETE ON used_proof TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE used_proof_purge TO m2mauth@localhost;

-- The feed: read, purged after a week; streams of hosts that are gone are removed. Who deletes other rows hides changes.
GRANT SELECT, DELETE ON feed                TO m2mauth@localhost;
GRANT SELECT, INSERT, DELETE ON feed_stream TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE feed_purge         TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE feed_purge_early   TO m2mauth@localhost;
GRANT EXECUTE ON PROCEDURE feed_stream_remove TO m2mauth@localhost;

-- Whether procedures and triggers are missing (/ready, m2mauth -t).
GRANT EXECUTE ON PROCEDURE routines_missing TO m2mauth@localhost;

-- The last step, when no host runs 0.1.0 or older any more: what those do by direct statements and the procedures above do in
-- their place. During an upgrade the file runs without it (grep -v ^REVOKE). An older host that is left goes on serving, and
-- says in its log that it can neither rotate nor purge.
REVOKE INSERT, DELETE, UPDATE (activate_at, retire_at, remove_at) ON signing_key FROM m2mauth@localhost;
REVOKE DELETE ON revocation_rule FROM m2mauth@localhost;
REVOKE DELETE ON revoked_token FROM m2mauth@localhost;
REVOKE DELETE ON used_proof FROM m2mauth@localhost;
REVOKE DELETE ON feed FROM m2mauth@localhost;
REVOKE INSERT, DELETE ON feed_stream FROM m2mauth@localhost;
