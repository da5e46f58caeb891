// image_file.c -- files are opened below their root and checked for what they are.
//
// The folder is one that other programs write to: a link in it may point at a key file, a
// name may belong to a FIFO, a picture may still grow.
// SPDX-License-Identifier: MIT
#include "image/image_file.h"

#include "base/beneath.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(int code, struct err *e)
{
    if (code == E_OUTSIDE) {
        return err_set(e, code, "a link leads out of the watched folder");
    }
    return err_set(e, code, "it %s", err_words(code));
}

// path relative to root, or NULL when it is elsewhere.
static const char *below(const char *root, const char *path)
{
    if (path[0] != '/') {
        return path;
    }
    size_t n = strlen(root);
    while (n > 1 && root[n - 1] == '/') {
        n--;
    }
    if (strncmp(path, root, n) != 0 || (n > 1 && path[n] != '/')) {
        return NULL;
    }
    path += n;
    while (*path == '/') {
        path++;
    }
    return path;
}

static int open_below(const char *root, const char *path, struct file_version *v,
                      struct err *e)
{
    const char *name = below(root, path);
    if (!name) {
        return err_set(e, E_OUTSIDE, "it is not below %s", root);
    }
    int dir = beneath_root(root);
    if (dir < 0) {
        return fail(dir, e);
    }
    int fd = beneath_open_file(dir, name, v);
    close(dir);
    return fd < 0 ? fail(fd, e) : fd;
}

int image_file_open(struct image_file *s, const char *root, const char *path,
                    struct err *e)
{
    struct file_version v;
    *s = (struct image_file){.fd = -1};
    int fd =
        root ? open_below(root, path, &v, e) : beneath_open_file(BENEATH_ANY, path, &v);
    if (fd < 0) {
        return root ? fd : fail(fd, e);
    }
    *s = (struct image_file){.fd = fd, .size = v.size_bytes, .mtime_ns = v.mtime_ns};
    return 0;
}

int image_file_read(const struct image_file *s, int64_t at, void *out, size_t n,
                    size_t *got, struct err *e)
{
    *got = 0;
    while (*got < n) {
        ssize_t part = pread(s->fd, (char *)out + *got, n - *got, at + (int64_t)*got);
        if (part == 0) {
            return 0;
        }
        if (part > 0) {
            *got += (size_t)part;
        } else if (errno != EINTR) {
            return err_set(e, E_IO, "it can not be read: %s", strerror(errno));
        }
    }
    return 0;
}

static int64_t mtime_of(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

int image_file_check(const struct image_file *s, struct err *e)
{
    struct stat st;
    if (fstat(s->fd, &st) != 0) {
        return err_set(e, E_IO, "it can not be checked: %s", strerror(errno));
    }
    if (st.st_size != s->size || mtime_of(&st) != s->mtime_ns) {
        return err_set(e, E_CUT, "it changed while it was read");
    }
    return 0;
}

void image_file_close(struct image_file *s)
{
    if (s->fd >= 0) {
        close(s->fd);
    }
    s->fd = -1;
}
