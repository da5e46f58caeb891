// feed.c -- windows of a file, each checked against what it held the first time.
// SPDX-License-Identifier: MIT
#include "image/feed.h"

#include "image/xxh3.h"

#include <assert.h>
#include <string.h>

struct feed feed_of_bytes(const uint8_t *bytes, size_t len)
{
    return (struct feed){.bytes = bytes, .len = len};
}

static size_t count_windows(size_t len, size_t window_len)
{
    return len / window_len + (len % window_len != 0);
}

int64_t feed_file_bytes(int64_t len)
{
    const size_t n = count_windows((size_t)len, FEED_WINDOW);
    return FEED_WINDOW + (int64_t)(n * sizeof(uint64_t)) + (int64_t)4 * ARENA_ALIGN;
}

// Of window i.
static size_t length_of(const struct feed *s, size_t i)
{
    const size_t left = s->len - i * s->window_len;
    return left < s->window_len ? left : s->window_len;
}

static int read_window(struct feed *s, size_t i)
{
    const size_t n = length_of(s, i);
    size_t got;
    s->at = i;
    s->rc = image_file_read(s->file, (int64_t)(i * s->window_len), s->window, n, &got,
                            s->err);
    if (!s->rc && got != n) {
        s->rc = err_set(s->err, E_CUT, "it became shorter while it was read");
    }
    return s->rc;
}

static uint64_t sum_of(const struct feed *s)
{
    return XXH3_64bits(s->window, length_of(s, s->at));
}

static int read_first_time(struct feed *s, XXH3_state_t *hash)
{
    const size_t n = count_windows(s->len, s->window_len);
    XXH3_128bits_reset(hash);
    for (size_t i = 0; i < n; i++) {
        if (read_window(s, i)) {
            return s->rc;
        }
        s->sums[i] = sum_of(s);
        XXH3_128bits_update(hash, s->window, length_of(s, i));
    }
    return 0;
}

int feed_open_file(struct feed *s, const struct image_file *f, size_t window_len,
                   struct arena *arena, uint8_t content[IMAGE_HASH_BYTES], struct err *e)
{
    assert(window_len > 0 && f->size > 0);
    *s = (struct feed){
        .len = (size_t)f->size, .file = f, .window_len = window_len, .err = e};
    s->window = arena_get(arena, window_len);
    s->sums = arena_get_array(arena, count_windows(s->len, window_len), sizeof(*s->sums));
    XXH3_state_t *hash = XXH3_createState();
    if (!s->window || !s->sums || !hash) {
        XXH3_freeState(hash);
        return err_set(e, E_NOMEM, "not enough memory to read the file");
    }
    int rc = read_first_time(s, hash);
    if (!rc) {
        XXH128_canonical_t canonical;
        XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(hash));
        memcpy(content, canonical.digest, IMAGE_HASH_BYTES);
    }
    XXH3_freeState(hash);
    return rc;
}

static int go_to(struct feed *s, size_t i)
{
    if (s->rc || s->at == i || read_window(s, i)) {
        return s->rc;
    }
    if (sum_of(s) != s->sums[i]) {
        s->rc = err_set(s->err, E_CUT, "it changed while it was read");
    }
    return s->rc;
}

const uint8_t *feed_run(struct feed *s, size_t at, size_t *n)
{
    assert(at < s->len);
    if (s->bytes) {
        *n = s->len - at;
        return s->bytes + at;
    }
    const size_t i = at / s->window_len, skip = at % s->window_len;
    if (go_to(s, i)) {
        return NULL;
    }
    *n = length_of(s, i) - skip;
    return s->window + skip;
}

int feed_read(struct feed *s, size_t at, void *out, size_t n)
{
    for (uint8_t *to = out; n > 0;) {
        size_t part;
        const uint8_t *from = feed_run(s, at, &part);
        if (!from) {
            return s->rc;
        }
        part = part < n ? part : n;
        memcpy(to, from, part);
        to += part;
        at += part;
        n -= part;
    }
    return 0;
}
