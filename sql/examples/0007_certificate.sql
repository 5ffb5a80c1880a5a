-- data
-- demo-client authenticates by the certificate of its TLS connection (RFC 8705), with this subject and signed by an
-- authority that the front server trusts. The subject is in the format of RFC 4514, with the last part of the name first:
--     openssl x509 -in client.pem -noout -subject -nameopt RFC2253

CALL client_set_tls_subject('demo-client', 'subject_dn', 'CN=demo-client,O=Example,C=DE');

-- Or by an alternative name of the certificate: san_dns, san_uri, san_ip, san_email.
-- CALL client_set_tls_subject('demo-client', 'san_uri', 'spiffe://example.com/demo-client');

-- Only if this authority has signed the certificate, where the front server trusts several:
-- CALL client_set_tls_issuer('demo-client', 'CN=Machines CA,O=Example');

-- Or by a self-signed certificate (self_signed_tls_client_auth): `m2mctl jwk client.pem` prints its key.
-- CALL client_add_certificate_key('demo-client', 'first-certificate', 'ES256', '{"kty":"EC",...}', NULL);

-- Its tokens are valid only together with that certificate: mtls. For a key that signs each request, use dpop.
UPDATE client SET require_binding = 'mtls' WHERE client_id = 'demo-client';
