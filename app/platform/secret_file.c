#include "secret_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAULT_BYTES = 128 };

/* A systemd credential takes precedence over a file in the working directory. */
static int open_file(const char *path)
{
    char credential[4096];
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (path[0] != '/' && directory && *directory) {
        int size = snprintf(credential, sizeof credential, "%s/%s", directory, path);
        int fd = size > 0 && (size_t)size < sizeof credential ? open(credential, O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0) return fd;
    }
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Returns why this file must not be trusted, or NULL. */
static const char *file_fault(int fd)
{
    struct stat facts;
    if (fstat(fd, &facts) || !S_ISREG(facts.st_mode)) return "is not a regular file";
    if (facts.st_uid != 0 && facts.st_uid != geteuid()) return "belongs to another user; chown it to root or this user";
    if (facts.st_mode & (S_IWGRP | S_IRWXO))
        return "is accessible to other users; chmod it to 0400, or 0440 with its own group";
    return NULL;
}

static ssize_t read_all(int fd, char *buffer, size_t size)
{
    size_t done = 0;
    ssize_t got;
    do {
        got = read(fd, buffer + done, size - done);
        if (got > 0) done += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got < 0 ? -1 : (ssize_t)done;
}

static bool is_around(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static struct text trim(struct text file)
{
    struct text t = file;
    if (text_begins(t, TEXT("\xef\xbb\xbf"))) t = (struct text){ t.data + 3, t.size - 3 };
    while (t.size > 0 && is_around(t.data[0])) t = (struct text){ t.data + 1, t.size - 1 };
    while (t.size > 0 && is_around(t.data[t.size - 1])) t.size--;
    return t;
}

static void put_note(FILE *notes, const char *path, struct text file, size_t at)
{
    unsigned char byte = (unsigned char)file.data[at];
    const char *what = byte == 0xef ? "a byte-order mark"
                     : byte == '\r' ? "a carriage return"
                     : byte == '\n' ? "a line end"
                                    : "a blank";
    fprintf(notes,
            "%s: byte 0x%02X at %zu (%s) is not part of the secret, as it was for versions up to 0.1.0; write the "
            "secret as one line of plain text\n",
            path, byte, at, what);
}

/* Notes bytes that were ignored before and after the secret, except the one line feed that every version ignored. */
static void put_notes(FILE *notes, const char *path, struct text file, struct text literal, struct text secret)
{
    size_t start = (size_t)(secret.data - file.data), end = start + secret.size;
    if (start > 0) put_note(notes, path, file, 0);
    if (end < literal.size) put_note(notes, path, file, end);
}

/* Returns 0, or -1 with the reason in fault. */
static int check_bytes(struct text file, char fault[FAULT_BYTES])
{
    const char *nul = memchr(file.data, '\0', file.size);
    bool wide = text_begins(file, TEXT("\xff\xfe")) || text_begins(file, TEXT("\xfe\xff"));
    if (wide)
        snprintf(fault, FAULT_BYTES, "begins with byte 0x%02X at 0, a mark of UTF-16; save it as UTF-8",
                 (unsigned char)*file.data);
    else if (nul)
        snprintf(fault, FAULT_BYTES, "has byte 0x00 at %zu (a NUL); write the secret as one line of text",
                 (size_t)(nul - file.data));
    else if (file.size == SECRET_FILE_BYTES)
        snprintf(fault, FAULT_BYTES, "is longer than %d bytes", SECRET_FILE_BYTES - 1);
    else if (trim(file).size == 0) snprintf(fault, FAULT_BYTES, "is empty");
    else return 0;
    return -1;
}

/* Returns NULL with the whole file in bytes, or why it cannot be read. */
static const char *load(const char *path, char bytes[SECRET_FILE_BYTES], struct text *file_r)
{
    int fd = open_file(path);
    if (fd < 0) return strerror(errno);
    const char *why = file_fault(fd);
    ssize_t got = why ? 0 : read_all(fd, bytes, SECRET_FILE_BYTES);
    close(fd);
    if (got < 0) why = "cannot be read";
    if (!why) *file_r = (struct text){ bytes, (size_t)got };
    return why;
}

static struct text keep(char place[SECRET_FILE_BYTES], struct text t)
{
    assert(t.size < SECRET_FILE_BYTES);
    memcpy(place, t.data, t.size);
    place[t.size] = '\0';
    return (struct text){ place, t.size };
}

int secret_file_take(struct secret_file *secret_r, const char *name, struct text file, FILE *notes)
{
    char fault[FAULT_BYTES];
    secret_r->text = secret_r->literal = (struct text){ NULL, 0 };
    if (check_bytes(file, fault)) {
        fprintf(notes, "%s: %s\n", name, fault);
        return -1;
    }
    struct text literal = file, secret = trim(file);
    if (literal.data[literal.size - 1] == '\n') literal.size--;
    put_notes(notes, name, file, literal, secret);
    secret_r->text = keep(secret_r->bytes, secret);
    if (!text_equal(secret, literal)) secret_r->literal = keep(secret_r->literal_bytes, literal);
    return 0;
}

int secret_file_read(struct secret_file *secret_r, const char *path, FILE *notes)
{
    char bytes[SECRET_FILE_BYTES];
    struct text file;
    const char *why = load(path, bytes, &file);
    int failed = why ? -1 : secret_file_take(secret_r, path, file, notes);
    if (why) fprintf(notes, "%s: %s\n", path, why);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return failed;
}

void secret_file_wipe(struct secret_file *secret) { OPENSSL_cleanse(secret, sizeof *secret); }
