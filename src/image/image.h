// image.h -- one picture made ready for a model: probe, limits, decode, shrink, encode.
//
// Sizes are checked from the header before memory is taken.  The file is never changed.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_IMAGE_H
#define VLMD_IMAGE_IMAGE_H

#include "base/buf.h"
#include "io/loop.h"
#include "io/pool.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct images;

enum image_format { IMAGE_NONE, IMAGE_PNG, IMAGE_JPEG, IMAGE_WEBP };

enum {
    IMAGE_HASH_BYTES = 16,  // XXH3-128, canonical (big-endian) form
    IMAGE_THUMB_W = 128,  // half of it: 7 blocks for a typed line, up to 8 for a pointer
    IMAGE_THUMB_H = 72,
    IMAGE_PATCH_PX = 32,  // of a model that is not known: Qwen3-VL and its kin
    IMAGE_MOST_MASKS = 512,
};

// Pixels of the source, upright.  May reach outside of it.
struct image_box {
    int x;
    int y;
    int width;
    int height;
};

struct image_config {
    int64_t max_file_bytes;  // default 64 MiB
    int max_side_px;         // default 16384
    int64_t max_pixels;      // default 40,000,000
    int64_t memory_bytes;    // budget over all threads, default 256 MiB
    int threads;             // 0 = min(cores, memory / largest allowed image), at least 1
    int quality;             // JPEG 1-100, default 75
    // Longer files are never held in memory, but read in parts or, where that can not be,
    // copied below scratch_dir, in a file without a name.  Default 50 MiB.
    int64_t most_held_bytes;
    // borrowed: as long as the images.  NULL: what can not be read in parts is held.
    const char *scratch_dir;
    int nice;     // of the threads, over the process's own, default 0
    int rest_ms;  // without a picture, after which working memory goes back, default 1000
};

struct image_req {
    // in
    const char *root;      // folder that path must stay below, links included; NULL = any
    const char *path;      // below root when root is set, else as the process sees it
    const uint8_t *bytes;  // instead of path when not NULL (fetched pictures)
    size_t bytes_len;
    int target_px;       // long side of what is sent, 0 = 768; never enlarged; the other
                         // side in proportion, rounded to nearest, at least 1
    int target_patches;  // instead of target_px when not 0: at most so many whole patches
    int patch_px;        // of the model, 0 = IMAGE_PATCH_PX
    bool keeps_small;    // a picture within target_px stays as it is, patches or not
    bool want_luma;      // also the full-size grey picture, for OCR
    bool skip_encode;    // only hash, size, luma
    bool want_png;       // also what is sent as PNG, for people
    bool as_png;         // it is sent as that: jpeg holds a PNG of the same pixels
    // Painted black in the full-size pixels before anything but content is made of them:
    // jpeg, luma and thumb show the masked picture.  For JPEG and lossy WebP they grow by
    // up to a block.  mask.h says what is left outside of them.
    const struct image_box *masks;  // borrowed: until done; none without area
    int n_masks;                    // 0 to IMAGE_MOST_MASKS
    // out; valid in done
    struct buf jpeg;  // what is sent; owned by the caller after done
    struct buf png;   // the same pixels; owned by the caller after done
    uint8_t *luma;    // width * height bytes, row after row, 0 black; owned: free()
    uint8_t content[IMAGE_HASH_BYTES];             // of the file's bytes
    uint8_t sent_hash[IMAGE_HASH_BYTES];           // of jpeg
    uint8_t thumb[IMAGE_THUMB_W * IMAGE_THUMB_H];  // mean luma per block
    enum image_format format;
    int width;  // of the source, upright
    int height;
    int sent_width;
    int sent_height;
    int64_t file_bytes;  // of the version that was read
    int64_t mtime_ns;    // 0 for bytes
    // CPU time of the thread; reading also waits for the disk.
    int64_t read_us;    // with hash and head
    int64_t decode_us;  // decode and shrink
    int64_t encode_us;
    struct err err;         // words for a person when done's err is not 0
    struct pool_work work;  // private from here on
    struct images *owner;
    void (*done)(struct image_req *r, int err);
    struct list node;  // in the owner's list of those that wait for memory
    bool has_waited;
    atomic_bool is_canceled;  // written by the loop, read by the pool thread
};

// Fills defaults for zero fields.
void image_config_default(struct image_config *c);
MUST_USE int image_open(struct images **out, struct loop *l,
                        const struct image_config *c);
// Prepares one picture: opens it below root without following links out of it, checks
// limits, decodes, shrinks, encodes, hashes.
//
// Thread: loop; the work runs in the image pool.
// Owns:   jpeg, png and luma belong to the caller after done; image_req_fini frees them.
// Errors: E_NOT_FOUND E_ACCESS E_NOT_FILE E_OUTSIDE E_TOOBIG E_FORMAT E_CORRUPT (give up);
//         E_CUT (the file is not complete yet), E_NOMEM, E_IO (retry); E_CANCELED;
//         E_FULL (no room below scratch_dir);
//         E_USAGE (neither path nor bytes, or masks that can not be painted).
void image_prepare(struct images *m, struct image_req *r,
                   void (*done)(struct image_req *r, int err));
void image_cancel(struct images *m, struct image_req *r);
void image_req_fini(struct image_req *r);
void image_close(struct images *m, void (*on_closed)(void *arg), void *arg);
int image_threads(const struct images *m);
int image_queued(const struct images *m);  // requests that wait for a thread
// Requests that wait for a thread or for memory, and those begun.
void image_load(const struct images *m, int *queued, int *running);
const char *image_format_name(enum image_format f);  // "png", "jpeg", "webp", "none"

// Format by signature, never by name.  len >= 12 gives a sure answer.
enum image_format image_probe(const uint8_t *bytes, size_t len);

// The same work, synchronously, in the calling thread (tests, benchmarks, one-shot tools).
MUST_USE int image_prepare_now(const struct image_config *c, struct image_req *r);

// ---- near-duplicates, pure

enum image_near {
    IMAGE_NEAR_OFF,
    IMAGE_NEAR_STRICT,
    IMAGE_NEAR_NORMAL,
    IMAGE_NEAR_LOOSE
};

struct image_look {
    const uint8_t *thumb;  // of an image_req
    int width, height;     // of the source, upright
};

struct image_change {
    bool is_duplicate;  // nothing that a person would care about
    int blocks;         // of the thumb that differ by more than noise, but for a clock's
    int max_diff;       // of any block, 0 to 255
    // Not counted where very many blocks differ.
    int spots;    // groups of neighbouring ones
    int widest;   // of a spot, in blocks
    int highest;  // of a spot
    int run;      // most blocks that lie close together in one row
};

// strict: noise, clock, caret.  normal: also the pointer, where it was and is.
// loose: also up to a line of text.  Pictures of different sizes are never duplicates.
struct image_change image_compare(const struct image_look *a, const struct image_look *b,
                                  enum image_near mode);
// Finds candidates among many: a few bits differ where image_compare may find a duplicate.
// Says nothing by itself.
uint64_t image_hash_look(const uint8_t *thumb);

#endif
