// beneath.h -- opening files and folders below a root, never following a link out of it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_BENEATH_H
#define VLMD_BASE_BENEATH_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

// One state of a file.  The same dev, ino, size and mtime are the same contents.
struct file_version {
    uint64_t dev;
    uint64_t ino;
    int64_t size_bytes;
    int64_t mtime_ns;
    int64_t ctime_ns;
    uint32_t mode;  // st_mode
};

// For a root that is no root: paths mean what they mean to the process.
enum { BENEATH_ANY = -1 };

// An O_PATH descriptor of a folder, to be closed, or E_NOT_FOUND, E_ACCESS, E_NOT_FILE
// (not a folder), E_IO.
MUST_USE int beneath_root(const char *path);

// A descriptor, or E_NOT_FOUND, E_ACCESS, E_OUTSIDE (leads out of the root), E_IO, ... .  rel "" is the root.  flags: as open(2); O_NOFOLLOW refuses every
// link on the way, not only the last.
MUST_USE int beneath_open(int root_fd, const char *rel, int flags);
// The same without openat2(2), for old kernels and strict sandboxes.
MUST_USE int beneath_open_portable(int root_fd, const char *rel, int flags);

// A readable descriptor of a regular file.  Nothing else is ever opened, so that a pipe
// can not block and a device does not act.  *out is filled as far as it could be seen,
// also on errors (zero otherwise).  Errors: as above and E_NOT_FILE.
MUST_USE int beneath_open_file(int root_fd, const char *rel, struct file_version *out);
// The version of what rel leads to; links are followed within the root.  Opens nothing.
MUST_USE int beneath_stat(int root_fd, const char *rel, struct file_version *out);

// One entry of an open folder, links not followed.
MUST_USE int version_at(int dir_fd, const char *name, struct file_version *out);
bool version_is_same(const struct file_version *a, const struct file_version *b);
// "a folder", "a named pipe", ... for st_mode.
const char *version_kind(uint32_t mode);

#endif
