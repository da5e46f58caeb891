// meta.c -- finds the metadata chunks of PNG, JPEG and WebP and reads a tracker's JSON.
//
// Only chunk heads and metadata chunks are read, never pixels.  Everything comes from
// outside: chunk counts and sizes have limits, and nothing found is trusted further than
// as a short clean text.
// SPDX-License-Identifier: MIT
#include "ingest/meta.h"

#include "base/beneath.h"
#include "base/json.h"
#include "base/utf8.h"
#include "ingest/beside.h"
#include "ingest/exif.h"
#include "ingest/taken.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_CHUNKS = 16384,
    MAX_TEXT_BYTES = 65536,
    MAX_EXIF_BYTES = 1 << 20,
};

struct reading {
    struct ingest_meta *out;
    bool has_tracker;
    int64_t exif_taken_ms;
};

static void take_str(const struct cJSON *json, const char *key, char *out, size_t size)
{
    const char *value = json_get_str(json, key);
    if (value) {
        utf8_clean(value, strlen(value), out, size);
    }
}

// One JSON object as trackers write it; any other text is somebody's caption.
static void take_json(struct reading *r, const uint8_t *text, size_t len)
{
    while (len && (text[len - 1] == 0 || text[len - 1] == ' ' || text[len - 1] == '\n')) {
        len--;
    }
    if (len == 0 || text[0] != '{' || len > MAX_TEXT_BYTES) {
        return;
    }
    struct cJSON *json = json_parse((const char *)text, len);
    if (!json) {
        return;
    }
    struct ingest_meta *m = r->out;
    take_str(json, "active_app", m->app, sizeof(m->app));
    take_str(json, "active_window", m->window, sizeof(m->window));
    take_str(json, "screen_name", m->screen, sizeof(m->screen));
    take_str(json, "url", m->url, sizeof(m->url));
    const char *stamp = json_get_str(json, "timestamp");
    m->taken_at_ms = stamp ? taken_from_stamp(stamp) : 0;
    m->is_thumbnail = json_get_bool(json, "is_thumbnail", false) ||
                      json_get_int(json, "is_thumbnail", 0) != 0;
    json_free(json);
    r->has_tracker = true;
}

static void take_exif(struct reading *r, const uint8_t *p, size_t len)
{
    if (len >= 6 && memcmp(p, "Exif\0\0", 6) == 0) {
        p += 6;
        len -= 6;
    }
    // Old tracker files carry the bare JSON in the EXIF chunk.
    if (len && p[0] == '{') {
        take_json(r, p, len);
        return;
    }
    struct exif exif;
    exif_parse(p, len, &exif);
    if (exif.description) {
        take_json(r, exif.description, exif.description_len);
    }
    if (!r->exif_taken_ms) {
        r->exif_taken_ms = taken_from_exif(exif.taken, exif.taken_offset);
    }
}

static size_t after_nul(const uint8_t *p, size_t at, size_t len)
{
    const uint8_t *nul = at < len ? memchr(p + at, 0, len - at) : NULL;
    return nul ? (size_t)(nul - p) + 1 : len;
}

// tEXt: keyword 0 text.  iTXt: keyword 0 compressed method language 0 keyword 0 text.
static void take_png_text(struct reading *r, const uint8_t *p, size_t len, bool is_itxt)
{
    static const char keyword[] = "Description";
    if (len < sizeof(keyword) || memcmp(p, keyword, sizeof(keyword)) != 0) {
        return;
    }
    size_t at = sizeof(keyword);
    if (is_itxt) {
        if (len - at < 2 || p[at] != 0) {
            return;
        }
        at = after_nul(p, after_nul(p, at + 2, len), len);
    }
    take_json(r, p + at, len - at);
}

// Reads one chunk's payload and hands it on.  Too big ones are no metadata of ours.
static int with_payload(const struct source *s, int64_t at, uint32_t len, uint32_t max,
                        struct reading *r,
                        void (*take)(struct reading *r, const uint8_t *p, size_t len))
{
    if (at + (int64_t)len > s->size_bytes) {
        return E_CUT;
    }
    if (len == 0 || len > max) {
        return 0;
    }
    uint8_t *p = malloc(len);
    if (!p) {
        return E_NOMEM;
    }
    int rc = source_read(s, at, p, len);
    if (rc == 0) {
        take(r, p, len);
    }
    free(p);
    return rc;
}

static void take_text_chunk(struct reading *r, const uint8_t *p, size_t len)
{
    take_png_text(r, p, len, false);
}

static void take_itxt_chunk(struct reading *r, const uint8_t *p, size_t len)
{
    take_png_text(r, p, len, true);
}

static int take_png_chunk(const struct source *s, const uint8_t head[8], int64_t at,
                          struct reading *r)
{
    uint32_t len = be32(head);
    if (memcmp(head + 4, "tEXt", 4) == 0) {
        return with_payload(s, at, len, MAX_TEXT_BYTES, r, take_text_chunk);
    }
    if (memcmp(head + 4, "iTXt", 4) == 0) {
        return with_payload(s, at, len, MAX_TEXT_BYTES, r, take_itxt_chunk);
    }
    if (memcmp(head + 4, "eXIf", 4) == 0) {
        return with_payload(s, at, len, MAX_EXIF_BYTES, r, take_exif);
    }
    return 0;
}

static int scan_png(const struct source *s, struct reading *r)
{
    int64_t at = 8;
    for (int i = 0; i < MAX_CHUNKS; i++) {
        uint8_t head[8];
        int rc = source_read(s, at, head, sizeof(head));
        if (rc == 0) {
            rc = take_png_chunk(s, head, at + 8, r);
        }
        if (rc < 0) {
            return rc;
        }
        at += 12 + (int64_t)be32(head);
        if (memcmp(head + 4, "IEND", 4) == 0) {
            return at <= s->size_bytes ? 0 : E_CUT;
        }
    }
    return 0;
}

static void take_app1(struct reading *r, const uint8_t *p, size_t len)
{
    if (len > 6 && memcmp(p, "Exif\0\0", 6) == 0) {
        take_exif(r, p, len);
    }
}

// Up to the first scan: metadata stands before the pixels.
static int scan_jpeg(const struct source *s, struct reading *r)
{
    int64_t at = 2;
    for (int i = 0; i < MAX_CHUNKS; i++) {
        uint8_t b[4];
        int rc = source_read(s, at, b, sizeof(b));
        if (rc < 0) {
            return rc;
        }
        if (b[0] != 0xff || b[1] == 0xda || b[1] == 0xd9) {
            return 0;
        }
        bool is_bare = b[1] == 0xff || b[1] == 0x01 || (b[1] >= 0xd0 && b[1] <= 0xd8);
        if (is_bare) {
            at += b[1] == 0xff ? 1 : 2;
            continue;
        }
        uint32_t len = be16(b + 2);
        if (len < 2) {
            return 0;
        }
        if (b[1] == 0xe1) {
            rc = with_payload(s, at + 4, len - 2, MAX_EXIF_BYTES, r, take_app1);
        }
        if (rc < 0) {
            return rc;
        }
        at += 2 + (int64_t)len;
    }
    return 0;
}

static int scan_webp(const struct source *s, struct reading *r)
{
    uint8_t head[12];
    int rc = source_read(s, 0, head, sizeof(head));
    if (rc < 0) {
        return rc;
    }
    int64_t end = 8 + (int64_t)le32(head + 4);
    if (end > s->size_bytes) {
        return E_CUT;
    }
    int64_t at = 12;
    for (int i = 0; i < MAX_CHUNKS && at + 8 <= end && rc == 0; i++) {
        rc = source_read(s, at, head, 8);
        uint32_t len = rc == 0 ? le32(head + 4) : 0;
        if (rc == 0 && memcmp(head, "EXIF", 4) == 0) {
            rc = with_payload(s, at + 8, len, MAX_EXIF_BYTES, r, take_exif);
        }
        at += 8 + (int64_t)len + (len & 1);
    }
    return rc;
}

void meta_derive_app(struct ingest_meta *m)
{
    const char *dash = m->app[0] ? NULL : strstr(m->window, " - ");
    if (dash) {
        utf8_clean(m->window, (size_t)(dash - m->window), m->app, sizeof(m->app));
    }
}

int meta_scan(const struct source *s, const char *name, struct ingest_meta *out,
              bool *has_tracker)
{
    *out = (struct ingest_meta){0};
    struct reading r = {.out = out};
    enum source_kind kind;
    int rc = source_probe(s, &kind);
    if (rc == 0) {
        switch (kind) {
        case SOURCE_PNG: rc = scan_png(s, &r); break;
        case SOURCE_JPEG: rc = scan_jpeg(s, &r); break;
        case SOURCE_WEBP: rc = scan_webp(s, &r); break;
        case SOURCE_OTHER: rc = E_FORMAT; break;
        }
    }
    meta_derive_app(out);
    int64_t name_ms = name ? taken_from_name(name) : 0;
    if (out->taken_at_ms) {
        bool is_tracker = name && taken_is_tracker_name(name);
        out->taken_at_ms = taken_correct_dst(out->taken_at_ms, is_tracker ? name_ms : 0);
    } else {
        out->taken_at_ms = r.exif_taken_ms ? r.exif_taken_ms : name_ms;
    }
    *has_tracker = r.has_tracker;
    return rc;
}

static int read_file(struct meta_req *r)
{
    int root_fd = r->root ? beneath_root(r->root) : BENEATH_ANY;
    if (r->root && root_fd < 0) {
        return root_fd;
    }
    struct file_version v;
    int fd = beneath_open_file(root_fd, r->path, &v);
    int rc = fd < 0 ? fd : 0;
    if (fd >= 0) {
        r->version = v;
        const char *slash = strrchr(r->path, '/');
        struct source s = {.fd = fd, .size_bytes = v.size_bytes};
        bool has_tracker;
        rc = meta_scan(&s, slash ? slash + 1 : r->path, &r->meta, &has_tracker);
        close(fd);
    }
    if (rc == 0) {
        if (!r->ignores_beside) {
            beside_read(root_fd, r->path, r);
        }
        meta_derive_app(&r->meta);
    }
    if (root_fd >= 0) {
        close(root_fd);
    }
    return rc;
}

int meta_read_now(struct meta_req *r)
{
    r->meta = (struct ingest_meta){0};
    r->beside = NULL;
    r->is_beside_cut = false;
    if (r->bytes) {
        struct source s = {.bytes = r->bytes, .size_bytes = (int64_t)r->bytes_len};
        bool has_tracker;
        return meta_scan(&s, NULL, &r->meta, &has_tracker);
    }
    return r->path ? read_file(r) : E_USAGE;
}

static void read_run(struct pool_work *work, void *thread)
{
    struct meta_req *r = container_of(work, struct meta_req, work);
    (void)thread;
    // The pool reports only its own errors; ours wait here for done.
    r->rc = meta_read_now(r);
}

static void read_done(struct pool_work *work, int err)
{
    struct meta_req *r = container_of(work, struct meta_req, work);
    r->done(r, err < 0 ? err : r->rc);
}

void meta_read(struct pool *p, struct meta_req *r,
               void (*done)(struct meta_req *r, int err))
{
    r->done = done;
    r->work = (struct pool_work){.run = read_run, .done = read_done};
    pool_submit(p, &r->work);
}
