// exif.c -- two TIFF directories, read with every offset checked.
// SPDX-License-Identifier: MIT
#include "ingest/exif.h"

#include "ingest/source.h"

#include <stdbool.h>
#include <string.h>

enum {
    MAX_ENTRIES = 512,
    TAG_DESCRIPTION = 0x010e,
    TAG_EXIF_IFD = 0x8769,
    TAG_TAKEN = 0x9003,
    TAG_TAKEN_OFFSET = 0x9011,
    TYPE_BYTE = 1,
    TYPE_ASCII = 2,
    TYPE_LONG = 4,
    TYPE_UNDEFINED = 7,
};

struct tiff {
    const uint8_t *bytes;
    size_t len;
    bool is_big_endian;
};

struct entry {
    int tag;
    int type;
    uint32_t count;
    const uint8_t *value;  // the four bytes that hold the value or its offset
};

static uint16_t get16(const struct tiff *t, const uint8_t *p)
{
    return t->is_big_endian ? be16(p) : le16(p);
}

static uint32_t get32(const struct tiff *t, const uint8_t *p)
{
    return t->is_big_endian ? be32(p) : le32(p);
}

// The bytes of a text entry, or NULL when they lie outside.
static const uint8_t *text_of(const struct tiff *t, const struct entry *e)
{
    bool is_text =
        e->type == TYPE_ASCII || e->type == TYPE_BYTE || e->type == TYPE_UNDEFINED;
    if (!is_text) {
        return NULL;
    }
    if (e->count <= 4) {
        return e->value;
    }
    uint32_t offset = get32(t, e->value);
    return offset <= t->len && e->count <= t->len - offset ? t->bytes + offset : NULL;
}

static void copy_text(const struct tiff *t, const struct entry *e, char *out, size_t size)
{
    const uint8_t *text = text_of(t, e);
    size_t len = text && e->count < size ? e->count : text ? size - 1 : 0;
    if (len) {
        memcpy(out, text, len);
    }
    out[len] = 0;
}

static void take_entry(const struct tiff *t, const struct entry *e, struct exif *out,
                       uint32_t *exif_ifd)
{
    switch (e->tag) {
    case TAG_DESCRIPTION:
        out->description = text_of(t, e);
        out->description_len = out->description ? e->count : 0;
        break;
    case TAG_EXIF_IFD:
        *exif_ifd = e->type == TYPE_LONG && e->count == 1 ? get32(t, e->value) : 0;
        break;
    case TAG_TAKEN: copy_text(t, e, out->taken, sizeof(out->taken)); break;
    case TAG_TAKEN_OFFSET:
        copy_text(t, e, out->taken_offset, sizeof(out->taken_offset));
        break;
    default: break;
    }
}

static void read_directory(const struct tiff *t, uint32_t at, struct exif *out,
                           uint32_t *exif_ifd)
{
    if (at < 8 || at > t->len || t->len - at < 2) {
        return;
    }
    const uint8_t *p = t->bytes + at;
    size_t n = get16(t, p);
    size_t there = (t->len - at - 2) / 12;
    n = n < there ? n : there;
    p += 2;
    for (size_t i = 0; i < n && i < MAX_ENTRIES; i++, p += 12) {
        struct entry e = {.tag = get16(t, p),
                          .type = get16(t, p + 2),
                          .count = get32(t, p + 4),
                          .value = p + 8};
        take_entry(t, &e, out, exif_ifd);
    }
}

void exif_parse(const uint8_t *tiff, size_t len, struct exif *out)
{
    *out = (struct exif){0};
    struct tiff t = {.bytes = tiff, .len = len};
    if (len < 8) {
        return;
    }
    t.is_big_endian = memcmp(tiff, "MM\0*", 4) == 0;
    if (!t.is_big_endian && memcmp(tiff, "II*\0", 4) != 0) {
        return;
    }
    uint32_t exif_ifd = 0;
    uint32_t ignored = 0;
    read_directory(&t, get32(&t, tiff + 4), out, &exif_ifd);
    read_directory(&t, exif_ifd, out, &ignored);
}
