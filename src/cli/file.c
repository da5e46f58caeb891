// file.c -- see file.h.
// SPDX-License-Identifier: MIT
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_direct(struct file *f)
{
    f->is_direct = true;
    f->fd = open(f->path, O_WRONLY | O_CLOEXEC);
    return f->fd < 0 ? errno : 0;
}

// Who writes through a link means the file behind it.
static int resolve(struct file *f, const char *path)
{
    char real[PATH_MAX];
    if (strlen(path) >= sizeof(f->path)) {
        return ENAMETOOLONG;
    }
    snprintf(f->path, sizeof(f->path), "%s", realpath(path, real) ? real : path);
    return 0;
}

int file_begin(struct file *f, const char *path)
{
    struct stat st;
    *f = (struct file){.fd = -1};
    int rc = resolve(f, path);
    if (rc) {
        return rc;
    }
    if (stat(f->path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return EISDIR;
    }
    if (stat(f->path, &st) == 0 && !S_ISREG(st.st_mode)) {
        return open_direct(f);
    }
    const char *slash = strrchr(f->path, '/');
    int folder = slash ? (int)(slash - f->path) + 1 : 0;
    int n = snprintf(f->temp, sizeof(f->temp), "%.*s.vlmd-XXXXXX", folder, f->path);
    if (n >= (int)sizeof(f->temp)) {
        return ENAMETOOLONG;
    }
    f->fd = mkostemp(f->temp, O_CLOEXEC);
    return f->fd < 0 ? errno : 0;
}

int file_add(struct file *f, const void *data, size_t len)
{
    const char *p = data;
    while (len) {
        ssize_t n = write(f->fd, p, len);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        p += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

// link() refuses an existing name; where links are not possible the kernel may still know
// how to rename without replacing.
static int appear(const char *temp, const char *path)
{
    if (link(temp, path) == 0) {
        return unlink(temp) == 0 ? 0 : errno;
    }
    if (errno == EEXIST) {
        return EEXIST;
    }
    return renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) == 0 ? 0 : errno;
}

int file_end(struct file *f, int err, enum file_how how)
{
    if (err == 0 && !f->is_direct && fsync(f->fd) != 0) {
        err = errno;
    }
    if (close(f->fd) != 0 && err == 0) {
        err = errno;
    }
    if (f->is_direct) {
        return err;
    }
    if (err == 0 && how == FILE_NEW) {
        err = appear(f->temp, f->path);
    } else if (err == 0 && rename(f->temp, f->path) != 0) {
        err = errno;
    }
    if (err) {
        unlink(f->temp);
    }
    return err;
}

int file_make_folder_of(const char *path)
{
    char folder[PATH_MAX];
    if (strlen(path) >= sizeof(folder)) {
        return ENAMETOOLONG;
    }
    snprintf(folder, sizeof(folder), "%s", path);
    for (char *p = strchr(folder + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = 0;
        if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
            return errno;
        }
        *p = '/';
    }
    return 0;
}
