#include "jwk.h"

#include <json.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "../base/base64url.h"
#include "../base/strict_json.h"

enum {
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 4096,
    EXPONENT_BITS_MAX = 32,
    POINT_HALF = 32,
    RSA_BYTES = RSA_BITS_MAX / 8
};

static const char *const private_members[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };
static const char *const string_members[] = { "kty", "kid", "use", "alg" };

static struct text string_member(struct json_object *json, const char *name)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(json, name, &value) || !json_object_is_type(value, json_type_string))
        return TEXT_NONE;
    return (struct text){ json_object_get_string(value), (size_t)json_object_get_string_len(value) };
}

static EVP_PKEY *from_parameters(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (parameters && context && EVP_PKEY_fromdata_init(context) > 0)
        (void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return key;
}

static const char *read_ec(struct json_object *json, EVP_PKEY **key_r)
{
    unsigned char point[1 + 2 * POINT_HALF] = { POINT_CONVERSION_UNCOMPRESSED };
    struct buffer b = { (char *)point, 1, sizeof point, false };
    if (!text_equal(string_member(json, "crv"), TEXT("P-256"))) return "the curve is not P-256";
    if (base64url_decode(string_member(json, "x"), &b) || b.size != 1 + POINT_HALF)
        return "x is not 32 bytes in base64url";
    if (base64url_decode(string_member(json, "y"), &b) || b.size != sizeof point)
        return "y is not 32 bytes in base64url";

    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point))
        *key_r = from_parameters("EC", build);
    OSSL_PARAM_BLD_free(build);
    return *key_r ? NULL : "the point is not on the curve";
}

static const char *check_rsa(const BIGNUM *n, const BIGNUM *e)
{
    if (!n || !e) return "n or e is not base64url, or has far more than 4096 bits";
    if (BN_num_bits(n) < RSA_BITS_MIN) return "the RSA modulus has fewer than 2048 bits";
    if (BN_num_bits(n) > RSA_BITS_MAX) return "the RSA modulus has more than 4096 bits";
    if (!BN_is_odd(n)) return "the RSA modulus is even";
    if (!BN_is_odd(e) || BN_is_one(e)) return "the RSA exponent is even or one";
    if (BN_num_bits(e) > EXPONENT_BITS_MAX) return "the RSA exponent has more than 32 bits";
    return NULL;
}

static BIGNUM *number_member(struct json_object *json, const char *name)
{
    char bytes[RSA_BYTES + 8];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    struct text encoded = string_member(json, name);
    if (encoded.size == 0 || base64url_decode(encoded, &b)) return NULL;
    return BN_bin2bn((const unsigned char *)bytes, (int)b.size, NULL);
}

static const char *read_rsa(struct json_object *json, EVP_PKEY **key_r)
{
    BIGNUM *n = number_member(json, "n"), *e = number_member(json, "e");
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    const char *refused = check_rsa(n, e);
    if (!refused && build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        *key_r = from_parameters("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    if (refused) return refused;
    return *key_r ? NULL : "the RSA key cannot be built";
}

/* The y coordinates of the points of order 1, 2, 4 and 8, little-endian. Anyone can forge signatures for such a key,
 * because its term in the equation of RFC 8032 5.1.7 has at most eight values. */
static const unsigned char small_orders[][POINT_HALF] = {
    { 0 },
    { 1 },
    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
      0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
      0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
};

/* y >= p - 1: p - 1 is the point of order 2; RFC 8032 5.1.3 refuses y >= p, but the library reduces it modulo p. */
static bool is_high(const unsigned char y[POINT_HALF])
{
    for (size_t i = 1; i < POINT_HALF - 1; i++)
        if (y[i] != 0xff) return false;
    return y[0] >= 0xec && y[POINT_HALF - 1] == 0x7f;
}

static bool is_sound_point(const unsigned char x[POINT_HALF])
{
    unsigned char y[POINT_HALF];
    memcpy(y, x, sizeof y);
    y[POINT_HALF - 1] &= 0x7f; /* the sign bit of x */
    for (size_t i = 0; i < sizeof small_orders / sizeof *small_orders; i++)
        if (memcmp(y, small_orders[i], sizeof y) == 0) return false;
    return !is_high(y);
}

static const char *read_okp(struct json_object *json, EVP_PKEY **key_r)
{
    unsigned char x[POINT_HALF];
    struct buffer b = { (char *)x, 0, sizeof x, false };
    if (!text_equal(string_member(json, "crv"), TEXT("Ed25519"))) return "the curve is not Ed25519";
    if (base64url_decode(string_member(json, "x"), &b) || b.size != sizeof x) return "x is not 32 bytes in base64url";
    if (!is_sound_point(x)) return "the point is of small order or not canonical: anyone can forge its signatures";
    *key_r = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, sizeof x);
    return *key_r ? NULL : "the Ed25519 key cannot be built";
}

static bool may_verify(struct json_object *json)
{
    struct json_object *operations = NULL;
    if (!json_object_object_get_ex(json, "key_ops", &operations)) return true;
    if (!json_object_is_type(operations, json_type_array)) return false;
    for (size_t i = 0; i < json_object_array_length(operations); i++) {
        struct json_object *operation = json_object_array_get_idx(operations, i); /* NULL for a JSON null */
        if (json_object_is_type(operation, json_type_string) && !strcmp(json_object_get_string(operation), "verify"))
            return true;
    }
    return false;
}

/* The members other than the key itself. */
static const char *read_facts(struct json_object *json, struct jwk *jwk)
{
    struct text kid = string_member(json, "kid"), use = string_member(json, "use"),
                algorithm = string_member(json, "alg");
    for (size_t i = 0; i < sizeof private_members / sizeof *private_members; i++)
        if (json_object_object_get_ex(json, private_members[i], NULL)) return "it has private members";
    for (size_t i = 0; i < sizeof string_members / sizeof *string_members; i++)
        if (json_object_object_get_ex(json, string_members[i], NULL) &&
            !text_present(string_member(json, string_members[i])))
            return "its kty, kid, use or alg is not a string";
    if (text_present(use) && !text_equal(use, TEXT("sig"))) return "its use is not sig";
    if (!may_verify(json)) return "its key_ops do not hold verify";
    if (kid.size > JWK_KID_BYTES || (kid.size > 0 && memchr(kid.data, '\0', kid.size)))
        return "its kid is longer than 64 bytes";
    if (kid.size > 0) memcpy(jwk->kid, kid.data, kid.size);
    jwk->algorithm = text_present(algorithm) ? jws_algorithm_find(algorithm) : JWS_NONE;
    if (text_present(algorithm) && jwk->algorithm == JWS_NONE) return "its alg is none of ES256, RS256, PS256, EdDSA";
    return NULL;
}

static const char *from_json(struct json_object *json, struct jwk *jwk_r)
{
    *jwk_r = (struct jwk){ .algorithm = JWS_NONE };
    if (!json_object_is_type(json, json_type_object)) return "it is not a JSON object";
    struct text kty = string_member(json, "kty");
    const char *refused = read_facts(json, jwk_r);
    if (refused) return refused;
    if (text_equal(kty, TEXT("EC"))) refused = read_ec(json, &jwk_r->key);
    else if (text_equal(kty, TEXT("RSA"))) refused = read_rsa(json, &jwk_r->key);
    else if (text_equal(kty, TEXT("OKP"))) refused = read_okp(json, &jwk_r->key);
    else refused = "its kty is none of EC, RSA, OKP";
    ERR_clear_error();
    if (!refused && jwk_r->algorithm != JWS_NONE && !jwk_suits(jwk_r->key, jwk_r->algorithm))
        refused = "its alg does not suit the key";
    if (refused) jwk_close(jwk_r);
    return refused;
}

/* strict_json_read() comes first, because it refuses what json-c accepts, such as repeated members. */
static struct json_object *parse(struct text json)
{
    struct strict_json gate;
    if (strict_json_read(json, &gate)) return NULL;
    struct json_tokener *tokener = json_tokener_new_ex(STRICT_JSON_DEPTH + 1);
    if (!tokener) return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *parsed = json_tokener_parse_ex(tokener, json.data, (int)json.size);
    json_tokener_free(tokener);
    return parsed;
}

const char *jwk_read(struct text json, struct jwk *jwk_r)
{
    struct json_object *parsed = parse(json);
    const char *refused = parsed ? from_json(parsed, jwk_r) : "it is not a JSON object, or a member stands twice";
    json_object_put(parsed);
    return refused;
}

void jwk_close(struct jwk *jwk)
{
    EVP_PKEY_free(jwk->key);
    jwk->key = NULL;
}

int jwk_read_set(struct text json, int (*take)(void *context, struct jwk *jwk, const char *refused), void *context)
{
    struct json_object *parsed = parse(json), *keys = NULL;
    struct jwk jwk;
    int stopped = parsed ? 0 : -1;
    if (parsed && !json_object_object_get_ex(parsed, "keys", &keys)) {
        const char *refused = from_json(parsed, &jwk);
        stopped = take(context, &jwk, refused);
    } else if (parsed && !json_object_is_type(keys, json_type_array)) {
        stopped = -1;
    }
    for (size_t i = 0; !stopped && keys && i < json_object_array_length(keys); i++) {
        const char *refused = from_json(json_object_array_get_idx(keys, i), &jwk);
        stopped = take(context, &jwk, refused);
    }
    json_object_put(parsed);
    return stopped ? -1 : 0;
}

bool jwk_suits(EVP_PKEY *key, enum jws_algorithm algorithm)
{
    char group[32];
    switch (algorithm) {
    case JWS_ES256:
        return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) &&
               !strcmp(group, "prime256v1");
    case JWS_RS256:
    case JWS_PS256:
        return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN &&
               EVP_PKEY_get_bits(key) <= RSA_BITS_MAX;
    case JWS_EdDSA: return EVP_PKEY_is_a(key, "ED25519");
    default: return false;
    }
}

/* `"name":"<base64url>"` of a parameter of the key, padded to size bytes if size is not 0. */
static int put_number(struct buffer *b, EVP_PKEY *key, const char *name, const char *parameter, size_t size)
{
    unsigned char bytes[RSA_BYTES];
    BIGNUM *number = NULL;
    int got = -1;
    if (EVP_PKEY_get_bn_param(key, parameter, &number) && (size_t)BN_num_bytes(number) <= sizeof bytes)
        got = BN_bn2binpad(number, bytes, size > 0 ? (int)size : BN_num_bytes(number));
    BN_free(number);
    if (got < 0) return -1;
    buffer_put_json(b, text_of(name));
    buffer_put(b, TEXT(":\""));
    base64url_put(b, (struct text){ (const char *)bytes, (size_t)got });
    buffer_put_char(b, '"');
    return 0;
}

/* The required members of the key, in the order of RFC 7638 3.2. */
static int put_key(struct buffer *b, EVP_PKEY *key)
{
    unsigned char x[POINT_HALF];
    size_t size = sizeof x;
    int bad = 0;
    if (EVP_PKEY_is_a(key, "EC")) {
        buffer_put(b, TEXT("\"crv\":\"P-256\",\"kty\":\"EC\","));
        bad |= put_number(b, key, "x", OSSL_PKEY_PARAM_EC_PUB_X, POINT_HALF);
        buffer_put_char(b, ',');
        bad |= put_number(b, key, "y", OSSL_PKEY_PARAM_EC_PUB_Y, POINT_HALF);
    } else if (EVP_PKEY_is_a(key, "RSA")) {
        bad |= put_number(b, key, "e", OSSL_PKEY_PARAM_RSA_E, 0);
        buffer_put(b, TEXT(",\"kty\":\"RSA\","));
        bad |= put_number(b, key, "n", OSSL_PKEY_PARAM_RSA_N, 0);
    } else if (EVP_PKEY_is_a(key, "ED25519") && EVP_PKEY_get_raw_public_key(key, x, &size)) {
        buffer_put(b, TEXT("\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\""));
        base64url_put(b, (struct text){ (const char *)x, size });
        buffer_put_char(b, '"');
    } else {
        bad = -1;
    }
    return bad || b->full ? -1 : 0;
}

int jwk_put(struct buffer *b, EVP_PKEY *key, enum jws_algorithm algorithm, struct text kid)
{
    buffer_put_char(b, '{');
    int bad = put_key(b, key);
    buffer_put(b, TEXT(",\"use\":\"sig\",\"alg\":"));
    buffer_put_json(b, jws_algorithm_name(algorithm));
    buffer_put(b, TEXT(",\"kid\":"));
    buffer_put_json(b, kid);
    buffer_put_char(b, '}');
    return bad || b->full ? -1 : 0;
}

int jwk_put_thumbprint(struct buffer *b, struct secret_hasher *hasher, EVP_PKEY *key)
{
    char canonical[RSA_BYTES * 2];
    unsigned char digest[SECRET_DIGEST];
    struct buffer c = { canonical, 0, sizeof canonical, false };
    buffer_put_char(&c, '{');
    int bad = put_key(&c, key);
    buffer_put_char(&c, '}');
    if (bad || c.full || secret_digest(hasher, &(struct text){ c.data, c.size }, 1, digest)) return -1;
    base64url_put(b, (struct text){ (const char *)digest, sizeof digest });
    return b->full ? -1 : 0;
}
