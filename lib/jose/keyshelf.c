#include "keyshelf.h"

#include <stdlib.h>

struct keyshelf_entry {
    unsigned char digest[SECRET_DIGEST];
    struct keyshelf_key known;          /* key NULL: empty */
};

int keyshelf_open(struct keyshelf *shelf, size_t count)
{
    shelf->count = count;
    shelf->entries = calloc(count, sizeof *shelf->entries);
    return shelf->entries ? 0 : -1;
}

void keyshelf_close(struct keyshelf *shelf)
{
    for (size_t i = 0; shelf->entries && i < shelf->count; i++) EVP_PKEY_free(shelf->entries[i].known.key);
    free(shelf->entries);
    *shelf = (struct keyshelf){ 0, NULL };
}

/* The digest is as good as random, so any part of it says where. */
static struct keyshelf_entry *home(const struct keyshelf *shelf, const unsigned char digest[SECRET_DIGEST])
{
    uint64_t word;
    memcpy(&word, digest, sizeof word);
    return &shelf->entries[word & (shelf->count - 1)];
}

/* As keyshelf_take(). */
static int read_key(struct secret_hasher *hasher, struct text json, struct keyshelf_key *known_r)
{
    struct jwk jwk;
    if (jwk_read(json, &jwk)) return 0;
    struct buffer thumbprint = { known_r->thumbprint, 0, sizeof known_r->thumbprint, false };
    known_r->key = jwk.key;
    known_r->algorithm = jwk.algorithm;
    if (jwk_put_thumbprint(&thumbprint, hasher, jwk.key) == 0) return 1;
    jwk_close(&jwk);
    return -1;
}

int keyshelf_take(struct keyshelf *shelf, struct secret_hasher *hasher, struct text json, const struct keyshelf_key **known_r)
{
    unsigned char digest[SECRET_DIGEST];
    struct keyshelf_key known;
    if (secret_digest(hasher, &json, 1, digest)) return -1;
    struct keyshelf_entry *entry = home(shelf, digest);
    if (!entry->known.key || memcmp(entry->digest, digest, sizeof digest) != 0) {
        int read = read_key(hasher, json, &known);
        if (read != 1) return read;
        EVP_PKEY_free(entry->known.key);
        entry->known = known;
        memcpy(entry->digest, digest, sizeof digest);
    }
    *known_r = &entry->known;
    return 1;
}
