/* RFC 7519: headers and claims that somebody else wrote. */
#include "../../lib/jose/jwt.h"

#include "../../lib/base/base64url.h"
#include "../check.h"

static struct arena arena;

static struct text encode(struct text json)
{
    static char bytes[4096];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    base64url_put(&b, json);
    arena_reset(&arena);
    return buffer_text(&b);
}

static void headers_that_are_read(void)
{
    struct jwt_header header;
    CHECK(jwt_header_read(encode(TEXT("{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"JWT\",\"cty\":\"x\"}")), &arena, &header) == NULL);
    CHECK(header.algorithm == JWS_ES256);
    CHECK_TEXT(header.kid, TEXT("k"));
    CHECK_TEXT(header.type, TEXT("JWT"));
    CHECK(jwt_header_read(encode(TEXT("{\"alg\":\"EdDSA\"}")), &arena, &header) == NULL);
    CHECK(!text_present(header.kid) && !text_present(header.type));
}

static void B7_B9_headers_that_are_refused(void)
{
    static const struct text refused[] = {
        TEXT("{}"), TEXT("[]"), TEXT(""), TEXT("{\"alg\":1}"), TEXT("{\"alg\":null}"), TEXT("{\"alg\":\"none\"}"), TEXT("{\"alg\":\"nOnE\"}"),
        TEXT("{\"alg\":\"\"}"), TEXT("{\"alg\":\"HS256\"}"), TEXT("{\"alg\":\"es256\"}"), TEXT("{\"alg\":[\"ES256\"]}"), TEXT("{\"alg\":\"ES256K\"}"),
        TEXT("{\"alg\":\"ES256\",\"jku\":\"https://x\"}"), TEXT("{\"alg\":\"ES256\",\"jwk\":{}}"), TEXT("{\"alg\":\"ES256\",\"x5u\":\"x\"}"),
        TEXT("{\"alg\":\"ES256\",\"x5c\":[]}"), TEXT("{\"alg\":\"ES256\",\"crit\":[]}"), TEXT("{\"alg\":\"ES256\",\"crit\":[\"exp\"]}"),
        TEXT("{\"alg\":\"ES256\",\"b64\":true}"), TEXT("{\"alg\":\"ES256\",\"zip\":\"DEF\"}"), TEXT("{\"alg\":\"ES256\",\"enc\":\"A128GCM\"}"),
        TEXT("{\"alg\":\"PBES2-HS256+A128KW\",\"p2c\":1000000000}"), TEXT("{\"alg\":\"ES256\",\"kid\":1}"), TEXT("{\"alg\":\"ES256\",\"typ\":[]}"),
        TEXT("{\"alg\":\"none\",\"alg\":\"ES256\"}"), TEXT("{\"\\u0061lg\":\"ES256\"}"), TEXT("{\"alg\":\"ES256\",\"kid\":\"a\\u0000b\"}"),
    };
    struct jwt_header header;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (!jwt_header_read(encode(refused[i]), &arena, &header)) printf("# taken: %.*s\n", (int)refused[i].size, refused[i].data);
        CHECK(jwt_header_read(encode(refused[i]), &arena, &header) != NULL);
    }
    CHECK(jwt_header_read(TEXT("eyJhbGciOiJFUzI1NiJ9="), &arena, &header) != NULL);
    CHECK(jwt_header_read(TEXT("{\"alg\":\"ES256\"}"), &arena, &header) != NULL);
}

/* An escaped name of an algorithm is the same name: JSON says so, and the algorithm is compared after decoding. */
static void values_are_compared_after_decoding(void)
{
    struct jwt_header header;
    CHECK(jwt_header_read(encode(TEXT("{\"alg\":\"\\u0045S256\"}")), &arena, &header) == NULL);
    CHECK(header.algorithm == JWS_ES256);
}

/* RFC 7515 4.1.9: application/ goes without saying, once, and media types have no case. */
static void F3_types(void)
{
    static const struct text same[] = { TEXT("at+jwt"), TEXT("AT+JWT"), TEXT("application/at+jwt"), TEXT("Application/At+Jwt") };
    static const struct text other[] = {
        TEXT("application/"), TEXT("application/jwt"), TEXT("application/application/at+jwt"), TEXT("text/at+jwt"), TEXT("/at+jwt"),
        TEXT("at+jwt/"), TEXT("application/at+jwt "), TEXT(" at+jwt"), TEXT("at+jwt; a=b"), TEXT("jwt"), TEXT(""), TEXT("at+jwt\0"),
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) CHECK(jwt_is_type(same[i], TEXT("at+jwt")));
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) CHECK(!jwt_is_type(other[i], TEXT("at+jwt")));
}

static void claims_that_are_read(void)
{
    struct jwt_claims claims;
    CHECK(jwt_claims_read(encode(TEXT("{\"iss\":\"i\",\"sub\":\"s\",\"aud\":[\"a\",\"b\"],\"exp\":3,\"nbf\":1,\"iat\":2.9,\"jti\":\"j\",\"x\":{}}")), &arena, &claims) == NULL);
    CHECK_TEXT(claims.issuer, TEXT("i"));
    CHECK_TEXT(claims.subject, TEXT("s"));
    CHECK_TEXT(claims.jti, TEXT("j"));
    CHECK(claims.audience_count == 2 && claims.expires_at == 3 && claims.not_before == 1 && claims.issued_at == 2);
    CHECK(strict_json_member(&claims.object, "x") != NULL);
    CHECK(jwt_claims_read(encode(TEXT("{\"aud\":\"one\"}")), &arena, &claims) == NULL);
    CHECK(claims.audience_count == 1);
    CHECK_TEXT(claims.audiences[0], TEXT("one"));
    CHECK(jwt_claims_read(encode(TEXT("{}")), &arena, &claims) == NULL);
    CHECK(!text_present(claims.issuer) && !text_present(claims.jti) && claims.audience_count == 0);
    CHECK(claims.expires_at == -1 && claims.not_before == -1 && claims.issued_at == -1);
}

static void B14_claims_that_are_refused(void)
{
    static const struct text refused[] = {
        TEXT("[]"), TEXT("1"), TEXT("{\"iss\":1}"), TEXT("{\"sub\":null}"), TEXT("{\"jti\":{}}"), TEXT("{\"exp\":\"1\"}"), TEXT("{\"exp\":-1}"),
        TEXT("{\"exp\":1e16}"), TEXT("{\"exp\":null}"), TEXT("{\"nbf\":true}"), TEXT("{\"iat\":[1]}"), TEXT("{\"exp\":9007199254740993}"),
        TEXT("{\"aud\":1}"), TEXT("{\"aud\":[1]}"), TEXT("{\"aud\":{}}"), TEXT("{\"aud\":null}"), TEXT("{\"aud\":[\"a\",[\"b\"]]}"),
        TEXT("{\"exp\":1,\"exp\":2}"),
        TEXT("{\"aud\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]}"),
    };
    struct jwt_claims claims;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) CHECK(jwt_claims_read(encode(refused[i]), &arena, &claims) != NULL);
}

static void an_arena_that_is_used_up_is_a_refusal(void)
{
    struct jwt_header header;
    struct jwt_claims claims;
    struct text encoded = encode(TEXT("{\"alg\":\"ES256\"}"));
    CHECK(arena_take(&arena, arena.size) != NULL);
    CHECK(jwt_header_read(encoded, &arena, &header) != NULL);
    CHECK(jwt_claims_read(encoded, &arena, &claims) != NULL);
}

int main(void)
{
    if (arena_open(&arena, 16384)) return EXIT_FAILURE;
    RUN(headers_that_are_read);
    RUN(B7_B9_headers_that_are_refused);
    RUN(values_are_compared_after_decoding);
    RUN(F3_types);
    RUN(claims_that_are_read);
    RUN(B14_claims_that_are_refused);
    RUN(an_arena_that_is_used_up_is_a_refusal);
    arena_close(&arena);
    return CHECK_EXIT();
}
