// file_copy.h -- a large file's own copy on disk, mapped instead of held in memory.
//
// For decoders that want all bytes at once.  The file itself can not be mapped: whoever
// writes to it may truncate it, and the next access would be a SIGBUS.  The copy has no
// name, so nobody can, and its room is taken before it is written, so a full disk is an
// ordinary error.  Its pages are the kernel's to drop and to read again.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_FILE_COPY_H
#define VLMD_IMAGE_FILE_COPY_H

#include "image/image.h"
#include "image/image_file.h"

// Zero-initialised is closed.
struct file_copy {
    uint8_t *bytes;  // owned; read-only
    size_t len;
};

// Copies all of f into folder, through window (window_len bytes).  content: the hash of it.
// Errors: E_CUT (f changed while it was read), E_FULL, E_IO, E_NOMEM.
MUST_USE int file_copy_open(struct file_copy *c, const char *folder,
                            const struct image_file *f, uint8_t *window,
                            size_t window_len, uint8_t content[IMAGE_HASH_BYTES],
                            struct err *e);
void file_copy_close(struct file_copy *c);

#endif
