/* certificate_subject: compares a certificate with the subject and issuer that are registered for a client (RFC 8705
 * 2.1.2).
 *
 * Distinguished names are parsed from their string form (RFC 4514) and compared as names: attributes by type, values
 * ignoring case and repeated spaces (RFC 5280 7.1, RFC 4517 4.2.11). There are no patterns: a rule matches exactly one
 * subject.
 *
 * An issuer rule names the CA that signed the certificate itself, not one above it: by its distinguished name, or by
 * its key identifier, "keyid:" followed by hexadecimal digits with or without colons (RFC 5280 4.2.1.1).
 *
 * Signatures and chains are not verified here. */
#ifndef JOSE_CERTIFICATE_SUBJECT_H
#define JOSE_CERTIFICATE_SUBJECT_H

#include "certificate.h"

/* tls_client_auth_* of RFC 8705 2.1.2; the order is that of the SQL ENUM column. */
#define CERTIFICATE_SUBJECT_KIND_LIST(X) X(subject_dn) X(san_dns) X(san_uri) X(san_ip) X(san_email)

enum certificate_subject_kind {
    CERTIFICATE_SUBJECT_NONE,
#define CERTIFICATE_SUBJECT_KIND(name) SUBJECT_##name,
    CERTIFICATE_SUBJECT_KIND_LIST(CERTIFICATE_SUBJECT_KIND)
#undef CERTIFICATE_SUBJECT_KIND
        CERTIFICATE_SUBJECT_KINDS
};

enum { CERTIFICATE_SUBJECT_BYTES = 512, CERTIFICATE_SUBJECT_KEY_ID = 64 };

struct certificate_subject {
    enum certificate_subject_kind kind;
    struct text value;
};

/* Returns NULL if the rule is valid, otherwise the reason, a literal for an operator. */
const char *certificate_subject_fault(const struct certificate_subject *subject);

/* Whether the certificate's subject, or one of its alternative names, is that of the rule. False for an invalid
 * rule. */
bool certificate_subject_matches(const struct certificate_subject *subject, const struct certificate *certificate);

/* The same for an issuer rule. The front server has verified the signature. */
const char *certificate_subject_issuer_fault(struct text issuer);
bool certificate_subject_issuer_matches(struct text issuer, const struct certificate *certificate);

#endif
