#include "client_plan.h"

#include <inttypes.h>

#include "literal.h"

static const char *const method_names[] = {
#define METHOD_NAME(name, text) text,
    CLIENT_METHOD_LIST(METHOD_NAME)
#undef METHOD_NAME
};

enum { BY_SECRET = CLIENT_SECRET_BASIC | CLIENT_SECRET_POST };

static unsigned other_methods(const struct client_plan *plan)
{
    unsigned methods = 0;
    if (plan->key_source.path) methods |= CLIENT_PRIVATE_KEY_JWT;
    if (plan->tls_subject.kind != CERTIFICATE_SUBJECT_NONE) methods |= CLIENT_TLS;
    if (plan->certificate_source.path) methods |= CLIENT_SELF_SIGNED_TLS;
    return methods;
}

bool client_plan_has_secret(const struct client_plan *plan)
{
    return !plan->without_secret && (plan->with_secret || other_methods(plan) == 0);
}

unsigned client_plan_methods(const struct client_plan *plan)
{
    unsigned others = other_methods(plan);
    if (plan->methods) return plan->methods;
    return others == 0 || client_plan_has_secret(plan) ? others | BY_SECRET : others;
}

/* CALL procedure('client', */
static void begin_call(const char *procedure, struct text client_id)
{
    printf("CALL %s(", procedure);
    literal_put(stdout, client_id);
    printf(", ");
}

static void begin_update(const char *column) { printf("UPDATE client SET %s = ", column); }

static void end_update(struct text client_id)
{
    printf(" WHERE client_id = ");
    literal_put(stdout, client_id);
    printf(";\n");
}

static void put_audience(struct text audience)
{
    printf("INSERT IGNORE INTO audience (audience) VALUES (");
    literal_put(stdout, audience);
    printf(");\n");
}

static void put_scopes(const struct client_plan_api *api)
{
    struct text rest = api->scope, word;
    while (text_split(&rest, ' ', &word)) {
        printf("INSERT IGNORE INTO audience_scope (audience, scope) VALUES (");
        literal_put(stdout, api->audience);
        printf(", ");
        literal_put(stdout, word);
        printf(");\n");
    }
}

static bool has_api(const struct client_plan *plan, struct text audience)
{
    for (size_t i = 0; i < plan->api_count; i++)
        if (text_equal(plan->apis[i].audience, audience)) return true;
    return false;
}

static void put_audiences(const struct client_plan *plan)
{
    for (size_t i = 0; i < plan->api_count; i++) {
        put_audience(plan->apis[i].audience);
        put_scopes(&plan->apis[i]);
    }
    for (size_t i = 0; i < plan->introspect_count; i++)
        if (!has_api(plan, plan->introspects[i])) put_audience(plan->introspects[i]);
}

static bool has_word(struct text scope, struct text wanted)
{
    struct text word;
    while (text_split(&scope, ' ', &word))
        if (text_equal(word, wanted)) return true;
    return false;
}

static void put_grant(const struct client_plan *plan, const struct client_plan_api *api, struct text word,
                      bool is_default)
{
    begin_call("client_allow", plan->client_id);
    literal_put(stdout, api->audience);
    printf(", ");
    literal_put(stdout, word);
    printf(", %d);\n", is_default);
}

static void put_grants(const struct client_plan *plan, const struct client_plan_api *api)
{
    struct text rest = api->scope, word;
    if (!text_present(rest)) put_grant(plan, api, TEXT(""), true);
    while (text_split(&rest, ' ', &word))
        put_grant(plan, api, word, !text_present(api->default_scope) || has_word(api->default_scope, word));
}

static void put_number(const struct client_plan *plan, const char *column, uint64_t number)
{
    if (number == 0) return;
    begin_update(column);
    printf("%" PRIu64, number);
    end_update(plan->client_id);
}

/* With several audiences the first is the default. */
static void put_columns(const struct client_plan *plan)
{
    put_number(plan, "token_seconds", plan->token_seconds);
    put_number(plan, "rate_per_minute", plan->rate);
    put_number(plan, "rate_burst", plan->burst);
    if (plan->api_count > 1) {
        begin_update("default_audience");
        literal_put(stdout, plan->apis[0].audience);
        end_update(plan->client_id);
    }
    if (text_present(plan->binding)) {
        begin_update("require_binding");
        literal_put(stdout, plan->binding);
        end_update(plan->client_id);
    }
}

void client_plan_put_key(const char *procedure, struct text client_id, const struct public_key *key, int64_t ends)
{
    begin_call(procedure, client_id);
    literal_put(stdout, text_of(key->kid));
    printf(", ");
    literal_put(stdout, jws_algorithm_name(key->algorithm));
    printf(",\n  ");
    literal_put_json(stdout, text_of(key->jwk));
    printf(", ");
    if (ends) literal_put_instant(stdout, ends);
    else printf("NULL");
    printf(");\n");
}

static void put_subject(const struct client_plan *plan)
{
    static const char *const kinds[] = {
#define KIND_NAME(name) [SUBJECT_##name] = #name,
        CERTIFICATE_SUBJECT_KIND_LIST(KIND_NAME)
#undef KIND_NAME
    };
    begin_call("client_set_tls_subject", plan->client_id);
    literal_put(stdout, text_of(kinds[plan->tls_subject.kind]));
    printf(", ");
    literal_put_text(stdout, plan->tls_subject.value);
    printf(");\n");
    if (!text_present(plan->tls_issuer)) return;
    begin_call("client_set_tls_issuer", plan->client_id);
    literal_put_text(stdout, plan->tls_issuer);
    printf(");\n");
}

/* The procedures add their own method to those of the row; the plan may ask for others. */
static void put_methods(const struct client_plan *plan)
{
    unsigned methods = client_plan_methods(plan), put = 0;
    if (methods == BY_SECRET) return; /* the default of the column */
    begin_update("auth_methods");
    for (unsigned i = 0; i < CLIENT_METHODS; i++)
        if (methods & 1u << i) printf("%s%s", put++ ? "," : "'", method_names[i]);
    printf("'");
    end_update(plan->client_id);
}

static void put_credentials(const struct client_plan *plan, const struct credential *secret)
{
    bool one_key = plan->key_source.path && plan->certificate_source.path &&
                   strcmp(plan->key.kid, plan->certificate.kid) == 0;
    if (secret) credential_put_call(stdout, secret);
    if (plan->key_source.path) client_plan_put_key("client_add_key", plan->client_id, &plan->key, 0);
    if (plan->certificate_source.path && !one_key)
        client_plan_put_key("client_add_certificate_key", plan->client_id, &plan->certificate, 0);
    if (plan->tls_subject.kind != CERTIFICATE_SUBJECT_NONE) put_subject(plan);
    put_methods(plan);
}

void client_plan_put(const struct client_plan *plan, const struct credential *secret)
{
    printf("-- data\n-- client %.*s%s\n", (int)plan->client_id.size, plan->client_id.data,
           secret ? "; the secret itself is not in here" : "");
    put_audiences(plan);
    begin_call("client_create", plan->client_id);
    literal_put_text(stdout, plan->description);
    printf(");\n");
    put_columns(plan);
    put_credentials(plan, secret);
    for (size_t i = 0; i < plan->api_count; i++) put_grants(plan, &plan->apis[i]);
    for (size_t i = 0; i < plan->introspect_count; i++) {
        begin_call("client_may_introspect", plan->client_id);
        literal_put(stdout, plan->introspects[i]);
        printf(");\n");
    }
}
