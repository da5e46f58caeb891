// feed.h -- the bytes of one picture: in memory, or in a file and read a window at a time.
//
// Large files are read by pread(2) into a window and never mapped.  Other programs write
// to these files: where a mapped one is truncated, the next access is a SIGBUS, which a
// library can only survive with a handler for the whole process, and no check of the size
// helps, because it can shrink right after.  A read that comes too short is an ordinary
// error.
//
// A picture needs several passes (hash, chunks, checksums, pixels).  The first one notes a
// sum for every window; a later window with another sum is an error, so all passes see the
// very bytes that the content hash was made of, whatever happens to the file.
//
// PNG and JPEG are read this way: their decoders take their input in parts.  Of a large
// WebP a copy is mapped (file_copy.h): libwebp's incremental decoder keeps every byte of a
// lossless picture in memory, which is what is to be saved.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_FEED_H
#define VLMD_IMAGE_FEED_H

#include "image/arena.h"
#include "image/image.h"
#include "image/image_file.h"

enum { FEED_WINDOW = 256 * 1024 };

struct feed {
    const uint8_t *bytes;  // borrowed: all of them; NULL: they are in the file
    size_t len;
    // file only
    const struct image_file *file;  // borrowed: as long as the feed
    uint8_t *window;                // borrowed: of the arena, as sums
    size_t window_len;
    size_t at;       // which window is there, counted from 0
    uint64_t *sums;  // one per window
    struct err *err;
    int rc;  // the first error; all calls fail afterwards
};

// bytes: borrowed as long as the feed.
struct feed feed_of_bytes(const uint8_t *bytes, size_t len);
// Reads the whole file once.  content: the hash of it.  window_len: FEED_WINDOW, or
// anything from 1 on (tests).
// Errors: E_NOMEM; E_CUT (it became shorter), E_IO.
MUST_USE int feed_open_file(struct feed *s, const struct image_file *f, size_t window_len,
                            struct arena *arena, uint8_t content[IMAGE_HASH_BYTES],
                            struct err *e);
// What a feed of a file of this length takes of the arena, in bytes.
int64_t feed_file_bytes(int64_t len);

// The bytes from at (< len) on that lie together, *n > 0 of them; borrowed until the next
// call.  NULL: s->rc says why.
// Errors: E_CUT (the file is another one by now), E_IO.
const uint8_t *feed_run(struct feed *s, size_t at, size_t *n);
// n bytes, which must be there.
MUST_USE int feed_read(struct feed *s, size_t at, void *out, size_t n);

#endif
