-- ddl
-- Clients that prove themselves by a TLS certificate (RFC 8705), and tokens that only their holder can use.

ALTER TABLE client
  ADD COLUMN require_binding ENUM('none','any','mtls','dpop') NOT NULL DEFAULT 'none'
    COMMENT 'its tokens must be bound to its certificate (mtls, RFC 8705 3), to its key (dpop, RFC 9449), or to either; none: to a key when it sends a proof'
    AFTER assertion_audience,
  ADD COLUMN tls_subject_kind ENUM('subject_dn','san_dns','san_uri','san_ip','san_email') NULL
    COMMENT 'what of a certificate names the client (RFC 8705 2.1.2); for tls_client_auth'
    AFTER require_binding,
  ADD COLUMN tls_subject VARBINARY(512) NULL
    COMMENT 'its value there; a subject_dn as RFC 4514 writes it: CN=orders,O=Example,C=DE'
    AFTER tls_subject_kind,
  ADD CONSTRAINT tls_subject_has_a_kind CHECK ((tls_subject IS NULL) = (tls_subject_kind IS NULL)),
  ADD CONSTRAINT tls_subject_is_not_empty CHECK (tls_subject IS NULL OR tls_subject <> ''),
  ADD CONSTRAINT tls_client_auth_needs_a_tls_subject CHECK (NOT FIND_IN_SET('tls_client_auth', auth_methods) OR tls_subject IS NOT NULL);

-- EdDSA has a newer name for the one curve that is taken here (RFC 9864 2.2).
ALTER TABLE client_key
  DROP CONSTRAINT client_key_names_no_other_alg,
  ADD CONSTRAINT client_key_names_no_other_alg CHECK (NOT JSON_CONTAINS_PATH(public_jwk, 'one', '$.alg')
    OR JSON_VALUE(public_jwk, '$.alg') IN (alg, IF(alg = 'EdDSA', 'Ed25519', alg)));

DELIMITER //

CREATE PROCEDURE client_set_tls_subject(IN p_client_id VARBINARY(128), IN p_kind VARCHAR(16), IN p_subject VARBINARY(512))
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the client may prove itself by a certificate of this subject (tls_client_auth)'
BEGIN
  CALL client_must_exist(p_client_id);
  UPDATE client SET tls_subject_kind = p_kind, tls_subject = p_subject,
                    auth_methods = CONCAT_WS(',', auth_methods, 'tls_client_auth')
   WHERE client_id = p_client_id;
END//

CREATE PROCEDURE client_add_certificate_key(IN p_client_id VARBINARY(128), IN p_kid VARBINARY(64), IN p_alg VARCHAR(8),
                                            IN p_public_jwk TEXT CHARACTER SET ascii COLLATE ascii_bin, IN p_expires_at DATETIME)
  MODIFIES SQL DATA SQL SECURITY INVOKER
  COMMENT 'the client may prove itself by a certificate with this key, whoever signed it (self_signed_tls_client_auth)'
BEGIN
  CALL client_must_exist(p_client_id);
  IF EXISTS (SELECT 1 FROM client_key WHERE client_id = p_client_id AND kid = p_kid) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the client has a key of this kid already: take another kid';
  END IF;
  INSERT INTO client_key (client_id, kid, alg, public_jwk, expires_at) VALUES (p_client_id, p_kid, p_alg, p_public_jwk, p_expires_at);
  UPDATE client SET auth_methods = CONCAT_WS(',', auth_methods, 'self_signed_tls_client_auth')
   WHERE client_id = p_client_id AND NOT FIND_IN_SET('self_signed_tls_client_auth', auth_methods);
END//

DELIMITER ;
