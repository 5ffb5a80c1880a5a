/* keyshelf: public keys that one process has read lately, by the text of their JWK.
 *
 * To make a key of its JWK costs half of what a verification with it costs, and clients that sign come back with the same
 * one. An entry is found by the SHA-256 of the whole text, so that a hit is the key that reading would have made.
 * Direct-mapped: a newcomer takes the place of who was there, and whoever brings many keys pays for each of them only. */
#ifndef JOSE_KEYSHELF_H
#define JOSE_KEYSHELF_H

#include "jwk.h"

struct keyshelf_key {
    EVP_PKEY *key;                      /* the shelf's */
    int algorithm;                      /* that the JWK names; -1: none */
    char thumbprint[JWK_THUMBPRINT];    /* RFC 7638 */
};

struct keyshelf {
    size_t count;
    struct keyshelf_entry *entries;
};

/* Room for count keys (a power of two). 0, or -1 when the memory is not to be had. */
int keyshelf_open(struct keyshelf *shelf, size_t count);
void keyshelf_close(struct keyshelf *shelf);

/* The key of a JWK: 1, and *known_r, which is good until the next keyshelf_take(). 0 when jwk_read() refuses it, -1 when the
 * library failed. */
int keyshelf_take(struct keyshelf *shelf, struct secret_hasher *hasher, struct text json, const struct keyshelf_key **known_r);

#endif
