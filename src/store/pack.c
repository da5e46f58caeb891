// pack.c -- the raw answer compressed against its parsed fields.
//
// The raw answer is almost always the parsed text once more, with keys around it.  With
// the fields as dictionary LZ4 keeps little but the keys, at two microseconds an answer.
// SPDX-License-Identifier: MIT
#include "store/pack.h"

#include <lz4.h>
#include <string.h>

enum { DICT_MAX = 64 << 10, RAW_MAX = 64 << 20, WORTH_IT = 64 };

// What usually stands between the fields.  Never to be changed: it is part of what is
// kept.
static const char between[] =
    "{\"summary\": \"\", \"activity\": \"\", \"app\": \"\", "
    "\"details\": \"\", \"tags\": [\"\", \"\"], \"text\": \"\"}";

static int add_field(struct buf *dict, const char *text)
{
    size_t len = text ? strlen(text) : 0;
    size_t room = dict->max_bytes - dict->len;
    return len ? buf_add(dict, text, len < room ? len : room) : 0;
}

// Short fields first: whatever does not fit is cut at the end.
static int make_dict(const struct store_result *r, struct buf *dict)
{
    buf_init(dict, DICT_MAX);
    int rc = buf_reserve(dict, 2048);
    rc = rc ? rc : add_field(dict, between);
    rc = rc ? rc : add_field(dict, r->activity);
    rc = rc ? rc : add_field(dict, r->app);
    rc = rc ? rc : add_field(dict, r->tags);
    rc = rc ? rc : add_field(dict, r->summary);
    rc = rc ? rc : add_field(dict, r->details);
    return rc ? rc : add_field(dict, r->text);
}

static int compress(const struct buf *dict, const char *raw, size_t len, struct buf *out)
{
    LZ4_stream_t stream;
    int most = LZ4_compressBound((int)len);
    int rc = buf_reserve(out, (size_t)most);
    if (rc) {
        return rc;
    }
    // Sets the whole stream up, too.
    LZ4_loadDict(&stream, (const char *)dict->data, (int)dict->len);
    int packed =
        LZ4_compress_fast_continue(&stream, raw, (char *)out->data, (int)len, most, 1);
    out->len = packed > 0 ? (size_t)packed : 0;
    return 0;
}

int pack_raw(const struct store_result *r, struct buf *out, int64_t *raw_len)
{
    size_t len = r->raw ? strlen(r->raw) : 0;
    buf_init(out, RAW_MAX + RAW_MAX / 128);
    *raw_len = 0;
    if (len > RAW_MAX) {
        return E_TOOBIG;
    }
    int rc = 0;
    if (len >= WORTH_IT) {
        struct buf dict;
        rc = make_dict(r, &dict);
        rc = rc ? rc : compress(&dict, r->raw, len, out);
        buf_fini(&dict);
    }
    if (!rc && out->len && out->len < len) {
        *raw_len = (int64_t)len;
        return 0;
    }
    buf_clear(out);
    return rc || !len ? rc : buf_add(out, r->raw, len);
}

int unpack_raw(const struct store_result *r, const void *packed, size_t len,
               int64_t raw_len, struct buf *out)
{
    if (!raw_len) {
        return len ? buf_add(out, packed, len) : 0;
    }
    if (raw_len < 0 || raw_len > RAW_MAX || len > (size_t)raw_len) {
        return E_STORE;
    }
    struct buf dict;
    int rc = buf_reserve(out, (size_t)raw_len);
    rc = rc ? rc : make_dict(r, &dict);
    if (rc) {
        return rc;
    }
    int n = LZ4_decompress_safe_usingDict(packed, (char *)out->data + out->len, (int)len,
                                          (int)raw_len, (const char *)dict.data,
                                          (int)dict.len);
    buf_fini(&dict);
    if (n != raw_len) {
        return E_STORE;
    }
    out->len += (size_t)n;
    out->data[out->len] = 0;
    return 0;
}
