/* Keys that people bring: what is taken is a key that suits its algorithm and survives being written and read. */
#include "../../lib/jose/jwk.h"

#include "fuzz.h"

enum { JSON = 16384 };

static void judge(struct jwk *jwk)
{
    static char json[JSON];
    struct buffer b = { json, 0, sizeof json, false };
    struct jwk again;
    enum jws_algorithm algorithm = jwk->algorithm;
    for (int i = 0; algorithm == JWS_NONE && i < JWS_PUBLIC_ALGORITHMS; i++)
        if (jwk_suits(jwk->key, (enum jws_algorithm)i)) algorithm = (enum jws_algorithm)i;
    HOLDS(algorithm != JWS_NONE && jwk_suits(jwk->key, algorithm));
    HOLDS(jwk_put(&b, jwk->key, algorithm, text_of(jwk->kid)) == 0);
    /* A kid with a NUL was refused; one that has to be escaped comes back as it was. */
    HOLDS(jwk_read(buffer_text(&b), &again) == NULL);
    HOLDS(EVP_PKEY_eq(jwk->key, again.key) == 1);
    jwk_close(&again);
}

static int take(void *context, struct jwk *jwk, const char *refused)
{
    size_t *count = context;
    ++*count;
    HOLDS((refused != NULL) == (jwk->key == NULL));
    if (!refused) judge(jwk);
    jwk_close(jwk);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = { (const char *)data, size };
    struct jwk jwk;
    size_t count = 0;
    if (!jwk_read(t, &jwk)) {
        judge(&jwk);
        jwk_close(&jwk);
    }
    (void)jwk_read_set(t, take, &count);
    return 0;
}
