/* certificate_subject: whom a certificate was issued to, compared with what an operator has written (RFC 8705 2.1.2).
 *
 * Distinguished names are read from their text (RFC 4514) and compared as names, not as text: attributes by their
 * types, values without regard to letter case and runs of blanks (RFC 5280 7.1, RFC 4517 4.2.11). One rule for a client,
 * and no patterns: a rule stands for one subject.
 *
 * The rule for an issuer names the authority that signed the certificate itself, not one above that: by its distinguished name, or by
 * the id of its key, "keyid:" and hexadecimal digits with or without colons (RFC 5280 4.2.1.1). */
#ifndef JOSE_CERTIFICATE_SUBJECT_H
#define JOSE_CERTIFICATE_SUBJECT_H

#include "certificate.h"

/* tls_client_auth_* of RFC 8705 2.1.2; the order is that of the ENUM column in SQL. */
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

/* NULL, or why the rule cannot be one: a literal for an operator's eyes. */
const char *certificate_subject_fault(const struct certificate_subject *subject);

/* Whether the certificate's subject, or one of its alternative names, is the one that the rule names. */
bool certificate_subject_matches(const struct certificate_subject *subject, const struct certificate *certificate);

/* The same for an issuer rule. The signature is not looked at: the front server has verified the chain. */
const char *certificate_subject_issuer_fault(struct text issuer);
bool certificate_subject_issuer_matches(struct text issuer, const struct certificate *certificate);

#endif
