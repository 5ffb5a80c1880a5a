#include "passphrase.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "log.h"

enum { DERIVE_ROUNDS = 10000 };         /* more than that of an encrypted key, a few milliseconds of a start */

int passphrase_open(struct passphrase *passphrase, const struct config *config)
{
    char *complaints = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&complaints, &size);
    if (!file) return -1;
    int length = config_read_secret(config->key_passphrase_file, passphrase->bytes, PASSPHRASE_BYTES, file);
    fclose(file);
    if (length < 0) log_lines(LOG_LEVEL_ERROR, "passphrase", complaints);
    else passphrase->text = (struct text){ passphrase->bytes, (size_t)length };
    free(complaints);
    return length < 0 ? -1 : 0;
}

int passphrase_derive(const struct passphrase *passphrase, struct text purpose, unsigned char *key_r, size_t size)
{
    return PKCS5_PBKDF2_HMAC(passphrase->text.data, (int)passphrase->text.size, (const unsigned char *)purpose.data,
                             (int)purpose.size, DERIVE_ROUNDS, EVP_sha256(), (int)size, key_r) ? 0 : -1;
}

void passphrase_close(struct passphrase *passphrase)
{
    OPENSSL_cleanse(passphrase->bytes, sizeof passphrase->bytes);
    passphrase->text = (struct text){ NULL, 0 };
}
