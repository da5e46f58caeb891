// jpeg_head.c -- walks the markers of a JPEG: sizes, orientation, completeness.
//
// The compressed data is only searched for the next marker.  A file without its end
// marker is still being written; a decoder would fill the rest with grey.
// Source: ITU-T T.81 annex B; Exif 2.32.
// SPDX-License-Identifier: MIT
#include "image/picture.h"

#include <string.h>

enum marker {
    M_SOF0 = 0xc0,
    M_DHT = 0xc4,
    M_JPG = 0xc8,
    M_DAC = 0xcc,
    M_SOF15 = 0xcf,
    M_RST0 = 0xd0,
    M_SOI = 0xd8,
    M_EOI = 0xd9,
    M_SOS = 0xda,
    M_APP1 = 0xe1,
    M_APP14 = 0xee,
    M_TEM = 0x01,
};

// Each scan is one more pass over the whole picture: a few bytes of file could buy hours.
enum { MAX_SCANS = 100 };

enum { MAX_COMPONENTS = 4 };

struct walk {
    struct feed *feed;
    size_t pos;
    uint8_t segment[0x10000];  // one that does not lie in one piece
    // Of each component, its name and a bit for every low frequency that is exact.
    uint8_t names[MAX_COMPONENTS];
    uint16_t exact[MAX_COMPONENTS];
};

// The next marker from pos on, which then points behind it; -1 at the end, or the feed has
// failed.
static int next_marker(struct walk *w)
{
    bool is_after_ff = false;
    while (w->pos < w->feed->len) {
        size_t n;
        const uint8_t *b = feed_run(w->feed, w->pos, &n);
        if (!b) {
            return -1;
        }
        if (is_after_ff && b[0] != 0xff && b[0] != 0) {
            w->pos++;
            return b[0];
        }
        const uint8_t *ff = memchr(b, 0xff, n);
        is_after_ff = ff != NULL;
        w->pos += ff ? (size_t)(ff - b) + 1 : n;
    }
    return -1;
}

// n bytes from pos on, all there; borrowed until the next call.  NULL: the feed has failed.
static const uint8_t *segment_at(struct walk *w, size_t pos, size_t n)
{
    size_t run;
    const uint8_t *b = feed_run(w->feed, pos, &run);
    if (!b || run >= n) {
        return b;
    }
    return feed_read(w->feed, pos, w->segment, n) ? NULL : w->segment;
}

static bool has_no_length(int marker)
{
    return marker == M_TEM || (marker >= M_RST0 && marker <= M_SOI);
}

static bool is_sof(int marker)
{
    return marker >= M_SOF0 && marker <= M_SOF15 && marker != M_DHT && marker != M_JPG &&
           marker != M_DAC;
}

// b: three bytes per component.
static void read_sampling(struct head *h, const uint8_t *b)
{
    const int luma = (b[1] >> 4) * (b[1] & 15);
    const int chroma = h->components > 1 ? (b[4] >> 4) * (b[4] & 15) : luma;
    h->max_sampling = chroma ? luma / chroma : 0;
    int across = 1, down = 1;
    for (int i = 0; i < h->components; i++) {
        const int x = b[3 * i + 1] >> 4, y = b[3 * i + 1] & 15;
        across = x > across ? x : across;
        down = y > down ? y : down;
    }
    h->mcu_width = 8 * across;
    h->mcu_height = 8 * down;
}

static int read_sof(struct head *h, struct walk *w, int marker, const uint8_t *b,
                    size_t n, struct err *e)
{
    // Baseline, extended, progressive; Huffman or arithmetic.
    const int kind = marker & 15;
    if (kind != 0 && kind != 1 && kind != 2 && kind != 9 && kind != 10) {
        return err_set(e, E_FORMAT, "this kind of JPEG (SOF%d) is not supported", kind);
    }
    if (n < 6 || n < 6 + 3 * (size_t)b[5]) {
        return err_set(e, E_CORRUPT, "the JPEG's frame header is too short");
    }
    h->bit_depth = b[0];
    h->height = (int)read_be16(b + 1);
    h->width = (int)read_be16(b + 3);
    h->components = b[5];
    h->is_progressive = kind == 2 || kind == 10;
    if (h->bit_depth != 8) {
        return err_set(e, E_FORMAT, "a JPEG of %d bits is not supported", h->bit_depth);
    }
    if (h->width == 0 || h->height == 0) {
        return err_set(e, E_CORRUPT, "the JPEG's header says %d x %d pixels", h->width,
                       h->height);
    }
    if (h->components != 1 && h->components != 3 && h->components != 4) {
        return err_set(e, E_FORMAT, "a JPEG of %d components is not supported",
                       h->components);
    }
    read_sampling(h, b + 6);
    for (int i = 0; i < h->components; i++) {
        w->names[i] = b[6 + 3 * i];
    }
    return 0;
}

// libjpeg makes up for these frequencies where they are not exact, out of the means of
// the blocks around.
enum { LOW_FROM = 1, LOW_TO = 9 };

// The first one of this name counts; a second one would stay coarse.
static int find_component(const struct walk *w, const struct head *h, uint8_t name)
{
    for (int i = 0; i < h->components; i++) {
        if (w->names[i] == name) {
            return i;
        }
    }
    return -1;
}

// A scan sends some frequencies of some components, exactly when no low bits are missing.
static void note_scan(struct walk *w, const struct head *h, const uint8_t *b, size_t n)
{
    const size_t components = n ? b[0] : 0;
    if (n < 4 + 2 * components) {
        return;
    }
    const uint8_t *script = b + 1 + 2 * components;
    unsigned bits = 0;
    for (int f = script[0]; f <= script[1] && f <= LOW_TO; f++) {
        bits |= 1u << f;
    }
    for (size_t k = 0; k < components; k++) {
        const int i = find_component(w, h, b[1 + 2 * k]);
        if (i >= 0) {
            const unsigned other = w->exact[i] & ~bits;
            w->exact[i] = (uint16_t)(script[2] & 15 ? other : other | bits);
        }
    }
}

static bool is_coarse(const struct head *h, const struct walk *w)
{
    const unsigned all = (1u << (LOW_TO + 1)) - (1u << LOW_FROM);
    for (int i = 0; h->is_progressive && i < h->components; i++) {
        if ((w->exact[i] & all) != all) {
            return true;
        }
    }
    return false;
}

// One marker segment of n bytes at b.
static int read_segment(struct head *h, struct walk *w, int marker, const uint8_t *b,
                        size_t n, struct err *e)
{
    if (is_sof(marker)) {
        if (h->width) {
            return err_set(e, E_CORRUPT, "the JPEG has two frame headers");
        }
        return read_sof(h, w, marker, b, n, e);
    }
    if (marker == M_SOS) {
        note_scan(w, h, b, n);
    }
    if (marker == M_APP1 && n >= 6 && memcmp(b, "Exif\0\0", 6) == 0) {
        h->orientation = exif_orientation(b, n);
    } else if (marker == M_APP14 && n >= 12 && memcmp(b, "Adobe", 5) == 0) {
        h->has_adobe = true;
    } else if (marker == M_SOS && ++h->scans > MAX_SCANS) {
        return err_set(e, E_CORRUPT, "the JPEG has more than %d scans", MAX_SCANS);
    }
    return 0;
}

static int cut(const struct walk *w, struct err *e)
{
    return w->feed->rc
               ? w->feed->rc
               : err_set(e, E_CUT, "the JPEG ends after %zu bytes, before its end marker",
                         w->feed->len);
}

// The segment behind its marker, which pos is behind.
static int walk_segment(struct head *h, struct walk *w, int marker, struct err *e)
{
    uint8_t length[2];
    if (w->feed->len - w->pos < 2 || feed_read(w->feed, w->pos, length, 2)) {
        return cut(w, e);
    }
    const size_t n = read_be16(length);
    if (n < 2) {
        return err_set(e, E_CORRUPT, "the JPEG has a damaged marker at byte %zu", w->pos);
    }
    if (n > w->feed->len - w->pos) {
        return err_set(e, E_CUT, "the JPEG ends after %zu bytes, inside a marker",
                       w->feed->len);
    }
    const uint8_t *b = n > 2 ? segment_at(w, w->pos + 2, n - 2) : length;
    if (!b) {
        return w->feed->rc;
    }
    w->pos += n;
    return read_segment(h, w, marker, b, n - 2, e);
}

// Up to the sizes, or up to the end of the picture.
static int walk(struct head *h, struct walk *w, bool only_sizes, struct err *e)
{
    w->pos = 2;
    while (!only_sizes || !h->width) {
        const int marker = next_marker(w);
        if (marker == M_EOI) {
            return 0;
        }
        int rc = marker < 0              ? cut(w, e)
                 : has_no_length(marker) ? 0
                                         : walk_segment(h, w, marker, e);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

int jpeg_sizes(struct head *h, const uint8_t *b, size_t len, struct err *e)
{
    struct feed s = feed_of_bytes(b, len);
    struct walk w = {.feed = &s};
    int rc = walk(h, &w, true, e);
    if (!rc && !h->width) {
        return err_set(e, E_CORRUPT, "the JPEG ends without a frame header");
    }
    return rc;
}

int jpeg_check(struct head *h, struct feed *s, struct err *e)
{
    struct walk w = {.feed = s};
    *h = (struct head){.format = IMAGE_JPEG, .orientation = 1};
    int rc = walk(h, &w, false, e);
    if (rc) {
        return rc;
    }
    if (!h->width || !h->scans) {
        return err_set(e, E_CORRUPT, "the JPEG ends without a picture");
    }
    h->file_len = w.pos;
    h->is_coarse = is_coarse(h, &w);
    return 0;
}
