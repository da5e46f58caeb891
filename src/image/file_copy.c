// file_copy.c -- see file_copy.h.
// SPDX-License-Identifier: MIT
#include "image/file_copy.h"

#include "image/xxh3.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int fail(const char *folder, int64_t bytes, int errnum, struct err *e)
{
    const int code = err_from_errno(errnum);
    // Whatever is wrong with the folder says nothing of the picture.
    return err_set(e, code == E_FULL || code == E_NOMEM ? code : E_IO,
                   "%.200s takes no copy of its %lld MB, which are too many to hold: %s",
                   folder, (long long)((bytes + 999999) / 1000000), strerror(errnum));
}

// File systems without O_TMPFILE say so in several ways; others fail again below.
static int open_nameless(const char *folder)
{
    char path[4096];
    const int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) {
        return fd;
    }
    const int n = snprintf(path, sizeof(path), "%s/.copy-XXXXXX", folder);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    const int named = mkostemp(path, O_CLOEXEC);
    if (named >= 0) {
        unlink(path);
    }
    return named;
}

static int write_all(int fd, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t part = write(fd, bytes, n);
        if (part < 0 && errno != EINTR) {
            return errno;
        }
        if (part > 0) {
            bytes += part;
            n -= (size_t)part;
        }
    }
    return 0;
}

struct copying {
    int fd;
    const char *folder;
    const struct image_file *from;
    uint8_t *window;
    size_t window_len;
    XXH3_state_t *hash;
};

static int copy_all(const struct copying *c, struct err *e)
{
    const int64_t size = c->from->size;
    for (int64_t at = 0; at < size;) {
        const int64_t left = size - at;
        const size_t n = left < (int64_t)c->window_len ? (size_t)left : c->window_len;
        size_t got;
        int rc = image_file_read(c->from, at, c->window, n, &got, e);
        if (!rc && got != n) {
            rc = err_set(e, E_CUT, "it became shorter while it was read");
        }
        if (rc) {
            return rc;
        }
        const int errnum = write_all(c->fd, c->window, n);
        if (errnum) {
            return fail(c->folder, size, errnum, e);
        }
        XXH3_128bits_update(c->hash, c->window, n);
        at += (int64_t)n;
    }
    return image_file_check(c->from, e);
}

static int copy_and_map(struct file_copy *out, const struct copying *c, struct err *e)
{
    const int64_t size = c->from->size;
    const int errnum = posix_fallocate(c->fd, 0, size);
    if (errnum) {
        return fail(c->folder, size, errnum, e);
    }
    int rc = copy_all(c, e);
    if (rc) {
        return rc;
    }
    void *bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, c->fd, 0);
    if (bytes == MAP_FAILED) {
        return fail(c->folder, size, errno, e);
    }
    madvise(bytes, (size_t)size, MADV_SEQUENTIAL);
    *out = (struct file_copy){bytes, (size_t)size};
    return 0;
}

int file_copy_open(struct file_copy *out, const char *folder, const struct image_file *f,
                   uint8_t *window, size_t window_len, uint8_t content[IMAGE_HASH_BYTES],
                   struct err *e)
{
    assert(f->size > 0 && window_len > 0);
    *out = (struct file_copy){0};
    struct copying c = {.folder = folder,
                        .from = f,
                        .window = window,
                        .window_len = window_len,
                        .hash = XXH3_createState()};
    if (!c.hash) {
        return err_set(e, E_NOMEM, "not enough memory to copy the file");
    }
    XXH3_128bits_reset(c.hash);
    c.fd = open_nameless(folder);
    int rc = c.fd < 0 ? fail(folder, f->size, errno, e) : copy_and_map(out, &c, e);
    if (c.fd >= 0) {
        close(c.fd);
    }
    if (!rc) {
        XXH128_canonical_t canonical;
        XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(c.hash));
        memcpy(content, canonical.digest, IMAGE_HASH_BYTES);
    }
    XXH3_freeState(c.hash);
    return rc;
}

void file_copy_close(struct file_copy *c)
{
    if (c->bytes) {
        munmap(c->bytes, c->len);
    }
    *c = (struct file_copy){0};
}
