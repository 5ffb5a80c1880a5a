#include "nonce.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "../base/base64url.h"

enum { MINUTE_BYTES = 4, MAC_BYTES = 16, NONCE_BYTES = MINUTE_BYTES + MAC_BYTES, MINUTE = 60, OLD_MINUTES = 1 };

static_assert(BASE64URL_SIZE(NONCE_BYTES) < (size_t)RESPONSE_NONCE, "a nonce fits the response");

/* The nonce of a minute, before its encoding. */
static int make(const struct request_context *context, uint32_t minute, unsigned char nonce_r[NONCE_BYTES])
{
    unsigned char mac[SECRET_DIGEST];
    unsigned size = sizeof mac;
    for (int i = 0; i < MINUTE_BYTES; i++) nonce_r[i] = (unsigned char)(minute >> (8 * (MINUTE_BYTES - 1 - i)));
    const struct issuer *issuer = context->issuer;
    if (!HMAC(EVP_sha256(), issuer->nonce_key, ISSUER_NONCE_KEY, nonce_r, MINUTE_BYTES, mac, &size)) return -1;
    memcpy(nonce_r + MINUTE_BYTES, mac, MAC_BYTES);
    return 0;
}

static uint32_t minute_of(int64_t now) { return (uint32_t)(now / MINUTE); }

int nonce_offer(struct request_context *context)
{
    unsigned char nonce[NONCE_BYTES];
    struct buffer b = { context->response->nonce, 0, RESPONSE_NONCE - 1, false };
    if (make(context, minute_of(context->now), nonce)) return -1;
    base64url_put(&b, (struct text){ (const char *)nonce, sizeof nonce });
    context->response->nonce[b.size] = '\0';
    return 0;
}

enum answer nonce_verify(const struct request_context *context, struct text nonce, bool *old_r)
{
    unsigned char bytes[NONCE_BYTES], expected[NONCE_BYTES];
    struct buffer b = { (char *)bytes, 0, sizeof bytes, false };
    *old_r = true;
    if (base64url_decode(nonce, &b) || b.size != sizeof bytes) return ANSWER_NO;
    uint32_t minute = 0, now = minute_of(context->now);
    for (int i = 0; i < MINUTE_BYTES; i++) minute = minute << 8 | bytes[i];
    /* A nonce of the next minute comes from a host whose clock is ahead. */
    if (minute > now + 1 || now > minute + NONCE_SECONDS / MINUTE) return ANSWER_NO;
    if (make(context, minute, expected)) return ANSWER_CANNOT_SAY;
    *old_r = now > minute + OLD_MINUTES;
    return answer_of(CRYPTO_memcmp(bytes, expected, sizeof bytes) == 0);
}
