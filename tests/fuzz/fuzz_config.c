/* Configuration files: whatever is in one, what is read is in its bounds, and what is refused is explained. */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../app/platform/config.h"
#include "fuzz.h"

static bool is_choice(const char *word, const char *words)
{
    const char *at = strstr(words, word);
    size_t size = strlen(word);
    return at && size > 0 && (at == words || at[-1] == '|') && (at[size] == '\0' || at[size] == '|');
}

static void judge(const struct config *config)
{
#define JUDGE_TEXT(key, fallback) HOLDS(memchr(config->key, '\0', sizeof config->key));
#define JUDGE_NUMBER(key, fallback, least, most) HOLDS(config->key - (uint32_t)(least) <= (uint32_t)(most) - (uint32_t)(least));
#define JUDGE_CHOICE(key, fallback, words) HOLDS(is_choice(config->key, words));
    CONFIG_LIST(JUDGE_TEXT, JUDGE_NUMBER, JUDGE_CHOICE)
#undef JUDGE_TEXT
#undef JUDGE_NUMBER
#undef JUDGE_CHOICE
    HOLDS(!strncmp(config->issuer, "https://", 8) || !strncmp(config->issuer, "http://", 7));
    HOLDS(config->db_socket[0] != '\0' || config->db_host[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config config;
    char path[64], *complaints = NULL;
    size_t complained = 0;
    int file = memfd_create("config", MFD_CLOEXEC);
    FILE *sink = open_memstream(&complaints, &complained);
    if (file < 0 || !sink || write(file, data, size) != (ssize_t)size) abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int bad = config_read(path, &config, sink);
    (void)fflush(sink);
    HOLDS((bad != 0) == (complained > 0));
    if (!bad) judge(&config);
    (void)fclose(sink);
    free(complaints);
    (void)close(file);
    return 0;
}
