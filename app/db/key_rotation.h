/* key_rotation: carries out what rotation.h plans: makes a signing key and sets the times of those before it, by one host at a
 * time, in one transaction under the lease of rotation_lease, in which it is decided once more.
 *
 * For the keeper, whose host may find at the same moment as another that a key has come of age, and for m2mctl. */
#ifndef APP_DB_KEY_ROTATION_H
#define APP_DB_KEY_ROTATION_H

#include "../keys/keypair.h"
#include "key_rows.h"

struct key_rotation_order {
    const struct key_seal
        *seal;          /* which keys count, and what seals the new one; NULL: all count, and none can be made */
    struct text holder; /* who does it, for the lease */
    enum jws_algorithm algorithm;
    enum rotation_purpose purpose;
    const char *drop; /* NULL, or the kid of a key that is removed at once, whatever else is done */
    struct rotation_rules rules;
};

enum key_rotation_result {
    KEY_ROTATION_IDLE,     /* report_r->reason says why: idle, pending or full. A key to drop was dropped */
    KEY_ROTATION_DONE,     /* there is a new key */
    KEY_ROTATION_BUSY,     /* somebody else is at it, or was faster: ask again later */
    KEY_ROTATION_UNSEALED, /* there are keys and none has a good MAC: another passphrase, or m2mctl key seal is due */
    KEY_ROTATION_NO_KEY,   /* the library could not make one; nothing was changed */
    KEY_ROTATION_FAILED    /* db_why(); nothing was changed */
};

struct key_rotation_report {
    enum rotation_reason reason;
    struct rotation_plan plan;
    bool unsealed;             /* no key was looked for because none can be believed */
    char kid[KEYPAIR_KID + 1]; /* of the new key */
};

enum key_rotation_result key_rotation_run(struct db *db, const struct key_rotation_order *order,
                                          struct key_rotation_report *report_r);

#endif
