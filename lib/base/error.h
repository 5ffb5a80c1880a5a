/* error: every error that a client can receive.
 *
 * One list defines the enum, HTTP status, error code, description and clause of each. The texts are literals in the
 * character set of RFC 6749 5.2, so no input is reflected. Internal faults are not listed by cause: a client receives
 * `unavailable`, and the operator a log message. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/* name status code description clause */
#define ERROR_LIST(X) \
    X(none, 200, "", "", "") \
    X(not_found, 404, "not_found", "there is no such endpoint here", "RFC 9110 15.5.5") \
    X(method, 405, "invalid_request", "this endpoint does not take that method", "RFC 6749 3.2") \
    X(too_large, 413, "invalid_request", "the request is too large", "RFC 9110 15.5.14") \
    X(ambiguous, 400, "invalid_request", "a header of the request is repeated", "RFC 9110 5.3") \
    X(claimed_identity, 400, "invalid_request", "a header has a name that only the front server may use", \
      "RFC 9110 17.10") \
    X(content_type, 400, "invalid_request", "the body must be application/x-www-form-urlencoded", "RFC 6749 3.2") \
    X(malformed_form, 400, "invalid_request", "the form cannot be decoded", "RFC 6749 B") \
    X(repeated_parameter, 400, "invalid_request", "a parameter is repeated", "RFC 6749 3.2") \
    X(query_parameter, 400, "invalid_request", "parameters in the query string are not read here", "RFC 6749 2.3.1") \
    X(missing_grant_type, 400, "invalid_request", "grant_type is missing", "RFC 6749 4.4.2") \
    X(missing_token, 400, "invalid_request", "token is missing", "RFC 7662 2.1") \
    X(several_methods, 400, "invalid_request", "more than one client authentication method", "RFC 6749 2.3") \
    X(malformed_basic, 400, "invalid_request", "the Authorization header cannot be decoded", "RFC 7617 2") \
    X(invalid_client, 401, "invalid_client", "client authentication failed", "RFC 6749 5.2") \
    X(too_many_failures, 429, "temporarily_unavailable", "too many failed authentications", "RFC 6749 2.3.1") \
    X(rate_limited, 429, "temporarily_unavailable", "too many requests of this client", "RFC 6585 4") \
    X(unsupported_grant, 400, "unsupported_grant_type", "this grant type is not offered", "RFC 6749 5.2") \
    X(unauthorized_client, 400, "unauthorized_client", "the client may not use this grant type", "RFC 6749 5.2") \
    X(invalid_scope, 400, "invalid_scope", "the scope is malformed, unknown or not granted", "RFC 6749 3.3") \
    X(missing_scope, 400, "invalid_scope", "this client must name the scope it wants", "RFC 6749 3.3") \
    X(invalid_target, 400, "invalid_target", "the resource is malformed, unknown or not granted", "RFC 8707 2") \
    X(invalid_dpop_proof, 400, "invalid_dpop_proof", "the DPoP proof is missing, malformed, used or not good", \
      "RFC 9449 5") \
    X(use_dpop_nonce, 400, "use_dpop_nonce", "the DPoP proof needs the nonce that comes with this", "RFC 9449 8") \
    X(missing_certificate, 400, "invalid_request", "this client needs a TLS client certificate", "RFC 8705 3") \
    X(missing_bearer, 401, "unauthorized", "an access token is needed here", "RFC 6750 3.1") \
    X(malformed_bearer, 400, "invalid_request", "the access token is malformed or sent in two ways", "RFC 6750 3.1") \
    X(invalid_token, 401, "invalid_token", "the access token is not good here, or not any more", "RFC 6750 3.1") \
    X(check_dpop_proof, 401, "invalid_dpop_proof", "the DPoP proof is missing, malformed, used or not good", \
      "RFC 9449 7.1") \
    X(check_dpop_nonce, 401, "use_dpop_nonce", "the DPoP proof needs the nonce that comes with this", "RFC 9449 9") \
    X(insufficient_scope, 403, "insufficient_scope", "the access token lacks a scope that is needed here", \
      "RFC 6750 3.1") \
    X(unconfigured_check, 503, "temporarily_unavailable", "this location is not configured to be checked", \
      "RFC 9110 15.6.4") \
    X(foreign_token, 400, "invalid_grant", "the token was issued to another client", "RFC 7009 2.1") \
    X(unavailable, 503, "temporarily_unavailable", "the server cannot answer right now", "RFC 9110 15.6.4")

enum error {
#define ERROR_NAME(name, status, code, description, clause) ERROR_##name,
    ERROR_LIST(ERROR_NAME)
#undef ERROR_NAME
        ERROR_COUNT
};

struct error_facts {
    const char *name;
    int status;
    const char *code;
    const char *description;
    const char *clause;
};

/* Returns the facts of an error; static, never NULL. An unknown value gives those of ERROR_unavailable. */
const struct error_facts *error_facts(enum error error);

#endif
