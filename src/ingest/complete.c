// complete.c -- is the file there to its end, and is its name one that a watcher takes.
//
// The quick look is at the tail; only when that does not fit (some programs append data of
// their own after the picture) is the file walked from the start.
// SPDX-License-Identifier: MIT
#include "ingest/ingest.h"
#include "ingest/source.h"

#include <string.h>
#include <strings.h>

enum {
    MAX_CHUNKS = 65536,
    SCAN_BYTES = 16384,
};
// A JPEG with data after its end is searched no further than this.
#define MAX_SCAN_BYTES (INT64_C(64) << 20)

// Chunk after chunk until IEND; everything after it is somebody else's.
static int walk_png(const struct source *s)
{
    int64_t at = 8;
    for (int i = 0; i < MAX_CHUNKS; i++) {
        uint8_t head[8];
        int rc = source_read(s, at, head, sizeof(head));
        if (rc < 0) {
            return rc;
        }
        int64_t end = at + 12 + (int64_t)be32(head);
        if (end > s->size_bytes) {
            return E_CUT;
        }
        if (memcmp(head + 4, "IEND", 4) == 0) {
            return 0;
        }
        at = end;
    }
    return E_CUT;
}

static int complete_png(const struct source *s)
{
    uint8_t tail[12];
    int rc = source_read(s, s->size_bytes - 12, tail, sizeof(tail));
    if (rc == 0 && memcmp(tail, "\0\0\0\0IEND\xae\x42\x60\x82", 12) == 0) {
        return 0;
    }
    return rc == E_IO ? rc : walk_png(s);
}

// The offset behind the segment that starts at *at (its marker), past fill bytes; the
// marker itself in *marker.
static int jpeg_segment(const struct source *s, int64_t *at, int *marker)
{
    uint8_t b[4];
    int rc = source_read(s, *at, b, 2);
    for (int fill = 0; rc == 0 && b[0] == 0xff && b[1] == 0xff && fill < SCAN_BYTES;
         fill++) {
        rc = source_read(s, ++*at, b, 2);
    }
    if (rc < 0) {
        return rc;
    }
    *marker = b[1];
    if (b[0] != 0xff || b[1] == 0) {
        return E_CUT;
    }
    bool is_bare = b[1] == 0xd9 || b[1] == 0x01 || (b[1] >= 0xd0 && b[1] <= 0xd8);
    if (is_bare) {
        *at += 2;
        return 0;
    }
    rc = source_read(s, *at, b, 4);
    if (rc < 0) {
        return rc;
    }
    if (be16(b + 2) < 2) {
        return E_CUT;
    }
    *at += 2 + be16(b + 2);
    return *at <= s->size_bytes ? 0 : E_CUT;
}

// From *at to the next marker that is not part of the coded data.
static int skip_coded(const struct source *s, int64_t *at)
{
    uint8_t b[SCAN_BYTES];
    while (*at < MAX_SCAN_BYTES) {
        int n = source_read_some(s, *at, b, sizeof(b));
        if (n < 2) {
            return n < 0 ? n : E_CUT;
        }
        for (int i = 0; i + 1 < n; i++) {
            bool is_coded = b[i] != 0xff || b[i + 1] == 0 || b[i + 1] == 0xff ||
                            (b[i + 1] >= 0xd0 && b[i + 1] <= 0xd7);
            if (!is_coded) {
                *at += i;
                return 0;
            }
        }
        *at += n - 1;
    }
    return E_CUT;
}

// After the first scan started at `at`: through all scans to the end marker.
static int walk_scans(const struct source *s, int64_t at)
{
    for (int i = 0; i < MAX_CHUNKS; i++) {
        int marker = 0;
        int rc = skip_coded(s, &at);
        if (rc == 0) {
            rc = jpeg_segment(s, &at, &marker);
        }
        if (rc < 0) {
            return rc;
        }
        if (marker == 0xd9) {
            return 0;
        }
    }
    return E_CUT;
}

// An end marker inside the embedded thumbnail does not count: only one after the first
// scan does.
static int complete_jpeg(const struct source *s)
{
    int64_t at = 2;
    int marker = 0;
    for (int i = 0; i < MAX_CHUNKS && marker != 0xda; i++) {
        int rc = jpeg_segment(s, &at, &marker);
        if (rc < 0) {
            return rc;
        }
    }
    if (marker != 0xda) {
        return E_CUT;
    }
    uint8_t tail[2];
    int rc = source_read(s, s->size_bytes - 2, tail, sizeof(tail));
    if (rc == 0 && at <= s->size_bytes - 2 && tail[0] == 0xff && tail[1] == 0xd9) {
        return 0;
    }
    return rc == E_IO ? rc : walk_scans(s, at);
}

static int complete_webp(const struct source *s)
{
    uint8_t head[12];
    int rc = source_read(s, 0, head, sizeof(head));
    if (rc < 0) {
        return rc;
    }
    int64_t end = 8 + (int64_t)le32(head + 4);
    if (end > s->size_bytes || end < 20) {
        return E_CUT;
    }
    // Sizes may be written last: the chunks must fill what the header promises.
    int64_t at = 12;
    for (int i = 0; i < MAX_CHUNKS && at < end; i++) {
        rc = source_read(s, at, head, 8);
        if (rc < 0) {
            return rc;
        }
        at += 8 + (int64_t)le32(head + 4) + (le32(head + 4) & 1);
    }
    // A last odd chunk without its padding byte is common and harmless.
    return at <= end + 1 ? 0 : E_CUT;
}

int ingest_complete(int fd, int64_t size_bytes)
{
    struct source s = {.fd = fd, .size_bytes = size_bytes};
    enum source_kind kind;
    int rc = source_probe(&s, &kind);
    if (rc < 0) {
        return rc;
    }
    switch (kind) {
    case SOURCE_PNG: return complete_png(&s);
    case SOURCE_JPEG: return complete_jpeg(&s);
    case SOURCE_WEBP: return complete_webp(&s);
    case SOURCE_OTHER: break;
    }
    return E_FORMAT;
}

bool ingest_is_candidate(const char *name)
{
    static const char *const types[] = {".png", ".jpg", ".jpeg", ".webp"};
    // The same names that the trackers' own watchers leave out.
    if (name[0] == '.' || name[0] == '~' || strncmp(name, "tmp", 3) == 0 ||
        strncmp(name, "temp", 4) == 0) {
        return false;
    }
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcasecmp(dot, types[i]) == 0) {
            return true;
        }
    }
    return false;
}
