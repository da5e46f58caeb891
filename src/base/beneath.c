// beneath.c -- opening below a root.
//
// openat2(2) does the work where the kernel has it.  The portable way opens first and then
// asks /proc where that led: a check of the path beforehand could be overtaken.
// SPDX-License-Identifier: MIT
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int from_errno(int errnum)
{
    switch (errnum) {
    case ENAMETOOLONG: return E_NOT_FOUND;  // no file can have it
    case ENXIO:
    case ENODEV: return E_NOT_FILE;
    default: return err_from_errno(errnum);
    }
}

int beneath_root(const char *path)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        struct stat st;
        bool is_other = errno == ENOTDIR && stat(path, &st) == 0;
        return is_other ? E_NOT_FILE : from_errno(errno);
    }
    return fd;
}

// Leads fd to the root or below it?  0 or E_OUTSIDE.
static int check_beneath(int root_fd, int fd)
{
    char link[64];
    char root[PATH_MAX];
    char path[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", root_fd);
    ssize_t root_len = readlink(link, root, sizeof(root));
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path));
    // Cut at PATH_MAX: too long to know.
    if (root_len <= 0 || len <= 0 || (size_t)len == sizeof(path)) {
        return E_OUTSIDE;
    }
    if (root_len == 1) {
        return 0;  // the root of everything
    }
    bool is_below = len >= root_len && memcmp(root, path, (size_t)root_len) == 0 &&
                    (len == root_len || path[root_len] == '/');
    return is_below ? 0 : E_OUTSIDE;
}

// O_NOFOLLOW of open(2) looks at the last part of a path only.
static int open_no_links(int root_fd, const char *rel, int flags)
{
    int dir = root_fd;
    while (true) {
        char part[NAME_MAX + 1];
        size_t len = strcspn(rel, "/");
        if (len > NAME_MAX) {
            errno = ENAMETOOLONG;
            break;
        }
        memcpy(part, rel, len);
        part[len] = 0;
        bool is_last = rel[len] == 0;
        int next = openat(
            dir, part, is_last ? flags : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir != root_fd) {
            close(dir);
        }
        if (is_last || next < 0) {
            return next;
        }
        dir = next;
        rel += len + 1;
    }
    if (dir != root_fd) {
        close(dir);
    }
    return -1;
}

static bool climbs(const char *rel)
{
    for (const char *p = rel; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (strncmp(p, "..", 2) == 0 && (p[2] == 0 || p[2] == '/')) {
            return true;
        }
    }
    return rel[0] == '/';
}

int beneath_open_portable(int root_fd, const char *rel, int flags)
{
    if (climbs(rel)) {
        return E_OUTSIDE;
    }
    const char *name = rel[0] ? rel : ".";
    int fd = flags & O_NOFOLLOW ? open_no_links(root_fd, name, flags | O_CLOEXEC)
                                : openat(root_fd, name, flags | O_CLOEXEC);
    if (fd < 0) {
        return from_errno(errno);
    }
    int rc = check_beneath(root_fd, fd);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return fd;
}

int beneath_open(int root_fd, const char *rel, int flags)
{
    if (root_fd == BENEATH_ANY) {
        int fd = open(rel, flags | O_CLOEXEC);
        return fd >= 0 ? fd : from_errno(errno);
    }
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    if (flags & O_NOFOLLOW) {
        how.resolve |= RESOLVE_NO_SYMLINKS;
    }
    // EAGAIN: something was renamed meanwhile and the kernel could not be sure.
    for (int tries = 0; tries < 8; tries++) {
        long fd = syscall(SYS_openat2, root_fd, rel[0] ? rel : ".", &how, sizeof(how));
        if (fd >= 0) {
            return (int)fd;
        }
        if (errno != EAGAIN && errno != EINTR) {
            break;
        }
    }
    // EPERM: sandboxes that do not know the call.
    if (errno == ENOSYS || errno == EPERM || errno == EAGAIN) {
        return beneath_open_portable(root_fd, rel, flags);
    }
    return from_errno(errno);
}

static void from_stat(const struct stat *st, struct file_version *out)
{
    *out = (struct file_version){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size_bytes = st->st_size,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
        .mode = st->st_mode,
    };
}

int version_at(int dir_fd, const char *name, struct file_version *out)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        *out = (struct file_version){0};
        return from_errno(errno);
    }
    from_stat(&st, out);
    return 0;
}

int beneath_stat(int root_fd, const char *rel, struct file_version *out)
{
    *out = (struct file_version){0};
    int fd = beneath_open(root_fd, rel, O_PATH);
    if (fd < 0) {
        return fd;
    }
    struct stat st;
    int rc = fstat(fd, &st) < 0 ? from_errno(errno) : 0;
    close(fd);
    if (rc == 0) {
        from_stat(&st, out);
    }
    return rc;
}

int beneath_open_file(int root_fd, const char *rel, struct file_version *out)
{
    int rc = beneath_stat(root_fd, rel, out);
    if (rc == 0 && !S_ISREG(out->mode)) {
        rc = E_NOT_FILE;
    }
    if (rc < 0) {
        return rc;
    }
    // Between the two looks the name may have become something else: hence O_NONBLOCK and
    // the second fstat.
    int fd = beneath_open(root_fd, rel, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return fd;
    }
    struct stat st;
    rc = fstat(fd, &st) < 0 ? from_errno(errno) : S_ISREG(st.st_mode) ? 0 : E_NOT_FILE;
    if (rc < 0) {
        close(fd);
        return rc;
    }
    from_stat(&st, out);
    return fd;
}

bool version_is_same(const struct file_version *a, const struct file_version *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size_bytes == b->size_bytes &&
           a->mtime_ns == b->mtime_ns;
}

const char *version_kind(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return "a regular file";
    case S_IFDIR: return "a folder";
    case S_IFLNK: return "a link";
    case S_IFIFO: return "a named pipe";
    case S_IFSOCK: return "a socket";
    case S_IFCHR:
    case S_IFBLK: return "a device";
    default: return "something else";
    }
}
