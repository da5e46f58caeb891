// auth_file.c -- see auth_file.h.
//
// A line of the keys' file: NAME SCOPES SHA-256 EXPIRES, scopes with commas between, the
// last in unix seconds or 0.  Lines with # are left alone.
// SPDX-License-Identifier: MIT
#include "auth_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 64 << 10 };

static int fail(struct err *e, const char *path, const char *what)
{
    int errnum = errno;
    return err_set(e, errnum == EACCES ? E_ACCESS : E_IO, "%s: %s: %s", path, what,
                   strerror(errnum));
}

// Nobody else may be able to read it, nor have put it there.
static int check_private(int fd, const char *path, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st)) {
        return fail(e, path, "can not be used");
    }
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) {
        return err_set(e, E_ACCESS,
                       "%s: others can read or change it (chmod 600, or remove it: a new "
                       "one is made)",
                       path);
    }
    return 0;
}

// Returns the length, or an error.
static int read_private(const char *path, char *out, size_t size, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? E_NOT_FOUND : fail(e, path, "can not be read");
    }
    int rc = check_private(fd, path, e);
    ssize_t n = rc ? 0 : read(fd, out, size - 1);
    if (n < 0) {
        rc = fail(e, path, "can not be read");
    }
    close(fd);
    out[n > 0 ? n : 0] = 0;
    return rc ? rc : (int)n;
}

// ---- the token

static bool is_token(const char *s)
{
    for (int i = 0; i < AUTH_TOKEN_CHARS; i++) {
        if (!isxdigit((unsigned char)s[i])) {
            return false;
        }
    }
    return strcmp(s + AUTH_TOKEN_CHARS, "\n") == 0 || !s[AUTH_TOKEN_CHARS];
}

// Whole or not at all: another process may look at the same time, or this one be killed.
static int make_token(const char *path, struct err *e)
{
    char text[AUTH_TOKEN_CHARS + 2], part[4200];
    snprintf(part, sizeof(part), "%s.%ld", path, (long)getpid());
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail(e, part, "can not be made");
    }
    auth_random_hex(AUTH_TOKEN_CHARS / 2, text);
    text[AUTH_TOKEN_CHARS] = '\n';
    bool is_written = fchmod(fd, 0600) == 0 &&
                      write(fd, text, AUTH_TOKEN_CHARS + 1) == AUTH_TOKEN_CHARS + 1 &&
                      fsync(fd) == 0;
    int rc = is_written ? 0 : fail(e, part, "can not be written");
    close(fd);
    if (rc == 0 && link(part, path) && errno != EEXIST) {
        rc = fail(e, path, "can not be made");
    }
    unlink(part);
    return rc;
}

int auth_file_token(const char *path, char out[AUTH_TOKEN_CHARS + 1], struct err *e)
{
    char text[AUTH_TOKEN_CHARS + 8];
    int n = read_private(path, text, sizeof(text), e);
    if (n == E_NOT_FOUND) {
        int rc = make_token(path, e);
        n = rc ? rc : read_private(path, text, sizeof(text), e);
    }
    if (n < 0) {
        return n;
    }
    if (n < AUTH_TOKEN_CHARS || !is_token(text)) {
        return err_set(e, E_FORMAT, "%s: is no token (remove it: a new one is made)",
                       path);
    }
    memcpy(out, text, AUTH_TOKEN_CHARS);
    out[AUTH_TOKEN_CHARS] = 0;
    return 0;
}

// ---- the keys

static bool parse_hash(const char *hex, uint8_t out[32])
{
    unsigned byte;
    if (strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64) {
        return false;
    }
    for (int i = 0; i < 32; i++) {
        sscanf(hex + 2 * i, "%2x", &byte);
        out[i] = (uint8_t)byte;
    }
    return true;
}

static bool parse_line(const char *line, struct auth_key *out)
{
    char scopes[64], hash[80];
    return sscanf(line, "%63s %63s %79s %" SCNd64, out->name, scopes, hash,
                  &out->expires_s) == 4 &&
           auth_parse_scopes(scopes, &out->scopes) && parse_hash(hash, out->hash);
}

static int64_t mtime_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0
                           : (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

bool auth_file_is_changed(const struct auth *a)
{
    return mtime_of(a->keys_path) != a->keys_mtime_ns;
}

int auth_file_keys(struct auth *a, struct err *e)
{
    char *text = malloc(FILE_MAX), *rest = NULL;
    int line_no = 0, rc = 0;
    if (!text) {
        return E_NOMEM;
    }
    a->n_keys = 0;
    a->keys_mtime_ns = mtime_of(a->keys_path);
    int n = read_private(a->keys_path, text, FILE_MAX, e);
    rc = n == E_NOT_FOUND ? 0 : n < 0 ? n : 0;
    char *line = n > 0 ? strtok_r(text, "\n", &rest) : NULL;
    for (; rc == 0 && line; line = strtok_r(NULL, "\n", &rest)) {
        line_no++;
        if (line[0] == '#') {
            continue;
        }
        if (a->n_keys == AUTH_MAX_KEYS || !parse_line(line, &a->keys[a->n_keys++])) {
            rc = err_set(e, E_FORMAT, "%s:%d: is no key (NAME SCOPES SHA-256 EXPIRES)",
                         a->keys_path, line_no);
            a->n_keys = 0;
        }
    }
    free(text);
    return rc;
}

int auth_file_add(struct auth *a, const struct auth_key *key, struct err *e)
{
    char line[256], scopes[64];
    int n = snprintf(line, sizeof(line), "%s ", key->name);
    auth_scopes_text(key->scopes, scopes, sizeof(scopes));
    for (char *c = scopes; *c; c++) {
        *c = *c == ' ' ? ',' : *c;
    }
    n += snprintf(line + n, sizeof(line) - (size_t)n, "%s ", scopes);
    for (int i = 0; i < 32; i++) {
        n += snprintf(line + n, sizeof(line) - (size_t)n, "%02x", key->hash[i]);
    }
    n += snprintf(line + n, sizeof(line) - (size_t)n, " %" PRId64 "\n", key->expires_s);
    int fd =
        open(a->keys_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail(e, a->keys_path, "can not be opened");
    }
    int rc = check_private(fd, a->keys_path, e);
    if (rc == 0 && (write(fd, line, (size_t)n) != n || fsync(fd))) {
        rc = fail(e, a->keys_path, "can not be written");
    }
    close(fd);
    return rc ? rc : auth_file_keys(a, e);
}
