#include "material.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "../lib/base/base64url.h"

enum { NUMBER_BYTES = 512, POINT_HALF = 32 };

static const char rsa_n[] =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs"
    "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV"
    "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
static const char rsa_d[] =
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0"
    "BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYT"
    "CBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ";

static size_t decode(const char *encoded, unsigned char *bytes, size_t size)
{
    struct buffer b = { (char *)bytes, 0, size, false };
    return base64url_decode(text_of(encoded), &b) ? 0 : b.size;
}

static bool push_number(OSSL_PARAM_BLD *build, const char *name, const char *encoded, BIGNUM **number_r)
{
    unsigned char bytes[NUMBER_BYTES];
    size_t size = decode(encoded, bytes, sizeof bytes);
    *number_r = BN_bin2bn(bytes, (int)size, NULL);
    return *number_r && OSSL_PARAM_BLD_push_BN(build, name, *number_r);
}

static EVP_PKEY *from_parameters(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (parameters && context && EVP_PKEY_fromdata_init(context) > 0)
        (void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return key;
}

static EVP_PKEY *open_ec(const char *x, const char *y, const char *d)
{
    unsigned char point[1 + 2 * POINT_HALF] = { POINT_CONVERSION_UNCOMPRESSED };
    size_t size = decode(x, point + 1, POINT_HALF) + decode(y, point + 1 + POINT_HALF, POINT_HALF);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *number = NULL;
    EVP_PKEY *key = NULL;
    if (build && size == 2 * POINT_HALF && push_number(build, OSSL_PKEY_PARAM_PRIV_KEY, d, &number) &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point))
        key = from_parameters("EC", build);
    BN_free(number);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *open_rsa(void)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = NULL, *e = NULL, *d = NULL;
    EVP_PKEY *key = NULL;
    if (build && push_number(build, OSSL_PKEY_PARAM_RSA_N, rsa_n, &n) &&
        push_number(build, OSSL_PKEY_PARAM_RSA_E, "AQAB", &e) && push_number(build, OSSL_PKEY_PARAM_RSA_D, rsa_d, &d))
        key = from_parameters("RSA", build);
    BN_free(n);
    BN_free(e);
    BN_free(d);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *open_ed(void)
{
    unsigned char seed[POINT_HALF];
    size_t size = decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", seed, sizeof seed);
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, size);
}

static EVP_PKEY *open_secret(void)
{
    unsigned char bytes[POINT_HALF];
    size_t size = decode("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo", bytes, sizeof bytes);
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, bytes, size);
}

int material_find(struct text name)
{
    static const struct text names[MATERIALS] = {
#define MATERIAL_TEXT(name) TEXT(#name),
        MATERIAL_LIST(MATERIAL_TEXT)
#undef MATERIAL_TEXT
    };
    for (int i = 0; i < MATERIALS; i++)
        if (text_equal(names[i], name)) return i;
    return -1;
}

EVP_PKEY *material_open(enum material material)
{
    switch (material) {
    case MATERIAL_ec:
        return open_ec("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                       "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    case MATERIAL_other:
        return open_ec("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
                       "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE");
    case MATERIAL_rsa: return open_rsa();
    case MATERIAL_ed: return open_ed();
    case MATERIAL_secret: return open_secret();
    default: return NULL;
    }
}

enum material material_for(enum jws_algorithm algorithm)
{
    static const enum material materials[JWS_ALGORITHMS] = {
        [JWS_ES256] = MATERIAL_ec, [JWS_RS256] = MATERIAL_rsa, [JWS_PS256] = MATERIAL_rsa, [JWS_EdDSA] = MATERIAL_ed,
        [JWS_HS256] = MATERIAL_secret,
    };
    return materials[algorithm];
}
