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

/* Returns the half that the word (generation << 1) | half names; a word of 0: nothing was published yet. */
static struct region_keys *half_of(const struct region *region, uint64_t word) { return region->keys[word & 1]; }

void signing_keys_publish(struct region *region, const struct region_keys *keys)
{
    assert(keys->count <= REGION_KEYS);
    uint64_t word = atomic_load_explicit(&region->status->keys, memory_order_relaxed);
    if (word != 0 && memcmp(half_of(region, word), keys, sizeof *keys) == 0) return;
    uint64_t next = region_next_half(word);
    /* Pairs with the fence in copy_keys: a reader that copied a byte that is written below finds the word changed. */
    atomic_thread_fence(memory_order_release);
    shared_copy_store(half_of(region, next), keys, sizeof *keys);
    region_publish_half(&region->status->keys, next);
}

/* Returns a copy of the current keys, and the word that named them; NULL if out of memory or if the keeper has published
 * meanwhile. */
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

static void report_key(const struct region_key *key, const char *why)
{
    log_event(LOG_LEVEL_ERROR, "signing_key", "key %s: %s", key->kid, why);
}

/* Tries each reading of the passphrase. */
static EVP_PKEY *open_private(const struct region_key *key, const struct passphrase *passphrase, const char **why_r)
{
    EVP_PKEY *private_key = NULL;
    *why_r = "cannot be decrypted with the passphrase of key_passphrase_file";
    for (size_t i = 0; i < passphrase->count && !private_key; i++)
        private_key = key->uri[0] ? private_key_load(key->uri, passphrase->readings[i], why_r)
                                  : private_key_decrypt(text_of(key->pem), passphrase->readings[i]);
    return private_key;
}

/* Returns the private half, or NULL with a log line. public_key is NULL for a secret key. The URI is not logged: it may reveal
 * details of a hardware token, even its PIN. */
static EVP_PKEY *private_part(const struct region_key *key, EVP_PKEY *public_key, const struct passphrase *passphrase)
{
    const char *column = key->uri[0] ? "private_uri" : "private_pem",
               *result = public_key ? "only verifies with" : "cannot use";
    const char *why;
    EVP_PKEY *private_key = open_private(key, passphrase, &why);
    if (private_key && (!public_key || EVP_PKEY_eq(public_key, private_key) == 1)) return private_key;
    if (private_key) why = "and public_jwk are not a pair";
    log_event(LOG_LEVEL_ERROR, "signing_key", "key %s: %s %s; this worker %s it", key->kid, column, why, result);
    EVP_PKEY_free(private_key);
    return NULL;
}

/* One call of signing_keys_refresh(). */
struct refresh {
    struct keyfile *file;
    const struct passphrase *passphrase;
    struct keyring *keyring;
    int64_t now;
    uint64_t until_ms, before; /* file->opened at the start: each call opens at least one */
    bool fresh;                /* the keys have changed: faults are logged */
};

/* A private half that was encrypted again is the same key, because it matches the public half. Only a secret key has no
 * public half, so its ciphertext is part of the digest. */
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

/* A retired key verifies by its public half; a secret key needs its private half for that also. */
static bool is_needed(const struct region_key *key, int64_t now)
{
    return strcmp(key->algorithm, "HS256") == 0 || key->retire == 0 || now < key->retire;
}

/* Returns the private half, a reference that the caller frees: kept from before, or opened now if there is time. NULL: it is
 * not needed, cannot be opened or is pending. */
static EVP_PKEY *private_half(const struct refresh *refresh, const struct region_key *key, EVP_PKEY *public_key)
{
    struct keyfile *file = refresh->file;
    unsigned char digest[32];
    if (!is_needed(key, refresh->now) || digest_of(key, digest)) return NULL;
    struct signing_keys_entry *entry = find_entry(file, digest);
    bool late = file->opened > refresh->before && region_milliseconds() >= refresh->until_ms;
    if (!entry && (file->count == 2 * REGION_KEYS || late)) {
        file->pending = true;
        return NULL;
    }
    if (!entry) {
        assert(file->count < sizeof file->entries / sizeof *file->entries);
        entry = &file->entries[file->count++];
        *entry = (struct signing_keys_entry){ .key = private_part(key, public_key, refresh->passphrase) };
        memcpy(entry->digest, digest, sizeof digest);
        file->opened++;
    }
    entry->wanted = true;
    if (entry->key && EVP_PKEY_up_ref(entry->key) != 1) return NULL;
    return entry->key;
}

/* A key without its private half is added for verification: other workers or hosts may sign with it. */
static const char *add_proven(const struct refresh *refresh, const struct region_key *key,
                              const struct keyring_times *times)
{
    enum jws_algorithm algorithm = jws_algorithm_find_own(text_of(key->algorithm));
    struct jwk jwk = { NULL, JWS_NONE, "" };
    const char *why = algorithm == JWS_HS256 ? NULL : jwk_read(text_of(key->jwk), &jwk);
    if (why) return why;
    EVP_PKEY *private_key = private_half(refresh, key, jwk.key);
    why = keyring_add(refresh->keyring, text_of(key->kid), algorithm, times, jwk.key, private_key);
    if (!why) return NULL;
    EVP_PKEY_free(private_key);
    jwk_close(&jwk);
    return why;
}

static void add_key(const struct refresh *refresh, const struct region_key *key)
{
    const struct keyring_times times = { key->publish, key->activate, key->retire, key->remove };
    enum jws_algorithm algorithm = jws_algorithm_find_own(text_of(key->algorithm));
    const char *why = "its algorithm is unknown to this version";
    if (algorithm != JWS_NONE && key->unproven)
        why = keyring_add_unproven(refresh->keyring, text_of(key->kid), algorithm, &times);
    else if (algorithm != JWS_NONE) why = add_proven(refresh, key, &times);
    if (why && refresh->fresh) report_key(key, why);
}

/* Keys that the next request may need come first: the latest of those that sign, and secret keys. */
static bool is_before(const struct region_key *key, const struct region_key *than, int64_t now)
{
    bool signs = key->activate && key->activate <= now && is_needed(key, now);
    bool other = than->activate && than->activate <= now && is_needed(than, now);
    return signs != other ? signs : key->activate > than->activate;
}

static void sort_keys(const struct region_keys *keys, int64_t now, const struct region_key *sorted_r[REGION_KEYS])
{
    for (size_t i = 0; i < keys->count; i++) {
        size_t at = i;
        for (; at > 0 && is_before(&keys->keys[i], sorted_r[at - 1], now); at--) sorted_r[at] = sorted_r[at - 1];
        sorted_r[at] = &keys->keys[i];
    }
}

/* Frees entries that the current keys do not need, and, if failed is set, those that could not be opened, so that they are
 * tried again. */
static void drop_entries(struct keyfile *file, bool failed)
{
    size_t kept = 0;
    for (size_t i = 0; i < file->count; i++) {
        struct signing_keys_entry *entry = &file->entries[i];
        bool stays = entry->wanted && (entry->key || !failed);
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
    const uint64_t until_ms = region_milliseconds() + SIGNING_KEYS_OPEN_MS;
    const bool fresh = word != keyring->generation;
    struct refresh refresh = { file, passphrase, keyring, time(NULL), until_ms, file->opened, fresh };
    if (fresh) drop_entries(file, true);
    for (size_t i = 0; i < file->count; i++) file->entries[i].wanted = false;
    file->pending = false;
    keyring_clear(keyring);
    sort_keys(keys, refresh.now, sorted);
    for (size_t i = 0; i < keys->count; i++) add_key(&refresh, sorted[i]);
    drop_entries(file, false);
    keyring->incomplete = keys->incomplete != 0;
    keyring->generation = word;
    OPENSSL_clear_free(keys, sizeof *keys);
}

void signing_keys_close(struct keyfile *file)
{
    for (size_t i = 0; i < file->count; i++) EVP_PKEY_free(file->entries[i].key);
    *file = (struct keyfile){ .count = 0 };
}
