#include "passphrase.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "../platform/log.h"

enum { DERIVE_ROUNDS = 10000 }; /* once for a process and a purpose, never inside a request */

static void add_reading(struct passphrase *passphrase, struct text reading)
{
    if (!text_present(reading)) return;
    assert(passphrase->count < PASSPHRASE_READINGS);
    passphrase->readings[passphrase->count++] = reading;
}

int passphrase_read(struct passphrase *passphrase, const char *path, const char *former_path, FILE *notes)
{
    bool has_former = former_path && former_path[0];
    passphrase->text = (struct text){ NULL, 0 };
    passphrase->count = 0;
    if (secret_file_read(&passphrase->current, path, notes)) return -1;
    if (has_former && secret_file_read(&passphrase->former, former_path, notes)) return -1;
    passphrase->text = passphrase->current.text;
    add_reading(passphrase, passphrase->current.text);
    add_reading(passphrase, passphrase->current.literal);
    if (has_former) add_reading(passphrase, passphrase->former.text);
    if (has_former) add_reading(passphrase, passphrase->former.literal);
    if (passphrase->text.size < PASSPHRASE_LEAST)
        fprintf(notes,
                "%s: warning: the passphrase has fewer than %d bytes and could be guessed; make one with "
                "m2mctl key passphrase and change to it with m2mctl key reseal\n",
                path, PASSPHRASE_LEAST);
    return 0;
}

int passphrase_open(struct passphrase *passphrase, const struct config *config, bool tell)
{
    char *notes = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&notes, &size);
    if (!file) return -1;
    int failed = passphrase_read(passphrase, config->key_passphrase_file, config->key_passphrase_former_file, file);
    fclose(file);
    if (failed || tell) log_lines(failed ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "passphrase", notes);
    free(notes);
    return failed;
}

int passphrase_derive(struct text passphrase, struct text purpose, unsigned char *key_r, size_t size)
{
    assert(text_present(passphrase) && purpose.size > 0 && size > 0);
    return PKCS5_PBKDF2_HMAC(passphrase.data, (int)passphrase.size, (const unsigned char *)purpose.data,
                             (int)purpose.size, DERIVE_ROUNDS, EVP_sha256(), (int)size, key_r)
             ? 0
             : -1;
}

void passphrase_close(struct passphrase *passphrase)
{
    secret_file_wipe(&passphrase->current);
    secret_file_wipe(&passphrase->former);
    *passphrase = (struct passphrase){ .text = { NULL, 0 } };
}
