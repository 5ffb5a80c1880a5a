#include "jwk_cache.h"

#include <assert.h>
#include <stdlib.h>

struct jwk_cache_entry {
    unsigned char digest[SECRET_DIGEST];
    struct jwk_cache_key known; /* key NULL: empty */
};

int jwk_cache_open(struct jwk_cache *jwk_cache, size_t count)
{
    assert(count > 0 && (count & (count - 1)) == 0); /* slot() masks with count - 1 */
    jwk_cache->count = count;
    jwk_cache->entries = calloc(count, sizeof *jwk_cache->entries);
    return jwk_cache->entries ? 0 : -1;
}

void jwk_cache_close(struct jwk_cache *jwk_cache)
{
    for (size_t i = 0; jwk_cache->entries && i < jwk_cache->count; i++) EVP_PKEY_free(jwk_cache->entries[i].known.key);
    free(jwk_cache->entries);
    *jwk_cache = (struct jwk_cache){ 0, NULL };
}

/* Bits of a SHA-256 are uniformly distributed, so any of them can be the index. */
static struct jwk_cache_entry *slot(const struct jwk_cache *jwk_cache, const unsigned char digest[SECRET_DIGEST])
{
    uint64_t word;
    memcpy(&word, digest, sizeof word);
    return &jwk_cache->entries[word & (jwk_cache->count - 1)];
}

/* As jwk_cache_take(). */
static enum answer read_key(struct secret_hasher *hasher, struct text json, struct jwk_cache_key *known_r)
{
    struct jwk jwk;
    if (jwk_read(json, &jwk)) return ANSWER_NO;
    struct buffer thumbprint = { known_r->thumbprint, 0, sizeof known_r->thumbprint, false };
    known_r->key = jwk.key;
    known_r->algorithm = jwk.algorithm;
    if (jwk_put_thumbprint(&thumbprint, hasher, jwk.key) == 0) return ANSWER_YES;
    jwk_close(&jwk);
    return ANSWER_CANNOT_SAY;
}

enum answer jwk_cache_take(struct jwk_cache *jwk_cache, struct secret_hasher *hasher, struct text json,
                           const struct jwk_cache_key **known_r)
{
    unsigned char digest[SECRET_DIGEST];
    struct jwk_cache_key known;
    if (secret_digest(hasher, &json, 1, digest)) return ANSWER_CANNOT_SAY;
    struct jwk_cache_entry *entry = slot(jwk_cache, digest);
    if (!entry->known.key || memcmp(entry->digest, digest, sizeof digest) != 0) {
        enum answer read = read_key(hasher, json, &known);
        if (read != ANSWER_YES) return read;
        EVP_PKEY_free(entry->known.key);
        entry->known = known;
        memcpy(entry->digest, digest, sizeof digest);
    }
    *known_r = &entry->known;
    return ANSWER_YES;
}
