/* replay: runs a fuzz target over files, once each.
 *
 *     fuzz_NAME [FILE|FOLDER...]      without words: $srcdir/tests/fuzz/seeds/NAME
 *
 * Prints one line; a crash or a sanitizer ends the program before it. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { INPUT_BYTES = 1048576, PATH_BYTES = 1024 };

/* 1 when the file was run, 0 when it cannot be read. The copy is as long as the input, so that a sanitizer sees its end. */
static int run_file(const char *path)
{
    static uint8_t bytes[INPUT_BYTES];
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    uint8_t *input = malloc(size > 0 ? size : 1);
    if (!input) return 0;
    memcpy(input, bytes, size);
    (void)LLVMFuzzerTestOneInput(input, size);
    free(input);
    return 1;
}

static int run_path(const char *path)
{
    char inner[PATH_BYTES];
    struct dirent *entry;
    int count = 0;
    DIR *folder = opendir(path);
    if (!folder) return run_file(path);
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        count += run_file(inner);
    }
    (void)closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    char seeds[PATH_BYTES];
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0], *source = getenv("srcdir");
    int count = 0;
    (void)snprintf(seeds, sizeof seeds, "%s/tests/fuzz/seeds/%s", source ? source : ".", strncmp(name, "fuzz_", 5) ? name : name + 5);
    for (int i = 1; i < argc; i++) count += run_path(argv[i]);
    if (argc == 1) count = run_path(seeds);
    if (count > 0) printf("ok - %s: %d seeds\n", name, count);
    else printf("not ok - %s # there are no seeds in %s\n", name, argc > 1 ? argv[1] : seeds);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
