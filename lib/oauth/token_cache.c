#include "token_cache.h"

#include <assert.h>
#include <stdlib.h>

struct token_cache_entry {
    unsigned char fingerprint[STORE_FINGERPRINT];
    struct access_token token;
    struct buffer text;
    char bytes[TOKEN_CACHE_BYTES];
};

int token_cache_open(struct token_cache *token_cache, size_t count)
{
    assert(count > 0 && (count & (count - 1)) == 0); /* slot() masks with count - 1 */
    token_cache->count = count;
    token_cache->entries = calloc(count, sizeof *token_cache->entries);
    return token_cache->entries ? 0 : -1;
}

void token_cache_close(struct token_cache *token_cache)
{
    free(token_cache->entries);
    *token_cache = (struct token_cache){ 0, NULL };
}

/* Bits of a SHA-256 are uniformly distributed, so any of them can be the index. */
static struct token_cache_entry *slot(const struct token_cache *token_cache,
                                      const unsigned char fingerprint[STORE_FINGERPRINT])
{
    uint64_t word;
    memcpy(&word, fingerprint, sizeof word);
    return &token_cache->entries[word & (token_cache->count - 1)];
}

const struct access_token *token_cache_find(const struct token_cache *token_cache,
                                            const unsigned char fingerprint[STORE_FINGERPRINT])
{
    const struct token_cache_entry *entry = slot(token_cache, fingerprint);
    return memcmp(entry->fingerprint, fingerprint, STORE_FINGERPRINT) == 0 ? &entry->token : NULL;
}

static struct text keep(struct token_cache_entry *entry, struct text t)
{
    size_t start = entry->text.size;
    buffer_put(&entry->text, t);
    return (struct text){ entry->bytes + start, t.size };
}

void token_cache_put(struct token_cache *token_cache, const unsigned char fingerprint[STORE_FINGERPRINT],
                     const struct access_token *token)
{
    struct token_cache_entry *entry = slot(token_cache, fingerprint);
    struct access_token *kept = &entry->token;
    memset(entry->fingerprint, 0, STORE_FINGERPRINT);
    entry->text = (struct buffer){ entry->bytes, 0, TOKEN_CACHE_BYTES, false };
    *kept = *token;
    kept->facts.jti = keep(entry, token->facts.jti);
    kept->facts.client_id = keep(entry, token->facts.client_id);
    kept->facts.credential = keep(entry, token->facts.credential);
    kept->subject = keep(entry, token->subject);
    kept->scope = keep(entry, token->scope);
    kept->confirmation.certificate = keep(entry, token->confirmation.certificate);
    kept->confirmation.key = keep(entry, token->confirmation.key);
    kept->shown = keep(entry, token->shown);
    for (size_t i = 0; i < token->audience_count; i++) kept->audiences[i] = keep(entry, token->audiences[i]);
    if (!entry->text.full) memcpy(entry->fingerprint, fingerprint, STORE_FINGERPRINT);
}
