// config_fixture.c -- see config_fixture.h.
// SPDX-License-Identifier: MIT
#include "config_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;
static char dir[256];

static void clean_environment(void)
{
    for (char **p = environ; *p;) {
        char name[128];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(*p, "="), *p);
        bool is_ours = strncmp(name, "VLMD_", 5) == 0 || strncmp(name, "XDG_", 4) == 0;
        if (is_ours) {
            unsetenv(name);
            p = environ;
        } else {
            p++;
        }
    }
}

int config_fixture_setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/vlmd-config-XXXXXX");
    assert_non_null(mkdtemp(dir));
    clean_environment();
    setenv("HOME", dir, 1);
    return 0;
}

static int on_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int config_fixture_teardown(void **state)
{
    (void)state;
    return nftw(dir, on_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *config_fixture_dir(void)
{
    return dir;
}

const char *config_fixture_write(const char *name, const void *text, size_t len, int mode)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, (mode_t)mode), 0);
    close(fd);
    return path;
}

const char *config_fixture_text(const char *text)
{
    return config_fixture_write("vlmd.yaml", text, strlen(text), 0600);
}

static void on_problem(void *arg, bool is_error, const char *where, const char *words)
{
    struct loaded *l = arg;
    size_t n = strlen(l->said);
    size_t skip = strncmp(where, dir, strlen(dir)) == 0 ? strlen(dir) + 1 : 0;
    snprintf(l->said + n, sizeof(l->said) - n, "%s %s: %s\n", is_error ? "error" : "warn",
             where + skip, words);
    l->errors += is_error;
    l->warnings += !is_error;
}

void load_options(struct loaded *out, const struct vlmd_options *options)
{
    *out = (struct loaded){0};
    out->rc = config_load(&out->c, options, on_problem, out);
    assert_true((out->rc == 0) == (out->c != NULL));
    assert_true((out->rc == 0) == (out->errors == 0));
}

void load_again(struct loaded *out, const struct config *running, const char *text)
{
    const char *path = config_fixture_text(text);
    const struct vlmd_options options = {.role = VLMD_WORKER, .config_file = path};
    *out = (struct loaded){0};
    out->rc = config_load_again(&out->c, running, &options, on_problem, out);
}

void load_bytes(struct loaded *out, const void *text, size_t len)
{
    const char *path = config_fixture_write("vlmd.yaml", text, len, 0600);
    load_options(out, &(struct vlmd_options){.role = VLMD_WORKER, .config_file = path});
}

void load_text(struct loaded *out, const char *text)
{
    load_bytes(out, text, strlen(text));
}

void unload(struct loaded *l)
{
    config_free(l->c);
    l->c = NULL;
}

struct wanted {
    const char *key;
    const char *value;
    const char *origin;
};

static void on_key(void *arg, const struct vlmd_key *key)
{
    static char values[4][8192];
    static char origins[4][256];
    static int at;
    struct wanted *w = arg;
    if (strcmp(key->key, w->key) == 0) {
        at = (at + 1) % 4;
        snprintf(values[at], sizeof(values[at]), "%s", key->value);
        snprintf(origins[at], sizeof(origins[at]), "%s", key->origin);
        w->value = values[at];
        w->origin = origins[at];
    }
}

const char *value_of(const struct loaded *l, const char *key)
{
    struct wanted w = {.key = key};
    config_each(l->c, on_key, &w);
    assert_non_null(w.value);
    return w.value;
}

const char *origin_of(const struct loaded *l, const char *key)
{
    struct wanted w = {.key = key};
    config_each(l->c, on_key, &w);
    assert_non_null(w.origin);
    return w.origin;
}
