/* attack: JWTs as attackers write them, against all doors that read one: client_assertion, /validate and DPoP. Each case is
 * refused by each with the one answer that there is.
 *
 * A case is made of a good assertion, a good access token and a good proof, each signed with its right key after the
 * change, so that the change alone is at fault. Some are for some doors only: to the others they would be true.
 * In headers TYP and KID stand for what the door's good header has, JWK for the key that a proof brings. */
#ifndef TESTS_ATTACK_H
#define TESTS_ATTACK_H

#include "world.h"

/* The doors that a case is for. */
enum attack_doors {
    ATTACK_ASSERTION = 1, ATTACK_TOKEN = 2, ATTACK_PROOF = 4,
    ATTACK_NAMED = ATTACK_ASSERTION | ATTACK_TOKEN, ATTACK_ALL = ATTACK_NAMED | ATTACK_PROOF
};

/* The members of the key that a good proof brings. */
#define ATTACK_EC "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""

/* What is changed; the rest is as it is in a good one. */
struct attack {
    const char *header;                 /* instead of the whole header */
    struct text claims;                 /* instead of all claims */
    const char *name, *value;           /* instead of one claim; value "": without it */
    const char *more;                   /* behind the claims, within the braces */
    const char *shape;                  /* how the parts H, P, S are put together */
    void (*spoil)(struct buffer *signature);
};

/* 0, or -1. */
int attack_open(void);
void attack_close(void);

/* Whether every door refuses the case as each of these doors would have it; what is printed when one does not. */
bool attack_refused(const struct attack *attack, unsigned doors, const char *what);

/* Whether each of these doors lets its own in. */
bool attack_accepted(const struct attack *attack, unsigned doors);

/* How many cases there were, and how long the slowest answer took. */
unsigned attack_cases(void);
double attack_slowest_ms(void);

#endif
