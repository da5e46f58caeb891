// payload.c -- see payload.h.  The hash only finds the place; all is compared after it.
// SPDX-License-Identifier: MIT
#include "spine/payload.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    // A file that was written just now could be written again without its times changing:
    // they are as coarse as the kernel's tick.
    YOUNG_MS = 100,
};

// Everything that the bytes depend on, but the masks.
struct want {
    struct file_version version;
    int target_px, target_patches, patch_px;
    int n_masks;
};

struct payload {
    struct lru_entry entry;
    struct want want;
    struct image_box *masks;  // owned
    struct image_req made;    // only what payload_find gives
};

// In place, zero between the fields: it is compared and hashed as bytes.
static void want_set(struct want *w, const struct file_version *v,
                     const struct image_req *r)
{
    memset(w, 0, sizeof(*w));
    w->version.dev = v->dev;
    w->version.ino = v->ino;
    w->version.size_bytes = v->size_bytes;
    w->version.mtime_ns = v->mtime_ns;
    w->version.ctime_ns = v->ctime_ns;
    w->target_px = r->target_px;
    w->target_patches = r->target_patches;
    w->patch_px = r->patch_px;
    w->n_masks = r->n_masks;
}

// FNV-1a.  Source: G. Fowler, L. C. Noll, P. Vo.
static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ b[i]) * 0x100000001b3u;
    }
    return h;
}

static void key_of(const struct want *w, const struct image_box *masks,
                   uint8_t key[LRU_KEY_BYTES])
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < LRU_KEY_BYTES / sizeof(h); i++) {
        h = mix(h + i, w, sizeof(*w));
        h = mix(h, masks, sizeof(*masks) * (size_t)w->n_masks);
        memcpy(key + i * sizeof(h), &h, sizeof(h));
    }
}

static bool is_wanted(const struct payload *p, const struct want *w,
                      const struct image_box *masks)
{
    return memcmp(&p->want, w, sizeof(*w)) == 0 &&
           (w->n_masks == 0 ||
            memcmp(p->masks, masks, sizeof(*masks) * (size_t)w->n_masks) == 0);
}

// The whole picture in grey, and forms that people look at, are made each time.
static bool is_kept_kind(const struct image_req *r)
{
    return r->path && !r->bytes && !r->want_luma && !r->want_png && !r->as_png &&
           !r->skip_encode;
}

static void payload_free(struct payload *p)
{
    buf_fini(&p->made.jpeg);
    free(p->masks);
    free(p);
}

static void on_evict(struct lru_entry *e)
{
    payload_free(container_of(e, struct payload, entry));
}

int payload_open(struct payloads *c, int64_t max_bytes, int max_items)
{
    int rc = lru_init(&c->lru, (size_t)max_bytes, (size_t)max_items, on_evict);
    c->is_open = rc == 0;
    return rc;
}

void payload_close(struct payloads *c)
{
    if (c->is_open) {
        lru_fini(&c->lru);
    }
    c->is_open = false;
}

static void copy_made(struct image_req *to, const struct image_req *from)
{
    memcpy(to->content, from->content, sizeof(to->content));
    memcpy(to->sent_hash, from->sent_hash, sizeof(to->sent_hash));
    memcpy(to->thumb, from->thumb, sizeof(to->thumb));
    to->format = from->format;
    to->width = from->width;
    to->height = from->height;
    to->sent_width = from->sent_width;
    to->sent_height = from->sent_height;
    to->file_bytes = from->file_bytes;
    to->mtime_ns = from->mtime_ns;
}

static int copy_jpeg(struct image_req *to, const struct image_req *from)
{
    buf_init(&to->jpeg, from->jpeg.max_bytes);
    return buf_add(&to->jpeg, from->jpeg.data, from->jpeg.len);
}

bool payload_find(struct payloads *c, const struct file_version *version,
                  struct image_req *r)
{
    uint8_t key[LRU_KEY_BYTES];
    if (!c->is_open || !is_kept_kind(r)) {
        return false;
    }
    struct want w;
    want_set(&w, version, r);
    key_of(&w, r->masks, key);
    struct lru_entry *e = lru_find(&c->lru, key);
    struct payload *p = e ? container_of(e, struct payload, entry) : NULL;
    if (!p || !is_wanted(p, &w, r->masks) || copy_jpeg(r, &p->made)) {
        return false;
    }
    copy_made(r, &p->made);
    return true;
}

static bool is_settled(const struct file_version *v, int64_t wall_ms)
{
    int64_t last = v->mtime_ns > v->ctime_ns ? v->mtime_ns : v->ctime_ns;
    return wall_ms - last / 1000000 >= YOUNG_MS;
}

// What was read must be what was looked at before.
static bool is_of(const struct file_version *v, const struct image_req *r)
{
    return r->file_bytes == v->size_bytes && r->mtime_ns == v->mtime_ns;
}

void payload_keep(struct payloads *c, const struct file_version *version,
                  const struct image_req *r, int64_t wall_ms)
{
    uint8_t key[LRU_KEY_BYTES];
    bool is_fit = c->is_open && is_kept_kind(r) && r->jpeg.len > 0 &&
                  is_settled(version, wall_ms) && is_of(version, r);
    if (!is_fit) {
        return;
    }
    struct payload *p = mem_new(struct payload);
    size_t mask_bytes = sizeof(r->masks[0]) * (size_t)r->n_masks;
    want_set(&p->want, version, r);
    if (r->n_masks > 0) {
        p->masks = mem_zero(mask_bytes);
        memcpy(p->masks, r->masks, mask_bytes);
    }
    copy_made(&p->made, r);
    key_of(&p->want, r->masks, key);
    if (copy_jpeg(&p->made, r) ||
        !lru_put(&c->lru, &p->entry, key, sizeof(*p) + mask_bytes + p->made.jpeg.cap)) {
        payload_free(p);
    }
}

void payload_limit(struct payloads *c, int64_t max_bytes)
{
    if (c->is_open) {
        lru_limit(&c->lru, (size_t)max_bytes);
    }
}

void payload_resize(struct payloads *c, int share_pct)
{
    if (c->is_open) {
        lru_resize(&c->lru, share_pct);
    }
}
