/* The life of a key: published, active, retired, removed. */
#include "../../lib/jose/keyring.h"

#include "../../lib/base/base64url.h"
#include "../check.h"
#include "../material.h"

static struct keyring keyring;

/* The reason why not, or NULL. */
static const char *add(struct text kid, enum material material, enum jws_algorithm algorithm, struct keyring_times times)
{
    EVP_PKEY *public_key = material_open(material), *private_key = material_open(material);
    const char *refused = keyring_add(&keyring, kid, algorithm, &times, public_key, private_key);
    if (!refused) return NULL;
    EVP_PKEY_free(public_key);
    EVP_PKEY_free(private_key);
    return refused;
}

static struct text kid_of(const struct keyring_key *key)
{
    return key ? key->kid : (struct text){ NULL, 0 };
}

static void a_key_signs_from_activate_to_retire(void)
{
    keyring_clear(&keyring);
    CHECK(add(TEXT("k"), MATERIAL_ec, JWS_ES256, (struct keyring_times){ 100, 200, 300, 400 }) == NULL);
    CHECK(keyring_signer(&keyring, JWS_ES256, 199) == NULL);
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_ES256, 200)), TEXT("k"));
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_ES256, 299)), TEXT("k"));
    CHECK(keyring_signer(&keyring, JWS_ES256, 300) == NULL);
}

static void a_key_verifies_from_publish_to_remove(void)
{
    struct text header = keyring.keys[0].headers[KEYRING_ACCESS_TOKEN];
    CHECK(keyring_find(&keyring, header, 99) == NULL);
    CHECK(keyring_find(&keyring, header, 100) != NULL);
    CHECK(keyring_find(&keyring, header, 399) != NULL);
    CHECK(keyring_find(&keyring, header, 400) == NULL);
}

static void times_that_are_not_planned(void)
{
    keyring_clear(&keyring);
    CHECK(add(TEXT("k"), MATERIAL_ec, JWS_ES256, (struct keyring_times){ 100, 0, 0, 0 }) == NULL);
    CHECK(keyring_signer(&keyring, JWS_ES256, 1000) == NULL);
    CHECK(keyring_find(&keyring, keyring.keys[0].headers[KEYRING_ACCESS_TOKEN], INT64_MAX) != NULL);
    CHECK(add(TEXT("l"), MATERIAL_ec, JWS_ES256, (struct keyring_times){ 100, 200, 0, 0 }) == NULL);
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_ES256, INT64_MAX)), TEXT("l"));
    CHECK(add(TEXT("m"), MATERIAL_ec, JWS_ES256, (struct keyring_times){ 500, 200, 0, 0 }) == NULL);
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_ES256, 499)), TEXT("l"));
}

static void of_two_active_keys_the_later_signs(void)
{
    keyring_clear(&keyring);
    CHECK(add(TEXT("new"), MATERIAL_ec, JWS_ES256, (struct keyring_times){ 0, 200, 0, 0 }) == NULL);
    CHECK(add(TEXT("old"), MATERIAL_other, JWS_ES256, (struct keyring_times){ 0, 100, 0, 0 }) == NULL);
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_ES256, 150)), TEXT("old"));
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_ES256, 250)), TEXT("new"));
}

static void the_wanted_algorithm_signs_and_another_one_when_there_is_none_of_it(void)
{
    keyring_clear(&keyring);
    CHECK(add(TEXT("es"), MATERIAL_ec, JWS_ES256, (struct keyring_times){ 0, 200, 400, 0 }) == NULL);
    CHECK(add(TEXT("ed"), MATERIAL_ed, JWS_EdDSA, (struct keyring_times){ 0, 300, 0, 0 }) == NULL);
    CHECK(add(TEXT("rs"), MATERIAL_rsa, JWS_RS256, (struct keyring_times){ 0, 100, 0, 0 }) == NULL);
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_ES256, 199)), TEXT("rs"));
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_ES256, 399)), TEXT("es"));
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_ES256, 400)), TEXT("ed"));
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_RS256, 400)), TEXT("rs"));
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_PS256, 400)), TEXT("ed"));
    CHECK(keyring_signer(&keyring, JWS_ES256, 99) == NULL);
}

static void a_public_key_does_not_sign(void)
{
    EVP_PKEY *key = material_open(MATERIAL_ec);
    keyring_clear(&keyring);
    CHECK(keyring_add(&keyring, TEXT("k"), JWS_ES256, &(struct keyring_times){ 0, 1, 0, 0 }, key, NULL) == NULL);
    CHECK(keyring_signer(&keyring, JWS_ES256, 10) == NULL);
    CHECK(keyring_find(&keyring, keyring.keys[0].headers[KEYRING_ACCESS_TOKEN], 10) != NULL);
}

static void an_algorithm_lacks_a_signer_when_none_of_its_active_keys_can_sign(void)
{
    keyring_clear(&keyring);
    CHECK(!keyring_lacks_signer(&keyring, JWS_ES256, 10));
    CHECK(keyring_add(&keyring, TEXT("p"), JWS_ES256, &(struct keyring_times){ 0, 5, 20, 0 }, material_open(MATERIAL_ec),
                      NULL) == NULL);
    CHECK(keyring_lacks_signer(&keyring, JWS_ES256, 10));
    CHECK(!keyring_lacks_signer(&keyring, JWS_ES256, 4) && !keyring_lacks_signer(&keyring, JWS_ES256, 20));
    CHECK(!keyring_lacks_signer(&keyring, JWS_RS256, 10));
    CHECK(add(TEXT("s"), MATERIAL_other, JWS_ES256, (struct keyring_times){ 0, 8, 0, 0 }) == NULL);
    CHECK(!keyring_lacks_signer(&keyring, JWS_ES256, 10) && keyring_lacks_signer(&keyring, JWS_ES256, 7));
}

static void the_header_is_the_one_that_we_write(void)
{
    keyring_clear(&keyring);
    CHECK(add(TEXT("es-1"), MATERIAL_ec, JWS_ES256, (struct keyring_times){ 0, 1, 0, 0 }) == NULL);
    CHECK_TEXT(keyring.keys[0].headers[KEYRING_ACCESS_TOKEN], TEXT("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6ImVzLTEifQ"));
    CHECK(keyring_find(&keyring, TEXT("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6ImVzLTEifQ"), 1) == &keyring.keys[0]);
    CHECK(keyring_find(&keyring, TEXT("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6ImVzLTEifA"), 1) == NULL);
    CHECK(keyring_find(&keyring, TEXT(""), 1) == NULL);
    CHECK(keyring_find(&keyring, (struct text){ NULL, 0 }, 1) == NULL);
}

static void keys_that_are_refused(void)
{
    static const struct keyring_times times = { 0, 1, 0, 0 };
    keyring_clear(&keyring);
    CHECK(add(TEXT(""), MATERIAL_ec, JWS_ES256, times) != NULL);
    CHECK(add(TEXT("a b"), MATERIAL_ec, JWS_ES256, times) != NULL);
    CHECK(add(TEXT("a\"b"), MATERIAL_ec, JWS_ES256, times) != NULL);
    CHECK(add(TEXT("../x"), MATERIAL_ec, JWS_ES256, times) != NULL);
    CHECK(add(TEXT("a\0b"), MATERIAL_ec, JWS_ES256, times) != NULL);
    CHECK(add(TEXT("12345678901234567890123456789012345678901234567890123456789012345"), MATERIAL_ec, JWS_ES256, times) != NULL);
    CHECK(add(TEXT("k"), MATERIAL_rsa, JWS_ES256, times) != NULL);
    CHECK(add(TEXT("k"), MATERIAL_ec, JWS_EdDSA, times) != NULL);
    CHECK(keyring.count == 0);
    CHECK(add(TEXT("1234567890123456789012345678901234567890123456789012345678901234"), MATERIAL_ec, JWS_ES256, times) == NULL);
    CHECK(add(TEXT("k"), MATERIAL_ec, JWS_ES256, times) == NULL);
    CHECK(add(TEXT("k"), MATERIAL_other, JWS_ES256, times) != NULL);
    CHECK(keyring.count == 2);
}

static void private_and_public_key_are_a_pair(void)
{
    EVP_PKEY *a = material_open(MATERIAL_ec), *b = material_open(MATERIAL_other);
    keyring_clear(&keyring);
    CHECK(keyring_add(&keyring, TEXT("k"), JWS_ES256, &(struct keyring_times){ 0, 1, 0, 0 }, a, b) != NULL);
    EVP_PKEY_free(a);
    EVP_PKEY_free(b);
}

static const char *add_secret(struct text kid, enum material material, struct keyring_times times)
{
    EVP_PKEY *key = material_open(material);
    const char *refused = keyring_add(&keyring, kid, JWS_HS256, &times, NULL, key);
    if (refused) EVP_PKEY_free(key);
    return refused;
}

/* 1, 0 or -1: what the first key of the ring says about a signature of its own over one text, of another. */
static int judge_own(struct text signed_input, struct text input)
{
    char compact[512], made[JWS_SIGNATURE_BYTES];
    struct secret_hasher hasher;
    struct jws jws;
    struct buffer b = { compact, 0, sizeof compact, false }, signature = { made, 0, sizeof made, false };
    if (secret_hasher_open(&hasher)) return -2;
    int bad = keyring_sign(&keyring.keys[0], &hasher, signed_input, &signature);
    buffer_put(&b, input);
    buffer_put_char(&b, '.');
    base64url_put(&b, bad ? TEXT("none") : buffer_text(&signature));
    int good = jws_split(buffer_text(&b), &jws) ? -2 : (int)keyring_verify(&keyring.keys[0], &hasher, &jws);
    secret_hasher_close(&hasher);
    return good;
}

static void B20_a_secret_signs_and_verifies_and_is_found_by_its_header(void)
{
    keyring_clear(&keyring);
    CHECK(add_secret(TEXT("hs"), MATERIAL_secret, (struct keyring_times){ 0, 100, 200, 0 }) == NULL);
    CHECK_TEXT(keyring.keys[0].headers[KEYRING_ACCESS_TOKEN], TEXT("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiIsImtpZCI6ImhzIn0"));
    CHECK(keyring_find(&keyring, keyring.keys[0].headers[KEYRING_ACCESS_TOKEN], 1) == &keyring.keys[0]);
    CHECK(keyring_signer(&keyring, JWS_HS256, 99) == NULL && keyring_signer(&keyring, JWS_HS256, 200) == NULL);
    CHECK_TEXT(kid_of(keyring_signer(&keyring, JWS_HS256, 100)), TEXT("hs"));
    CHECK(judge_own(TEXT("a.b"), TEXT("a.b")) == 1 && judge_own(TEXT("a.b"), TEXT("a.c")) == 0);
    keyring_clear(&keyring);
    CHECK(add(TEXT("es"), MATERIAL_ec, JWS_ES256, (struct keyring_times){ 0, 1, 0, 0 }) == NULL);
    CHECK(judge_own(TEXT("a.b"), TEXT("a.b")) == 1 && judge_own(TEXT("a.b"), TEXT("a.c")) == 0);
}

static void a_secret_that_is_not_there_says_nothing(void)
{
    keyring_clear(&keyring);
    CHECK(keyring_add(&keyring, TEXT("hs"), JWS_HS256, &(struct keyring_times){ 0, 1, 0, 0 }, NULL, NULL) == NULL);
    CHECK(keyring_signer(&keyring, JWS_HS256, 10) == NULL);
    CHECK(keyring_find(&keyring, keyring.keys[0].headers[KEYRING_ACCESS_TOKEN], 10) != NULL);
    CHECK(judge_own(TEXT("a.b"), TEXT("a.b")) == ANSWER_CANNOT_SAY);
}

static void a_secret_is_a_key_of_x25519_and_no_other(void)
{
    static const struct keyring_times times = { 0, 1, 0, 0 };
    keyring_clear(&keyring);
    CHECK(add_secret(TEXT("k"), MATERIAL_ed, times) != NULL && add_secret(TEXT("k"), MATERIAL_ec, times) != NULL);
    CHECK(add_secret(TEXT("k"), MATERIAL_rsa, times) != NULL);
    CHECK(add(TEXT("k"), MATERIAL_secret, JWS_HS256, times) != NULL && add(TEXT("k"), MATERIAL_secret, JWS_EdDSA, times) != NULL);
    CHECK(keyring.count == 0);
}

static void E11_the_set_has_no_secret(void)
{
    char json[4096];
    struct buffer b = { json, 0, sizeof json, false };
    keyring_clear(&keyring);
    CHECK(add_secret(TEXT("hs"), MATERIAL_secret, (struct keyring_times){ 0, 1, 0, 0 }) == NULL);
    CHECK(keyring_put_jwks(&keyring, 100, &b) == 0);
    CHECK_TEXT(buffer_text(&b), TEXT("{\"keys\":[]}"));
}

static void sixteen_keys(void)
{
    char kid[8];
    keyring_clear(&keyring);
    for (int i = 0; i <= KEYRING_KEYS; i++) {
        int size = snprintf(kid, sizeof kid, "k%d", i);
        const char *refused = add((struct text){ kid, (size_t)size }, MATERIAL_ed, JWS_EdDSA, (struct keyring_times){ 0, 1, 0, 0 });
        CHECK((refused == NULL) == (i < KEYRING_KEYS));
    }
}

static void E8_the_set_has_what_is_published(void)
{
    char json[4096];
    struct buffer b = { json, 0, sizeof json, false };
    keyring_clear(&keyring);
    CHECK(keyring_put_jwks(&keyring, 0, &b) == 0);
    CHECK_TEXT(buffer_text(&b), TEXT("{\"keys\":[]}"));
    CHECK(add(TEXT("gone"), MATERIAL_ec, JWS_ES256, (struct keyring_times){ 0, 1, 2, 100 }) == NULL);
    CHECK(add(TEXT("here"), MATERIAL_ed, JWS_EdDSA, (struct keyring_times){ 0, 1, 0, 0 }) == NULL);
    CHECK(add(TEXT("later"), MATERIAL_rsa, JWS_RS256, (struct keyring_times){ 101, 200, 0, 0 }) == NULL);
    b.size = 0;
    CHECK(keyring_put_jwks(&keyring, 100, &b) == 0);
    CHECK_TEXT(buffer_text(&b), TEXT("{\"keys\":[{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\","
                                     "\"use\":\"sig\",\"alg\":\"EdDSA\",\"kid\":\"here\"}]}"));
    b = (struct buffer){ json, 0, 40, false };
    CHECK(keyring_put_jwks(&keyring, 100, &b) == -1);
}

int main(void)
{
    RUN(a_key_signs_from_activate_to_retire);
    RUN(a_key_verifies_from_publish_to_remove);
    RUN(times_that_are_not_planned);
    RUN(of_two_active_keys_the_later_signs);
    RUN(the_wanted_algorithm_signs_and_another_one_when_there_is_none_of_it);
    RUN(a_public_key_does_not_sign);
    RUN(an_algorithm_lacks_a_signer_when_none_of_its_active_keys_can_sign);
    RUN(the_header_is_the_one_that_we_write);
    RUN(keys_that_are_refused);
    RUN(private_and_public_key_are_a_pair);
    RUN(B20_a_secret_signs_and_verifies_and_is_found_by_its_header);
    RUN(a_secret_that_is_not_there_says_nothing);
    RUN(a_secret_is_a_key_of_x25519_and_no_other);
    RUN(E11_the_set_has_no_secret);
    RUN(sixteen_keys);
    RUN(E8_the_set_has_what_is_published);
    keyring_clear(&keyring);
    return CHECK_EXIT();
}
