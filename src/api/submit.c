// submit.c -- one picture given by a program: a path, a URL, or its bytes.
// SPDX-License-Identifier: MIT
#include "api/call.h"
#include "api/spool.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "observe/trace.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct submit {
    struct vlmd *v;
    struct store_item item;
    struct store_offer offer;
    struct spool_put put;  // of bytes
    struct store_query known;
    char *traceparent;     // owned; NULL = none
    struct store_once once;
    vlmd_submit_fn *fn;
    void *arg;
};

static void free_submit(struct submit *s)
{
    free((char *)s->item.path);
    free((char *)s->item.root);
    free((char *)s->item.meta.app);
    free((char *)s->item.meta.window);
    free((char *)s->item.meta.screen);
    free((char *)s->item.meta.url);
    free((char *)s->item.tier);
    free(s->traceparent);
    free(s);
}

static void end(struct submit *s, int err, const char *words)
{
    struct vlmd *v = s->v;
    if (s->fn) {
        s->fn(s->arg, err, s->item.id, s->item.is_new, words);
    }
    free_submit(s);
    app_wake(&v->app);
    call_end(v);
}

static void on_submitted(struct store_offer *r, int err)
{
    struct submit *s = container_of(r, struct submit, offer);
    if (!err && s->traceparent) {
        trace_note_parent(&s->v->app, s->item.id, s->traceparent);
    }
    if (!err && s->put.path[0]) {
        spool_note_job(&s->v->app, s->put.path, s->item.id);
    }
    if (!err && s->put.is_new && s->item.is_ended) {
        spool_note_ended(&s->v->app, s->item.id,
                         STORE_ANSWERED);  // nobody wants the file
    }
    end(s, err, call_words(&r->err, err));
}

static void refuse_tier(void *arg)
{
    struct submit *s = arg;
    end(s, E_USAGE, s->offer.err.msg);
}

// Later, in words.
static int check_tier(struct submit *s)
{
    enum tier_depth ignored;
    if (!s->item.tier || !*s->item.tier || tier_by_name(s->item.tier, &ignored)) {
        return 0;
    }
    return err_set(&s->offer.err, E_USAGE, "tier: \"%.40s\" is none of %s, %s, %s",
                   s->item.tier, tier_name(TIER_QUICK), tier_name(TIER_STANDARD),
                   tier_name(TIER_DEEP));
}

static int stat_input(const char *path, struct store_item *it)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return E_NOT_FOUND;
    }
    it->size_bytes = st.st_size;
    it->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return S_ISREG(st.st_mode) ? 0 : E_NOT_FILE;
}

static bool is_below(const char *dir, const char *path)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/') {
        n--;
    }
    return strncmp(dir, path, n) == 0 && path[n] == '/';
}

// The allowed folder that the resolved path is in, or NULL.
static const char *find_place(const struct app *a, const char *real, char *dir)
{
    for (int i = 0; i < a->n_watched; i++) {
        if (is_below(a->watched[i], real)) {
            return a->watched[i];
        }
    }
    for (int i = 0; a->config->admin_submit_dirs[i]; i++) {
        // A folder may be named by way of links; pictures in it may not lead out.
        if (realpath(a->config->admin_submit_dirs[i], dir) && is_below(dir, real)) {
            return dir;
        }
    }
    return NULL;
}

// Of a path that leads nowhere: whether there is a file elsewhere is told to nobody, so the
// folder that there is decides.
static int gone_from(const struct app *a, const char *path)
{
    char part[PATH_MAX], real[PATH_MAX + 2], dir[PATH_MAX], *slash;
    if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part)) {
        return E_OUTSIDE;
    }
    while ((slash = strrchr(part, '/')) && slash > part) {
        *slash = 0;
        if (realpath(part, real)) {
            strcat(real, "/");
            return find_place(a, real, dir) ? E_NOT_FOUND : E_OUTSIDE;
        }
    }
    return E_OUTSIDE;
}

// A path from elsewhere: it becomes what it leads to, beneath an allowed folder.
static int confine(const struct app *a, const struct vlmd_input *in,
                   struct store_item *it)
{
    char real[PATH_MAX], dir[PATH_MAX];
    if (!realpath(in->path, real)) {
        return gone_from(a, in->path);
    }
    const char *root = find_place(a, real, dir);
    if (!root) {
        return E_OUTSIDE;
    }
    int rc = stat_input(real, it);
    if (rc == 0) {
        it->path = mem_dup(real);
        it->root = mem_dup(root);
    }
    return rc;
}

static int look_at(const struct app *a, const struct vlmd_input *in,
                   struct store_item *it)
{
    it->is_url = in->url != NULL;
    it->size_bytes = -1;
    if (in->bytes) {
        return 0;
    }
    if (in->url) {
        it->path = mem_dup(in->url);
        return 0;
    }
    if (!in->path || in->path[0] != '/') {
        return E_USAGE;
    }
    if (in->is_confined) {
        return confine(a, in, it);
    }
    int rc = stat_input(in->path, it);
    if (rc == 0) {
        it->path = mem_dup(in->path);
    }
    return rc;
}

static void fit(const char *text, char *room, size_t size)
{
    utf8_clean(text, text ? strlen(text) : 0, room, size);
}

// As much of it as a picture's own metadata can say, without what is not for the database.
static void take_meta(struct submit *s, const struct vlmd_input *in)
{
    struct ingest_meta *m = mem_new(struct ingest_meta);
    fit(in->app, m->app, sizeof(m->app));
    fit(in->window, m->window, sizeof(m->window));
    fit(in->screen, m->screen, sizeof(m->screen));
    fit(in->page_url, m->url, sizeof(m->url));
    gate_clean_meta(&s->v->app.gate, m);
    s->item.meta = (struct store_meta){
        .app = mem_dup(m->app),
        .window = mem_dup(m->window),
        .screen = mem_dup(m->screen),
        .url = mem_dup(m->url),
        .taken_at_ms = in->taken_at_ms,
    };
    free(m);
}

static void offer(struct submit *s)
{
    s->offer.items = &s->item;
    s->offer.n = 1;
    store_offer(s->v->app.store, &s->offer, on_submitted);
}

// Files are named by their contents: what was described under this name is this picture.
// It gets the time that its row knows, and so is no other version of it, which would be
// given a row of its own that ends in the old one, and a number that nobody finds again.
// Set from the loop: the file was written just now, and its folder is never a network's.
static void on_known(struct store_query *q, int err)
{
    struct submit *s = container_of(q, struct submit, known);
    const struct store_row *row = err || !q->n ? NULL : &q->rows[0];
    if (row && row->state == STORE_ENDED && row->has_result &&
        row->size_bytes == s->put.size_bytes) {
        const struct timespec at = {row->mtime_ns / 1000000000,
                                    row->mtime_ns % 1000000000};
        const struct timespec times[2] = {at, at};
        if (utimensat(AT_FDCWD, s->put.path, times, 0) == 0) {
            s->item.mtime_ns = row->mtime_ns;
        }
    }
    store_query_fini(q);
    offer(s);
}

static void on_spooled(struct spool_put *r, int err)
{
    struct submit *s = container_of(r, struct submit, put);
    if (err) {
        r->path[0] = 0;
        end(s, err, call_words(&r->err, err));
        return;
    }
    s->item.path = mem_dup(r->path);
    s->item.root = mem_dup(s->v->app.spool.dir);
    s->item.size_bytes = r->size_bytes;
    s->item.mtime_ns = r->mtime_ns;
    if (!r->is_new) {
        offer(s);
        return;
    }
    s->known.filter.path = r->path;
    s->known.order = STORE_NEWEST;
    s->known.limit = 1;
    store_query(s->v->app.store, &s->known, on_known);
}

static int check(const vlmd *v)
{
    int rc = call_check(v);
    // Only members of a batch are claimed: nobody would ever come for it.
    bool is_worker = v->app.role == VLMD_WORKER && !v->app.is_batch;
    return rc ? rc : is_worker ? 0 : E_USAGE;
}

int vlmd_submit(vlmd *v, const struct vlmd_input *in, vlmd_submit_fn *fn, void *arg)
{
    struct store_item it = {0};
    int rc = check(v);
    rc = rc ? rc : look_at(&v->app, in, &it);
    if (rc) {
        return rc;
    }
    struct submit *s = mem_new(struct submit);
    s->v = v;
    s->fn = fn;
    s->arg = arg;
    s->item = it;
    s->traceparent = mem_dup(in->traceparent);
    if (in->once) {
        memcpy(s->once.key, in->once->key, sizeof(s->once.key));
        memcpy(s->once.body, in->once->body, sizeof(s->once.body));
        s->item.once = &s->once;
    }
    s->item.priority = in->is_interactive ? STORE_INTERACTIVE : STORE_LIVE;
    take_meta(s, in);
    s->item.tier = mem_dup(in->tier);
    s->item.is_tier_due = true;
    call_begin(v);
    if (check_tier(s)) {
        return app_post(&v->app, refuse_tier, s);  // taken: see call_check
    }
    app_work(&v->app);
    if (in->bytes) {
        s->put.bytes = in->bytes;
        s->put.len = in->n_bytes;
        spool_put(&v->app, &s->put, on_spooled);
    } else {
        offer(s);
    }
    return 0;
}
