#include "forge.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "../../lib/base/base64url.h"

enum { HALF = 32, TOKEN_BYTES = 131072, PART_BYTES = 16384, PEM_BYTES = 2048 };

/* NIST P-256: the order of the group, RFC 6090 and FIPS 186-4 D.1.2.3. */
static const char group_order[] = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";

static int sign_with(struct world *world, enum material material, enum jws_algorithm algorithm, struct text input,
                     struct buffer *signature)
{
    EVP_PKEY *key = material_open(material);
    EVP_PKEY_CTX *signer = key ? jws_signer(key, algorithm) : NULL;
    int bad = signer ? jws_sign(signer, algorithm, &world->hasher, input, signature) : -1;
    EVP_PKEY_CTX_free(signer);
    EVP_PKEY_free(key);
    return bad;
}

static int sign_secret(struct text input, struct buffer *signature)
{
    unsigned char bytes[JWS_MAC_KEY_LEAST];
    size_t size = sizeof bytes;
    EVP_PKEY *key = material_open(MATERIAL_secret);
    bool read = key && EVP_PKEY_get_raw_private_key(key, bytes, &size) == 1;
    EVP_MAC_CTX *mac = read ? jws_mac((struct text){ (const char *)bytes, size }) : NULL;
    int bad = mac ? jws_mac_sign(mac, input, signature) : -1;
    EVP_MAC_CTX_free(mac);
    EVP_PKEY_free(key);
    return bad;
}

static int sign_hmac(struct text input, struct buffer *signature)
{
    char pem[PEM_BYTES];
    unsigned char digest[SECRET_DIGEST];
    unsigned size = 0;
    EVP_PKEY *key = material_open(MATERIAL_rsa);
    BIO *bio = BIO_new(BIO_s_mem());
    int read = key && bio && PEM_write_bio_PUBKEY(bio, key) ? BIO_read(bio, pem, sizeof pem) : -1;
    const unsigned char *made = read > 0 ? HMAC(EVP_sha256(), pem, read, (const unsigned char *)input.data, input.size,
                                                digest, &size) : NULL;
    if (made) buffer_put(signature, (struct text){ (const char *)digest, size });
    BIO_free(bio);
    EVP_PKEY_free(key);
    return made ? 0 : -1;
}

static int put_der(struct buffer *signature)
{
    unsigned char der[2 * HALF + 16], *out = der;
    const unsigned char *raw = (const unsigned char *)signature->data;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, HALF, NULL), *s = BN_bin2bn(raw + HALF, HALF, NULL);
    if (!pair || !r || !s || !ECDSA_SIG_set0(pair, r, s)) return -1;
    int size = i2d_ECDSA_SIG(pair, &out);
    ECDSA_SIG_free(pair);
    signature->size = 0;
    buffer_put(signature, (struct text){ (const char *)der, (size_t)size });
    return 0;
}

/* What is done to a good ECDSA signature afterwards. */
static int spoil(struct text form, struct buffer *signature)
{
    bool zero = text_equal(form, TEXT("zero"));
    if (text_equal(form, TEXT("der"))) return put_der(signature);
    if (text_equal(form, TEXT("short"))) signature->size--;
    if (zero || text_equal(form, TEXT("zero-r"))) memset(signature->data, 0, HALF);
    if (zero || text_equal(form, TEXT("zero-s"))) memset(signature->data + HALF, 0, HALF);
    return 0;
}

static int sign(struct script *script, struct text form, struct text input, struct buffer *signature)
{
    static const struct text spoilt[] = { TEXT("der"), TEXT("zero-r"), TEXT("zero-s"), TEXT("zero"), TEXT("short") };
    static const enum jws_algorithm algorithms[MATERIALS] = { JWS_ES256, JWS_ES256, JWS_RS256, JWS_EdDSA, JWS_HS256 };
    int material = material_find(form);
    if (material == MATERIAL_secret) return sign_secret(input, signature);
    if (material >= 0)
        return sign_with(&script->world, (enum material)material, algorithms[material], input, signature);
    if (text_equal(form, TEXT("ps"))) return sign_with(&script->world, MATERIAL_rsa, JWS_PS256, input, signature);
    if (text_equal(form, TEXT("hmac"))) return sign_hmac(input, signature);
    if (text_equal(form, TEXT("none"))) return 0;
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++)
        if (text_equal(spoilt[i], form))
            return sign_with(&script->world, MATERIAL_ec, JWS_ES256, input, signature) || spoil(form, signature) ? -1 : 0;
    return script_fail(script, "no such way to sign: %.*s", (int)form.size, form.data);
}

int forge_token(struct script *script, struct text arguments)
{
    static char bytes[TOKEN_BYTES];
    char signature_bytes[JWS_SIGNATURE_BYTES];
    struct buffer token = { bytes, 0, sizeof bytes, false };
    struct buffer signature = { signature_bytes, 0, sizeof signature_bytes, false };
    struct text name, header, claims;
    if (!text_split(&arguments, ' ', &name) || arguments.size == 0) return script_fail(script, "forge NAME FORM is meant");
    if (script_expand(script, script->header, &header) || script_expand(script, script->claims, &claims)) return -1;
    base64url_put(&token, header);
    buffer_put_char(&token, '.');
    base64url_put(&token, claims);
    if (sign(script, arguments, buffer_text(&token), &signature)) return script_fail(script, "cannot sign");
    buffer_put_char(&token, '.');
    base64url_put(&token, buffer_text(&signature));
    return token.full ? script_fail(script, "the token grows too long") : script_put(script, name, buffer_text(&token));
}

/* Changes the decoded form of one part of the token named OLD and names the result. */
static int change_part(struct script *script, struct text arguments, unsigned part, int (*change)(struct buffer *))
{
    static char bytes[PART_BYTES], changed[PART_BYTES];
    struct buffer decoded = { bytes, 0, sizeof bytes, false }, token = { changed, 0, sizeof changed, false };
    struct text name, word;
    if (!text_split(&arguments, ' ', &name)) return script_fail(script, "NAME OLD is meant");
    (void)text_split(&arguments, ' ', &word);
    struct text rest = script_find(script, word);
    for (unsigned i = 0; text_split(&rest, '.', &word); i++) {
        if (i > 0) buffer_put_char(&token, '.');
        if (i == part && (base64url_decode(word, &decoded) || change(&decoded)))
            return script_fail(script, "the part cannot be changed");
        if (i == part) base64url_put(&token, buffer_text(&decoded));
        else buffer_put(&token, word);
    }
    return script_put(script, name, buffer_text(&token));
}

static int take_other_s(struct buffer *signature)
{
    BIGNUM *n = NULL, *s = NULL;
    unsigned char *half = (unsigned char *)signature->data + HALF;
    int good = signature->size == 2 * HALF && BN_hex2bn(&n, group_order) && (s = BN_bin2bn(half, HALF, NULL)) &&
               BN_sub(s, n, s) && BN_bn2binpad(s, half, HALF) == HALF;
    BN_free(n);
    BN_free(s);
    return good ? 0 : -1;
}

int forge_twin(struct script *script, struct text arguments)
{
    return change_part(script, arguments, 2, take_other_s);
}

static int flip(struct buffer *part)
{
    if (part->size == 0) return -1;
    part->data[0] ^= 1;
    return 0;
}

int forge_flip(struct script *script, struct text arguments)
{
    uint64_t part;
    if (arguments.size < 2 || text_number(text_slice(arguments, arguments.size - 1, 1), 2, &part))
        return script_fail(script, "flip NAME OLD 0..2 is meant");
    return change_part(script, text_slice(arguments, 0, arguments.size - 2), (unsigned)part, flip);
}
