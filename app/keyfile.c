#include "keyfile.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "../lib/jose/jwk.h"
#include "keyhalf.h"
#include "log.h"
#include "words.h"

static_assert(sizeof(struct region_keys) % sizeof(uint64_t) == 0, "keys are copied in words");

/* The current half by the word (generation << 1) | half; 0: nothing was published yet. */
static struct region_keys *half_of(const struct region *region, uint64_t word)
{
    return region->keys[word & 1];
}

void keyfile_publish(struct region *region, const struct region_keys *keys)
{
    uint64_t word = atomic_load_explicit(&region->board->keys, memory_order_relaxed);
    if (word != 0 && memcmp(half_of(region, word), keys, sizeof *keys) == 0) return;
    uint64_t next = ((word >> 1) + 1) << 1 | (~word & 1);
    /* Pairs with the fence in copy_keys: who has read a byte of this half as it is written now finds the word changed
     * that made the other one current. */
    atomic_thread_fence(memory_order_release);
    words_store(half_of(region, next), keys, sizeof *keys);
    atomic_store_explicit(&region->board->keys, next, memory_order_release);
}

/* A copy of the current keys, and the word that named them; NULL without memory, or when the keeper is at it. */
static struct region_keys *copy_keys(const struct region *region, uint64_t *word_r)
{
    struct region_keys *keys = malloc(sizeof *keys);
    if (!keys) return NULL;
    *word_r = atomic_load_explicit(&region->board->keys, memory_order_acquire);
    words_load(half_of(region, *word_r), sizeof *keys, keys);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&region->board->keys, memory_order_relaxed) == *word_r) return keys;
    free(keys);
    return NULL;
}

static void complain(const struct region_key *key, const char *why)
{
    log_event(LOG_LEVEL_ERROR, "signing_key", "key %s: %s", key->kid, why);
}

/* The first reading of the passphrase that opens it. */
static EVP_PKEY *open_private(const struct region_key *key, const struct passphrase *passphrase, const char **why_r)
{
    EVP_PKEY *private_key = NULL;
    *why_r = "cannot be decrypted with the passphrase of key_passphrase_file";
    for (size_t i = 0; i < passphrase->count && !private_key; i++)
        private_key = key->uri[0] ? keyhalf_load(key->uri, passphrase->readings[i], why_r)
                                  : keyhalf_decrypt(text_of(key->pem), passphrase->readings[i]);
    return private_key;
}

/* NULL, with a line in the log, when there is none to sign with. public_key is NULL of a secret one. The URI is not for the
 * log: it may say more of a token of hardware than all who read logs should know. */
static EVP_PKEY *private_part(const struct region_key *key, EVP_PKEY *public_key, const struct passphrase *passphrase)
{
    const char *column = key->uri[0] ? "private_uri" : "private_pem", *result = public_key ? "verifies only" : "is of no use";
    const char *why;
    EVP_PKEY *private_key = open_private(key, passphrase, &why);
    if (private_key && (!public_key || EVP_PKEY_eq(public_key, private_key) == 1)) return private_key;
    if (private_key) why = "and public_jwk are not a pair";
    log_event(LOG_LEVEL_ERROR, "signing_key", "key %s: %s %s: it %s here", key->kid, column, why, result);
    EVP_PKEY_free(private_key);
    return NULL;
}

/* What cannot sign verifies all the same: its tokens are good, whoever signed them. */
static void add(struct keyring *keyring, const struct region_key *key, const struct passphrase *passphrase)
{
    struct keyring_times times = { key->publish, key->activate, key->retire, key->remove };
    struct jwk jwk = { NULL, -1, "" };
    EVP_PKEY *private_key = NULL;
    int algorithm = jws_algorithm_find_own(text_of(key->algorithm));
    if (key->unproven && algorithm >= 0) {
        const char *refused = keyring_add_unproven(keyring, text_of(key->kid), (enum jws_algorithm)algorithm, &times);
        if (refused) complain(key, refused);
        return;
    }
    const char *why = algorithm < 0 ? "its algorithm is not known here" : NULL;
    if (!why && algorithm != JWS_HS256) why = jwk_read(text_of(key->jwk), &jwk);
    if (!why) {
        private_key = private_part(key, jwk.key, passphrase);
        why = keyring_add(keyring, text_of(key->kid), (enum jws_algorithm)algorithm, &times, jwk.key, private_key);
    }
    if (!why) return;
    complain(key, why);
    EVP_PKEY_free(private_key);
    jwk_close(&jwk);
}

void keyfile_refresh(const struct region *region, const struct passphrase *passphrase, struct keyring *keyring)
{
    uint64_t word = atomic_load_explicit(&region->board->keys, memory_order_relaxed);
    if (word == keyring->generation) return;
    struct region_keys *keys = copy_keys(region, &word);
    if (!keys) return;
    keyring_clear(keyring);
    for (size_t i = 0; i < keys->count && i < REGION_KEYS; i++) add(keyring, &keys->keys[i], passphrase);
    keyring->incomplete = keys->incomplete != 0;
    keyring->generation = word;
    OPENSSL_clear_free(keys, sizeof *keys);
}
