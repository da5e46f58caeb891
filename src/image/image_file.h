// image_file.h -- opens and reads one file from a place that others may write to.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_IMAGE_FILE_H
#define VLMD_IMAGE_IMAGE_FILE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct image_file {
    int fd;  // owned; -1 = closed
    int64_t size;
    int64_t mtime_ns;
};

// Opens a regular file.  With a root, path is below it (relative, or absolute and
// beginning with root), and no link on the way may lead out; links inside that are
// absolute count as leading out.  Never waits, also not on a FIFO.
// Errors: E_NOT_FOUND E_ACCESS E_NOT_FILE E_OUTSIDE E_IO E_NOMEM.
MUST_USE int image_file_open(struct image_file *s, const char *root, const char *path,
                             struct err *e);
// Reads up to n bytes at an offset; *got < n only at the end of the file.  Errors: E_IO.
MUST_USE int image_file_read(const struct image_file *s, int64_t at, void *out, size_t n,
                             size_t *got, struct err *e);
// The file is still the one that was opened.  Errors: E_CUT (it changed), E_IO.
MUST_USE int image_file_check(const struct image_file *s, struct err *e);
void image_file_close(struct image_file *s);

#endif
