#include "signing_keys.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <time.h>

#include "../../lib/jose/jwk.h"
#include "../keys/private_key.h"
#include "../platform/log.h"
#include "shared_copy.h"

static_assert(sizeof(struct region_keys) % sizeof(uint64_t) == 0, "keys are copied in words");

/* The current half by the word (generation << 1) | half; 0: nothing was published yet. */
static struct region_keys *half_of(const struct region *region, uint64_t word) { return region->keys[word & 1]; }

void signing_keys_publish(struct region *region, const struct region_keys *keys)
{
    uint64_t word = atomic_load_explicit(&region->status->keys, memory_order_relaxed);
    if (word != 0 && memcmp(half_of(region, word), keys, sizeof *keys) == 0) return;
    uint64_t next = ((word >> 1) + 1) << 1 | (~word & 1);
    /* Pairs with the fence in copy_keys: who has read a byte of this half as it is written now finds the word changed
     * that made the other one current. */
    atomic_thread_fence(memory_order_release);
    shared_copy_store(half_of(region, next), keys, sizeof *keys);
    atomic_store_explicit(&region->status->keys, next, memory_order_release);
}

/* A copy of the current keys, and the word that named them; NULL without memory, or when the keeper is at it. */
static struct region_keys *copy_keys(const struct region *region, uint64_t *word_r)
{
    struct region_keys *keys = malloc(sizeof *keys);
    if (!keys) return NULL;
    *word_r = atomic_load_explicit(&region->status->keys, memory_order_acquire);
    shared_copy_load(half_of(region, *word_r), sizeof *keys, keys);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&region->status->keys, memory_order_relaxed) == *word_r) return keys;
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
        private_key = key->uri[0] ? private_key_load(key->uri, passphrase->readings[i], why_r)
                                  : private_key_decrypt(text_of(key->pem), passphrase->readings[i]);
    return private_key;
}

/* NULL, with a line in the log, when there is none to sign with. public_key is NULL of a secret one. The URI is not for the
 * log: it may say more of a token of hardware than all who read logs should know. */
static EVP_PKEY *private_part(const struct region_key *key, EVP_PKEY *public_key, const struct passphrase *passphrase)
{
    const char *column = key->uri[0] ? "private_uri" : "private_pem",
               *result = public_key ? "verifies only" : "is of no use";
    const char *why;
    EVP_PKEY *private_key = open_private(key, passphrase, &why);
    if (private_key && (!public_key || EVP_PKEY_eq(public_key, private_key) == 1)) return private_key;
    if (private_key) why = "and public_jwk are not a pair";
    log_event(LOG_LEVEL_ERROR, "signing_key", "key %s: %s %s: it %s here", key->kid, column, why, result);
    EVP_PKEY_free(private_key);
    return NULL;
}

/* A private half under work. */
struct work {
    struct keyfile *file;
    const struct passphrase *passphrase;
    struct keyring *keyring;
    int64_t now;
    uint64_t until_ms, before; /* file->opened at the begin: one is opened in any case */
    bool fresh;                /* the keys have changed: what is wrong with them is told */
};

/* Sealed anew it is the same key, because it fits the public half; only a secret has nothing else that tells. */
static int digest_of(const struct region_key *key, unsigned char digest_r[32])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool secret = strcmp(key->algorithm, "HS256") == 0;
    int good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
               EVP_DigestUpdate(context, key->kid, sizeof key->kid) &&
               EVP_DigestUpdate(context, key->algorithm, sizeof key->algorithm) &&
               EVP_DigestUpdate(context, key->jwk, sizeof key->jwk) &&
               EVP_DigestUpdate(context, key->uri, sizeof key->uri) &&
               EVP_DigestUpdate(context, key->pem, secret ? sizeof key->pem : 0) &&
               EVP_DigestFinal_ex(context, digest_r, NULL);
    EVP_MD_CTX_free(context);
    return good ? 0 : -1;
}

static struct signing_keys_entry *find_entry(struct keyfile *file, const unsigned char digest[32])
{
    for (size_t i = 0; i < file->count; i++)
        if (memcmp(file->entries[i].digest, digest, sizeof file->entries[i].digest) == 0) return &file->entries[i];
    return NULL;
}

/* A key that has retired verifies with its public half; a secret is needed for that as well. */
static bool is_needed(const struct region_key *key, int64_t now)
{
    return strcmp(key->algorithm, "HS256") == 0 || key->retire == 0 || now < key->retire;
}

/* The private half, the caller's to free: kept, or opened now while there is time. NULL: there is none, or not yet. */
static EVP_PKEY *obtain(const struct work *work, const struct region_key *key, EVP_PKEY *public_key)
{
    struct keyfile *file = work->file;
    unsigned char digest[32];
    if (!is_needed(key, work->now) || digest_of(key, digest)) return NULL;
    struct signing_keys_entry *entry = find_entry(file, digest);
    bool late = file->opened > work->before && region_milliseconds() >= work->until_ms;
    if (!entry && (file->count == 2 * REGION_KEYS || late)) {
        file->pending = true;
        return NULL;
    }
    if (!entry) {
        entry = &file->entries[file->count++];
        *entry = (struct signing_keys_entry){ .key = private_part(key, public_key, work->passphrase) };
        memcpy(entry->digest, digest, sizeof digest);
        file->opened++;
    }
    entry->wanted = true;
    if (entry->key && EVP_PKEY_up_ref(entry->key) != 1) return NULL;
    return entry->key;
}

/* What cannot sign verifies all the same: its tokens are good, whoever signed them. */
static const char *add_proven(const struct work *work, const struct region_key *key, const struct keyring_times *times)
{
    int algorithm = jws_algorithm_find_own(text_of(key->algorithm));
    struct jwk jwk = { NULL, -1, "" };
    const char *why = algorithm == JWS_HS256 ? NULL : jwk_read(text_of(key->jwk), &jwk);
    if (why) return why;
    EVP_PKEY *private_key = obtain(work, key, jwk.key);
    why = keyring_add(work->keyring, text_of(key->kid), (enum jws_algorithm)algorithm, times, jwk.key, private_key);
    if (!why) return NULL;
    EVP_PKEY_free(private_key);
    jwk_close(&jwk);
    return why;
}

static void add(const struct work *work, const struct region_key *key)
{
    const struct keyring_times times = { key->publish, key->activate, key->retire, key->remove };
    int algorithm = jws_algorithm_find_own(text_of(key->algorithm));
    const char *why = algorithm < 0 ? "its algorithm is not known here"
                    : key->unproven
                        ? keyring_add_unproven(work->keyring, text_of(key->kid), (enum jws_algorithm)algorithm, &times)
                        : add_proven(work, key, &times);
    if (why && work->fresh) complain(key, why);
}

/* What may be needed by the next request comes first: the latest of those that sign, and secrets. */
static bool goes_before(const struct region_key *key, const struct region_key *than, int64_t now)
{
    bool signs = key->activate && key->activate <= now && is_needed(key, now);
    bool other = than->activate && than->activate <= now && is_needed(than, now);
    return signs != other ? signs : key->activate > than->activate;
}

static void sort(const struct region_keys *keys, int64_t now, const struct region_key *sorted_r[REGION_KEYS])
{
    for (size_t i = 0; i < keys->count; i++) {
        size_t at = i;
        for (; at > 0 && goes_before(&keys->keys[i], sorted_r[at - 1], now); at--) sorted_r[at] = sorted_r[at - 1];
        sorted_r[at] = &keys->keys[i];
    }
}

/* Those that no row stands for any more go; when the keys have changed, those that could not be opened are tried again. */
static void forget(struct keyfile *file, bool failed_as_well)
{
    size_t kept = 0;
    for (size_t i = 0; i < file->count; i++) {
        struct signing_keys_entry *entry = &file->entries[i];
        bool stays = entry->wanted && (entry->key || !failed_as_well);
        if (stays) file->entries[kept++] = *entry;
        else EVP_PKEY_free(entry->key);
    }
    file->count = kept;
}

void signing_keys_refresh(struct keyfile *file, const struct region *region, const struct passphrase *passphrase,
                          struct keyring *keyring)
{
    const struct region_key *sorted[REGION_KEYS];
    uint64_t word = atomic_load_explicit(&region->status->keys, memory_order_relaxed);
    if (word == keyring->generation && !file->pending) return;
    struct region_keys *keys = copy_keys(region, &word);
    if (!keys) return;
    assert(keys->count <= REGION_KEYS);
    struct work work = { file,
                         passphrase,
                         keyring,
                         time(NULL),
                         region_milliseconds() + SIGNING_KEYS_OPEN_MS,
                         file->opened,
                         word != keyring->generation };
    if (work.fresh) forget(file, true);
    for (size_t i = 0; i < file->count; i++) file->entries[i].wanted = false;
    file->pending = false;
    keyring_clear(keyring);
    sort(keys, work.now, sorted);
    for (size_t i = 0; i < keys->count; i++) add(&work, sorted[i]);
    forget(file, false);
    keyring->incomplete = keys->incomplete != 0;
    keyring->generation = word;
    OPENSSL_clear_free(keys, sizeof *keys);
}

void signing_keys_close(struct keyfile *file)
{
    for (size_t i = 0; i < file->count; i++) EVP_PKEY_free(file->entries[i].key);
    *file = (struct keyfile){ .count = 0 };
}
