// image_file.c -- files are opened below their root and checked for what they are.
//
// The folder is one that other programs write to: a link in it may point at a key file, a
// name may belong to a FIFO, a picture may still grow.  openat2 lets the kernel watch the
// whole way; without it the way is walked one name at a time.
// SPDX-License-Identifier: MIT
#include "image/image_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
#define DIR_FLAGS  (O_PATH | O_DIRECTORY | O_CLOEXEC)

enum { RACE_TRIES = 16 };

static int from_errno(int errnum, struct err *e)
{
    switch (errnum) {
    case ENXIO:  // a socket, or a device that is not there
    case ENODEV:
    case EISDIR: return err_set(e, E_NOT_FILE, "it is not a regular file");
    case EXDEV: return err_set(e, E_OUTSIDE, "a link leads out of the watched folder");
    case ELOOP: return err_set(e, E_NOT_FILE, "its links go round in a circle");
    case ENAMETOOLONG: return err_set(e, E_NOT_FOUND, "its name is too long");
    default: {
        const int code = err_from_errno(errnum);
        return err_set(e, code, "it can not be opened: %s", strerror(errnum));
    }
    }
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

static int open_root(const char *root, struct err *e)
{
    int fd = open(root, DIR_FLAGS);
    return fd >= 0 ? fd : from_errno(errno, e);
}

// The file's descriptor, or -errno.
static int open_beneath(int dir, const char *path)
{
    const struct open_how how = {
        .flags = OPEN_FLAGS,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    for (int i = 0; i < RACE_TRIES; i++) {
        long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
        if (fd >= 0) {
            return (int)fd;
        }
        if (errno != EAGAIN && errno != EINTR) {  // EAGAIN: a rename crossed our way
            return -errno;
        }
    }
    return -EAGAIN;
}

// The next name of *path into out; false at the end, or when a name is too long.
static bool next_name(const char **path, char *out, size_t size)
{
    const char *p = *path + strspn(*path, "/");
    const size_t n = strcspn(p, "/");
    if (n == 0 || n >= size) {
        return false;
    }
    memcpy(out, p, n);
    out[n] = '\0';
    *path = p + n;
    return true;
}

// O_NOFOLLOW's ELOOP means "is a link" here; a folder on the way that is a link, ENOTDIR.
static int step_error(int dir, const char *name)
{
    const int was = errno;
    struct stat st;
    if ((was == ELOOP || was == ENOTDIR) &&
        fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) {
        return -EXDEV;
    }
    return -was;
}

// Takes over dir.  The file's descriptor, or -errno.
static int open_by_steps(int dir, const char *path)
{
    char name[256];
    if (!next_name(&path, name, sizeof(name))) {
        close(dir);
        return *path ? -ENAMETOOLONG : -EISDIR;
    }
    for (;;) {
        const bool is_last = path[strspn(path, "/")] == '\0';
        int fd = -1;
        int rc = -EXDEV;
        if (strcmp(name, "..") != 0) {
            fd = openat(dir, name, (is_last ? OPEN_FLAGS : DIR_FLAGS) | O_NOFOLLOW);
            rc = fd < 0 ? step_error(dir, name) : fd;
        }
        close(dir);
        if (rc < 0 || is_last) {
            return rc;
        }
        dir = fd;
        if (!next_name(&path, name, sizeof(name))) {
            close(dir);
            return -ENAMETOOLONG;
        }
    }
}

static bool is_call_missing(int rc)
{
    return rc == -ENOSYS || rc == -EPERM || rc == -E2BIG || rc == -EINVAL;
}

static int open_any(const char *root, const char *path, bool by_steps, struct err *e)
{
    if (!root) {
        int fd = open(path, OPEN_FLAGS);
        return fd >= 0 ? fd : from_errno(errno, e);
    }
    const char *name = below(root, path);
    if (!name) {
        return err_set(e, E_OUTSIDE, "it is not below %s", root);
    }
    int dir = open_root(root, e);
    if (dir < 0) {
        return dir;
    }
    int fd = by_steps ? -ENOSYS : open_beneath(dir, name);
    if (is_call_missing(fd)) {
        fd = open_by_steps(dir, name);
    } else {
        close(dir);
    }
    return fd >= 0 ? fd : from_errno(-fd, e);
}

static int64_t mtime_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static int open_checked(struct image_file *s, const char *root, const char *path,
                        bool by_steps, struct err *e)
{
    *s = (struct image_file){.fd = -1};
    int fd = open_any(root, path, by_steps, e);
    if (fd < 0) {
        return fd;
    }
    struct stat st;
    int rc = 0;
    if (fstat(fd, &st) != 0) {
        rc = from_errno(errno, e);
    } else if (!S_ISREG(st.st_mode)) {
        rc = err_set(e, E_NOT_FILE, "it is not a regular file");
    }
    if (rc) {
        close(fd);
        return rc;
    }
    *s = (struct image_file){.fd = fd, .size = st.st_size, .mtime_ns = mtime_ns(&st)};
    return 0;
}

int image_file_open(struct image_file *s, const char *root, const char *path,
                    struct err *e)
{
    return open_checked(s, root, path, false, e);
}

int image_file_open_by_steps(struct image_file *s, const char *root, const char *path,
                             struct err *e)
{
    return open_checked(s, root, path, true, e);
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

int image_file_check(const struct image_file *s, struct err *e)
{
    struct stat st;
    if (fstat(s->fd, &st) != 0) {
        return err_set(e, E_IO, "it can not be checked: %s", strerror(errno));
    }
    if (st.st_size != s->size || mtime_ns(&st) != s->mtime_ns) {
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
