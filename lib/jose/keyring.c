#include "keyring.h"

#include <assert.h>
#include <openssl/crypto.h>

#include "../base/base64url.h"

static bool is_plain_kid(struct text kid)
{
    if (kid.size == 0 || kid.size > JWK_KID_BYTES) return false;
    for (size_t i = 0; i < kid.size; i++) {
        char c = kid.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

static const struct text types[KEYRING_KINDS] = {
    [KEYRING_ACCESS_TOKEN] = { "at+jwt", 6 },
    [KEYRING_INTROSPECTION] = { "token-introspection+jwt", 23 },
};

/* keyring_find() compares these bytes, so no other code may write a header. */
static int put_header(struct keyring_key *key, enum keyring_kind kind)
{
    char json[KEYRING_HEADER_BYTES];
    struct buffer b = { json, 0, sizeof json, false };
    struct buffer header = { key->header_texts[kind], 0, KEYRING_HEADER_BYTES, false };
    buffer_put(&b, TEXT("{\"typ\":"));
    buffer_put_json(&b, types[kind]);
    buffer_put(&b, TEXT(",\"alg\":"));
    buffer_put_json(&b, jws_algorithm_name(key->algorithm));
    buffer_put(&b, TEXT(",\"kid\":"));
    buffer_put_json(&b, key->kid);
    buffer_put_char(&b, '}');
    base64url_put(&header, buffer_text(&b));
    key->headers[kind] = buffer_text(&header);
    return b.full || header.full ? -1 : 0;
}

static const char *open_signer(struct keyring_key *key, EVP_PKEY *private_key)
{
    key->signer = jws_signer(private_key, key->algorithm);
    return key->signer ? NULL : "the private key cannot sign";
}

static const char *open_mac(struct keyring_key *key, EVP_PKEY *private_key)
{
    unsigned char secret[JWS_MAC_KEY_LEAST];
    size_t size = sizeof secret;
    if (EVP_PKEY_is_a(private_key, "X25519") && EVP_PKEY_get_raw_private_key(private_key, secret, &size) == 1)
        key->mac = jws_mac((struct text){ (const char *)secret, size });
    OPENSSL_cleanse(secret, sizeof secret);
    return key->mac ? NULL : "the private key is not one of X25519";
}

static const char *check_public(enum jws_algorithm algorithm, EVP_PKEY *public_key, EVP_PKEY *private_key)
{
    if (algorithm == JWS_HS256) return public_key ? "HS256 has no public key" : NULL;
    if (!jwk_suits(public_key, algorithm)) return "the algorithm does not suit the public key";
    if (private_key && EVP_PKEY_eq(public_key, private_key) != 1) return "private and public key are not a pair";
    return NULL;
}

/* Initialises the next slot with kid and headers, without counting it. Returns NULL, or the reason for refusal. */
static const char *begin_key(struct keyring *keyring, struct text kid, enum jws_algorithm algorithm,
                             struct keyring_key **key_r)
{
    assert(keyring->count <= KEYRING_KEYS);
    if (keyring->count == KEYRING_KEYS) return "there are more than 16 keys";
    if (!is_plain_kid(kid)) return "the kid is not 1 to 64 of A-Z a-z 0-9 _ -";
    for (size_t i = 0; i < keyring->count; i++)
        if (text_equal(keyring->keys[i].kid, kid)) return "the kid stands twice";
    struct keyring_key *key = *key_r = &keyring->keys[keyring->count];
    *key = (struct keyring_key){ .algorithm = algorithm };
    memcpy(key->kid_text, kid.data, kid.size);
    key->kid = (struct text){ key->kid_text, kid.size };
    return put_header(key, KEYRING_ACCESS_TOKEN) || put_header(key, KEYRING_INTROSPECTION) ? "the kid is too long"
                                                                                           : NULL;
}

const char *keyring_add(struct keyring *keyring, struct text kid, enum jws_algorithm algorithm,
                        const struct keyring_times *times, EVP_PKEY *public_key, EVP_PKEY *private_key)
{
    struct keyring_key *key;
    const char *refused = check_public(algorithm, public_key, private_key);
    if (!refused) refused = begin_key(keyring, kid, algorithm, &key);
    if (refused) return refused;
    key->times = *times;
    key->public_key = public_key;
    if (private_key) refused = algorithm == JWS_HS256 ? open_mac(key, private_key) : open_signer(key, private_key);
    if (refused) return refused;
    EVP_PKEY_free(private_key);
    keyring->count++;
    return NULL;
}

const char *keyring_add_unproven(struct keyring *keyring, struct text kid, enum jws_algorithm algorithm,
                                 const struct keyring_times *times)
{
    struct keyring_key *key;
    const char *refused = begin_key(keyring, kid, algorithm, &key);
    if (refused) return refused;
    key->times = *times;
    key->unproven = true;
    keyring->count++;
    return NULL;
}

bool keyring_is_unproven(const struct keyring *keyring)
{
    for (size_t i = 0; i < keyring->count; i++)
        if (!keyring->keys[i].unproven) return false;
    return keyring->incomplete || keyring->count > 0;
}

void keyring_clear(struct keyring *keyring)
{
    for (size_t i = 0; i < keyring->count; i++) {
        EVP_PKEY_free(keyring->keys[i].public_key);
        EVP_PKEY_CTX_free(keyring->keys[i].signer);
        EVP_MAC_CTX_free(keyring->keys[i].mac);
    }
    keyring->count = 0;
    keyring->incomplete = false;
}

static bool is_published(const struct keyring_times *times, int64_t now)
{
    return times->publish <= now && (times->remove == 0 || now < times->remove);
}

static bool is_active(const struct keyring_times *times, int64_t now)
{
    return is_published(times, now) && times->activate != 0 && times->activate <= now &&
           (times->retire == 0 || now < times->retire);
}

static bool signs_rather(const struct keyring_key *key, const struct keyring_key *than, enum jws_algorithm algorithm)
{
    bool wanted = key->algorithm == algorithm, other = than->algorithm == algorithm;
    return wanted != other ? wanted : key->times.activate > than->times.activate;
}

const struct keyring_key *keyring_signer(const struct keyring *keyring, enum jws_algorithm algorithm, int64_t now)
{
    const struct keyring_key *best = NULL;
    for (size_t i = 0; i < keyring->count; i++) {
        const struct keyring_key *key = &keyring->keys[i];
        if ((!key->signer && !key->mac) || !is_active(&key->times, now)) continue;
        if (!best || signs_rather(key, best, algorithm)) best = key;
    }
    return best;
}

bool keyring_lacks_signer(const struct keyring *keyring, enum jws_algorithm algorithm, int64_t now)
{
    bool lacks = false;
    for (size_t i = 0; i < keyring->count; i++) {
        const struct keyring_key *key = &keyring->keys[i];
        if (key->algorithm != algorithm || !is_active(&key->times, now)) continue;
        if (key->signer || key->mac) return false;
        lacks = true;
    }
    return lacks;
}

const struct keyring_key *keyring_find(const struct keyring *keyring, struct text header, int64_t now)
{
    for (size_t i = 0; i < keyring->count; i++) {
        const struct keyring_key *key = &keyring->keys[i];
        if (text_equal(key->headers[KEYRING_ACCESS_TOKEN], header)) return is_published(&key->times, now) ? key : NULL;
    }
    return NULL;
}

int keyring_sign(const struct keyring_key *key, struct secret_hasher *hasher, struct text input,
                 struct buffer *signature)
{
    if (key->mac) return jws_mac_sign(key->mac, input, signature);
    return key->signer ? jws_sign(key->signer, key->algorithm, hasher, input, signature) : -1;
}

enum answer keyring_verify(const struct keyring_key *key, struct secret_hasher *hasher, const struct jws *jws)
{
    if (key->unproven) return ANSWER_CANNOT_SAY;
    if (key->algorithm != JWS_HS256) return jws_verify(key->public_key, key->algorithm, hasher, jws);
    return key->mac ? jws_mac_verify(key->mac, jws) : ANSWER_CANNOT_SAY;
}

int keyring_put_jwks(const struct keyring *keyring, int64_t now, struct buffer *b)
{
    const char *separator = "";
    int bad = 0;
    buffer_put(b, TEXT("{\"keys\":["));
    for (size_t i = 0; i < keyring->count; i++) {
        const struct keyring_key *key = &keyring->keys[i];
        if (key->algorithm == JWS_HS256 || key->unproven || !is_published(&key->times, now)) continue;
        buffer_put(b, text_of(separator));
        bad |= jwk_put(b, key->public_key, key->algorithm, key->kid);
        separator = ",";
    }
    buffer_put(b, TEXT("]}"));
    return bad || b->full ? -1 : 0;
}

bool keyring_publishes(const struct keyring *keyring, enum jws_algorithm algorithm, int64_t now)
{
    for (size_t i = 0; i < keyring->count; i++) {
        const struct keyring_key *key = &keyring->keys[i];
        if (key->algorithm == algorithm && !key->unproven && is_published(&key->times, now)) return true;
    }
    return false;
}
