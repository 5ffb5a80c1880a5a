#include "passphrase.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "log.h"

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

void passphrase_close(struct passphrase *passphrase)
{
    OPENSSL_cleanse(passphrase->bytes, sizeof passphrase->bytes);
    passphrase->text = (struct text){ NULL, 0 };
}
