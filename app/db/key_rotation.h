/* key_rotation: carries out what rotation.h plans: generates a signing key and sets the times of the keys before
 * it, in one transaction under the lease of rotation_lease, so that only one host does it at a time. The decision
 * is repeated inside the transaction, because two hosts may find a key due at the same moment. It does not decide
 * when (rotation.h). Used by the keeper and by m2mctl. */
#ifndef APP_DB_KEY_ROTATION_H
#define APP_DB_KEY_ROTATION_H

#include "../keys/keypair.h"
#include "key_rows.h"

struct key_rotation_order {
    const struct key_seal *
        seal; /* verifies the MACs of keys and seals the new one; NULL: every key with a MAC counts, and none can be made */
    struct text holder; /* holder of the lease */
    enum jws_algorithm algorithm;
    enum rotation_purpose purpose;
    const char *drop; /* NULL, or the kid of a key to remove at once, whatever else is done */
    struct rotation_rules rules;
};

enum key_rotation_result {
    KEY_ROTATION_IDLE, /* report_r->reason says why: idle, pending or full. If drop was given, that key was dropped */
    KEY_ROTATION_DONE, /* a new key was added */
    KEY_ROTATION_BUSY, /* another host holds the lease or was faster: try again later */
    KEY_ROTATION_UNSEALED, /* there are keys but none has a valid MAC: wrong passphrase, or m2mctl key seal is needed */
    KEY_ROTATION_NO_KEY,   /* the key could not be generated; nothing was changed */
    KEY_ROTATION_FAILED    /* db_why(); nothing was changed */
};

struct key_rotation_report {
    enum rotation_reason reason;
    struct rotation_plan plan;
    bool unsealed;             /* nothing was planned because no key has a valid MAC */
    char kid[KEYPAIR_KID + 1]; /* of the new key */
};

enum key_rotation_result key_rotation_run(struct db *db, const struct key_rotation_order *order,
                                          struct key_rotation_report *report_r);

#endif
