// pictures.c -- the public interface's pictures.
//
// Only what a row says is there is shown: the file is opened below the row's root, links
// out of it are not followed, and its bytes must have the hash that was described.  Small
// pictures are made by the image pool, a few at a time beside its real work, and kept.
//
//   row -> kept? -> waiting -> decode, shrink, encode (image pool) -> keep -> answer
//   row -> read whole (reader thread) -> answer
// SPDX-License-Identifier: MIT
#include "api/pictures.h"

#include "api/call.h"
#include "base/beneath.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

struct small {
    struct lru_entry entry;
    struct buf jpeg;  // owned
};

struct asked {
    struct list node;  // pictures.waiting
    struct vlmd *v;
    int size_px;  // 0 = the file itself
    vlmd_picture_fn *fn;
    void *arg;
    struct store_query query;
    char *root, *path;  // owned; path below root where there is one
    uint8_t hash[IMAGE_HASH_BYTES];
    struct image_req image;
    // reading the file
    struct pool_work work;
    struct buf bytes;
    int64_t max_bytes;
    int code;  // of the pool thread
    struct err err;
};

// ---- the answer

static void hex_of(const uint8_t *hash, char *out)
{
    for (int i = 0; i < IMAGE_HASH_BYTES; i++) {
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
    }
}

static void end(struct asked *k, int err, const struct buf *bytes, const char *type)
{
    struct vlmd *v = k->v;
    char hash[2 * IMAGE_HASH_BYTES + 1];
    hex_of(k->hash, hash);
    struct vlmd_picture p = {.type = type, .hash = hash};
    if (!err) {
        p.bytes = bytes->data;
        p.len = bytes->len;
    }
    k->fn(k->arg, err, err ? NULL : &p, call_words(&k->err, err));
    image_req_fini(&k->image);
    buf_fini(&k->bytes);
    free(k->root);
    free(k->path);
    free(k);
    call_end(v);
}

static const char *type_of(const struct buf *b)
{
    switch (image_probe(b->data, b->len)) {
    case IMAGE_PNG: return "image/png";
    case IMAGE_JPEG: return "image/jpeg";
    case IMAGE_WEBP: return "image/webp";
    case IMAGE_NONE: return NULL;
    }
    return NULL;
}

static int changed(struct asked *k)
{
    return err_set(&k->err, E_CUT, "the file is another one than was described");
}

// ---- small ones

static void on_evict(struct lru_entry *e)
{
    struct small *s = container_of(e, struct small, entry);
    buf_fini(&s->jpeg);
    free(s);
}

void pictures_open(struct pictures *p)
{
    list_init(&p->waiting);
    p->is_open = lru_init(&p->small, PICTURES_CACHE, 4096, on_evict) == 0;
}

void pictures_close(struct pictures *p)
{
    if (p->is_open) {
        lru_fini(&p->small);
        p->is_open = false;
    }
}

static void key_of(const struct asked *k, uint8_t key[LRU_KEY_BYTES])
{
    memset(key, 0, LRU_KEY_BYTES);
    memcpy(key, k->hash, sizeof(k->hash));
    memcpy(key + sizeof(k->hash), &k->size_px, sizeof(k->size_px));
}

// Takes the bytes over when there is room; they stay readable either way.
static void keep(struct asked *k)
{
    struct pictures *p = &k->v->app.pictures;
    uint8_t key[LRU_KEY_BYTES];
    struct small *s = mem_new(struct small);
    key_of(k, key);
    buf_init(&s->jpeg, k->image.jpeg.len);
    bool is_kept = p->is_open &&
                   buf_add(&s->jpeg, k->image.jpeg.data, k->image.jpeg.len) == 0 &&
                   lru_put(&p->small, &s->entry, key, s->jpeg.len + sizeof(*s));
    if (!is_kept) {
        on_evict(&s->entry);
    }
}

static void begin_next(struct app *a);

static void on_small(struct image_req *r, int err)
{
    struct asked *k = container_of(r, struct asked, image);
    struct app *a = &k->v->app;
    a->pictures.n_running--;
    if (err && r->err.msg[0]) {
        err_set(&k->err, err, "%s", r->err.msg);
    }
    if (!err && memcmp(r->content, k->hash, sizeof(k->hash)) != 0) {
        err = changed(k);
    }
    if (!err) {
        keep(k);
    }
    end(k, err, &r->jpeg, "image/jpeg");
    begin_next(a);
}

static void begin_next(struct app *a)
{
    struct pictures *p = &a->pictures;
    while (p->n_running < PICTURES_AT_A_TIME && p->n_waiting > 0) {
        struct asked *k = container_of(list_pop_front(&p->waiting), struct asked, node);
        p->n_waiting--;
        if (!p->is_open) {
            end(k, E_CANCELED, NULL, NULL);  // the image pool is being closed
            continue;
        }
        p->n_running++;
        k->image.root = k->root;
        k->image.path = k->path;
        k->image.target_px = k->size_px;
        image_prepare(a->images, &k->image, on_small);
    }
}

static void make_small(struct asked *k)
{
    struct app *a = &k->v->app;
    uint8_t key[LRU_KEY_BYTES];
    key_of(k, key);
    struct lru_entry *kept =
        a->pictures.is_open ? lru_find(&a->pictures.small, key) : NULL;
    if (kept) {
        end(k, 0, &container_of(kept, struct small, entry)->jpeg, "image/jpeg");
        return;
    }
    if (!a->images || !a->pictures.is_open ||
        a->pictures.n_waiting == PICTURES_MOST_WAITING) {
        end(k, E_BUSY, NULL, NULL);
        return;
    }
    a->pictures.n_waiting++;
    list_push_back(&a->pictures.waiting, &k->node);
    begin_next(a);
}

// ---- the file itself

static int read_all(int fd, struct buf *out, int64_t size)
{
    buf_init(out, (size_t)size);
    int rc = buf_reserve(out, (size_t)size);
    while (rc == 0 && out->len < (size_t)size) {
        ssize_t n = read(fd, out->data + out->len, (size_t)size - out->len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n ? E_IO : E_CUT;
        }
        out->len += (size_t)n;
    }
    return rc;
}

static bool has_hash(const struct buf *b, const uint8_t *hash)
{
    XXH128_canonical_t own;
    XXH128_canonicalFromHash(&own, XXH3_128bits(b->data, b->len));
    return memcmp(own.digest, hash, IMAGE_HASH_BYTES) == 0;
}

static void read_run(struct pool_work *work, void *thread)
{
    struct asked *k = container_of(work, struct asked, work);
    struct file_version version;
    int root = k->root ? beneath_root(k->root) : BENEATH_ANY;
    (void)thread;
    k->code = root < 0 && root != BENEATH_ANY ? root : 0;
    int fd = k->code ? -1 : beneath_open_file(root, k->path, &version);
    if (k->code == 0 && fd < 0) {
        k->code = fd;
    }
    if (k->code == 0) {
        k->code = version.size_bytes > k->max_bytes
                      ? E_TOOBIG
                      : read_all(fd, &k->bytes, version.size_bytes);
    }
    if (k->code == 0 && !has_hash(&k->bytes, k->hash)) {
        k->code = changed(k);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (root >= 0) {
        close(root);
    }
}

static void read_done(struct pool_work *work, int err)
{
    struct asked *k = container_of(work, struct asked, work);
    err = err ? err : k->code;
    const char *type = err ? NULL : type_of(&k->bytes);
    end(k, err ? err : type ? 0 : E_FORMAT, &k->bytes, type);
}

static void read_whole(struct asked *k)
{
    struct app *a = &k->v->app;
    if (!a->reader) {
        end(k, E_BUSY, NULL, NULL);
        return;
    }
    k->max_bytes = a->config->image.max_file_bytes;
    k->work.run = read_run;
    k->work.done = read_done;
    pool_submit(a->reader, &k->work);
}

// ---- the row

static void take_place(struct asked *k, const struct store_row *row)
{
    size_t n = strlen(row->root);
    while (n > 0 && row->root[n - 1] == '/') {
        n--;
    }
    bool is_below = n > 0 && strncmp(row->path, row->root, n) == 0 && row->path[n] == '/';
    k->root = is_below ? mem_dup(row->root) : NULL;
    k->path = mem_dup(is_below ? row->path + n + 1 : row->path);
    memcpy(k->hash, row->content, sizeof(k->hash));
}

static void on_row(struct store_query *q, int err)
{
    struct asked *k = container_of(q, struct asked, query);
    if (err) {
        k->err = q->err;
    } else if (q->n == 0) {
        err = err_set(&k->err, E_NOT_FOUND, "there is no such picture");
    } else if (q->rows[0].is_address_removed) {
        err = err_set(&k->err, E_NOT_FOUND,
                      "where it was is not known any more: its path held a secret");
    } else if (q->rows[0].is_url || !q->rows[0].has_content) {
        err = err_set(&k->err, E_NOT_FOUND, "no file of it was read");
    } else {
        take_place(k, &q->rows[0]);
    }
    store_query_fini(q);
    if (err) {
        end(k, err, NULL, NULL);
    } else if (k->size_px) {
        make_small(k);
    } else {
        read_whole(k);
    }
}

int vlmd_picture(vlmd *v, int64_t id, int size_px, vlmd_picture_fn *fn, void *arg)
{
    int rc = call_check(v);
    if (rc || v->app.role != VLMD_WORKER || size_px < 0 || size_px > 4096) {
        return rc ? rc : E_USAGE;
    }
    struct asked *k = mem_new(struct asked);
    k->v = v;
    k->size_px = size_px;
    k->fn = fn;
    k->arg = arg;
    k->query.filter.id = id;
    k->query.limit = 1;
    call_begin(v);
    store_query(v->app.store, &k->query, on_row);
    return 0;
}
