#include "recent.h"

#include <stdlib.h>

struct recent_entry {
    unsigned char fingerprint[STORE_FINGERPRINT];
    struct access_token token;
    struct buffer text;
    char bytes[RECENT_BYTES];
};

int recent_open(struct recent *recent, size_t count)
{
    recent->count = count;
    recent->entries = calloc(count, sizeof *recent->entries);
    return recent->entries ? 0 : -1;
}

void recent_close(struct recent *recent)
{
    free(recent->entries);
    *recent = (struct recent){ 0, NULL };
}

/* The fingerprint is as good as random, so any part of it says where. */
static struct recent_entry *home(const struct recent *recent, const unsigned char fingerprint[STORE_FINGERPRINT])
{
    uint64_t word;
    memcpy(&word, fingerprint, sizeof word);
    return &recent->entries[word & (recent->count - 1)];
}

const struct access_token *recent_find(const struct recent *recent, const unsigned char fingerprint[STORE_FINGERPRINT])
{
    const struct recent_entry *entry = home(recent, fingerprint);
    return memcmp(entry->fingerprint, fingerprint, STORE_FINGERPRINT) == 0 ? &entry->token : NULL;
}

static struct text keep(struct recent_entry *entry, struct text t)
{
    size_t start = entry->text.size;
    buffer_put(&entry->text, t);
    return (struct text){ entry->bytes + start, t.size };
}

void recent_put(struct recent *recent, const unsigned char fingerprint[STORE_FINGERPRINT], const struct access_token *token)
{
    struct recent_entry *entry = home(recent, fingerprint);
    struct access_token *kept = &entry->token;
    memset(entry->fingerprint, 0, STORE_FINGERPRINT);
    entry->text = (struct buffer){ entry->bytes, 0, RECENT_BYTES, false };
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
