/* token: the claims of an access token of this issuer (RFC 9068 2.2), as data. Reading and checking a token is in
 * access_token.h; nothing here says that a token is valid. All texts are views. */
#ifndef OAUTH_TOKEN_H
#define OAUTH_TOKEN_H

#include "../base/text.h"

enum { ACCESS_TOKEN_AUDIENCES = 8 };

/* The claims that revocations refer to; views of a verified token. */
struct token_facts {
    struct text jti;
    struct text client_id;
    struct text credential;
    int64_t issued_at;
    int64_t expires_at;
};

/* RFC 7800 3, `cnf`: what a token is bound to. Each is base64url of a SHA-256, and empty if the token is not bound
 * so. */
struct confirmation {
    struct text certificate; /* x5t#S256 (RFC 8705 3.1) */
    struct text key;         /* jkt (RFC 9449 6.1) */
};

/* The claims of an access token of this issuer; views. */
struct access_token {
    struct token_facts facts;
    int64_t not_before; /* -1 if the token has no such claim */
    size_t audience_count;
    struct text audiences[ACCESS_TOKEN_AUDIENCES];
    struct text subject;
    struct text scope; /* space-separated; empty or absent if it has none */
    struct confirmation confirmation;
    struct text shown; /* the claims for introspection, as members of a JSON object: `"iss":...,"sub":...` */
};

#endif
