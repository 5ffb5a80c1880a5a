/* proofs: requests for /token that may be sent once each, as lines for post.lua. Signed by the key of RFC 7515 A.3.
 *
 *     bench-proofs assertion COUNT ISSUER CLIENT_ID         private_key_jwt by that client, kid "bench"
 *     bench-proofs dpop COUNT ISSUER AUTHORIZATION          a DPoP proof beside that Authorization value
 *     bench-proofs jwk                                      the public key */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../lib/base/base64url.h"
#include "../../lib/base/secret.h"
#include "../../lib/jose/jwk.h"
#include "../material.h"

enum { LINE = 4096, ID_BYTES = 64 };

#define FORM "grant_type=client_credentials&scope=read%20write"
#define ASSERTION_FORM FORM "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="

struct proofs {
    EVP_PKEY *key;
    EVP_PKEY_CTX *signer;
    struct secret_hasher hasher;
    char jwk[LINE];
    const char *issuer, *who;
};

static void need(bool holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "bench-proofs: %s\n", what);
    exit(EXIT_FAILURE);
}

static void open_proofs(struct proofs *proofs)
{
    struct buffer b = { proofs->jwk, 0, sizeof proofs->jwk - 1, false };
    proofs->key = material_open(MATERIAL_ec);
    proofs->signer = proofs->key ? jws_signer(proofs->key, JWS_ES256) : NULL;
    need(proofs->signer && secret_hasher_open(&proofs->hasher) == 0, "no key");
    need(jwk_put(&b, proofs->key, JWS_ES256, TEXT("bench")) == 0, "no JWK");
}

static void put_jws(struct proofs *proofs, const char *header, const char *claims)
{
    char line[LINE], bytes[JWS_SIGNATURE_BYTES];
    struct buffer b = { line, 0, sizeof line, false }, signature = { bytes, 0, sizeof bytes, false };
    base64url_put(&b, text_of(header));
    buffer_put_char(&b, '.');
    base64url_put(&b, text_of(claims));
    need(!b.full && jws_sign(proofs->signer, JWS_ES256, &proofs->hasher, buffer_text(&b), &signature) == 0, "cannot sign");
    buffer_put_char(&b, '.');
    base64url_put(&b, buffer_text(&signature));
    printf("%.*s", (int)b.size, b.data);
}

/* Different from those of every other run. */
static void make_id(char id_r[ID_BYTES], long number)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    (void)snprintf(id_r, ID_BYTES, "%lld.%09ld-%ld", (long long)now.tv_sec, now.tv_nsec, number);
}

static void put_assertion(struct proofs *proofs, long number)
{
    char claims[LINE], id[ID_BYTES];
    long long now = (long long)time(NULL);
    make_id(id, number);
    (void)snprintf(claims, sizeof claims, "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"iat\":%lld,\"exp\":%lld,\"jti\":\"%s\"}",
                   proofs->who, proofs->who, proofs->issuer, now, now + 120, id);
    printf("\t%s", ASSERTION_FORM);
    put_jws(proofs, "{\"alg\":\"ES256\",\"kid\":\"bench\"}", claims);
    printf("\t\n");
}

static void put_proof(struct proofs *proofs, long number)
{
    char header[LINE + 64], claims[LINE], id[ID_BYTES];
    make_id(id, number);
    (void)snprintf(header, sizeof header, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":%s}", proofs->jwk);
    (void)snprintf(claims, sizeof claims, "{\"jti\":\"%s\",\"htm\":\"POST\",\"htu\":\"%s/token\",\"iat\":%lld}", id,
                   proofs->issuer, (long long)time(NULL));
    printf("%s\t%s\t", proofs->who, FORM);
    put_jws(proofs, header, claims);
    printf("\n");
}

int main(int argc, char **argv)
{
    static struct proofs proofs;
    open_proofs(&proofs);
    if (argc == 2 && !strcmp(argv[1], "jwk")) {
        printf("%s\n", proofs.jwk);
        return EXIT_SUCCESS;
    }
    need(argc == 5, "assertion|dpop COUNT ISSUER CLIENT_ID|AUTHORIZATION, or jwk, is meant");
    proofs.issuer = argv[3];
    proofs.who = argv[4];
    for (long i = 0; i < strtol(argv[2], NULL, 10); i++) {
        if (!strcmp(argv[1], "dpop")) put_proof(&proofs, i);
        else put_assertion(&proofs, i);
    }
    return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
