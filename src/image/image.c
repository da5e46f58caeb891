// image.c -- requests on their way through the image pool, and who may use the memory.
//
// A picture that finds the memory budget taken by others comes back and waits; while one
// waits, new ones queue behind it, and it runs alone as soon as the pool is empty.  So
// the budget holds, the largest allowed picture gets its turn, and no thread ever blocks.
//
//   prepare -> pool -> done
//               |  ^
//       E_BUSY  v  |  pool empty
//              waiting
// SPDX-License-Identifier: MIT
#include "image/image.h"

#include "base/mem.h"
#include "image/prepare.h"
#include "image/trim.h"
#include "io/timer.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define MIB ((int64_t)1024 * 1024)

enum {
    MAX_THREADS = 64,
    MAX_SIDE_PX = 65500,  // of the JPEG that is made
};

struct images {
    struct image_config config;
    struct budget budget;
    struct worker *workers;  // owned; one per thread
    atomic_int opened;       // workers given to threads
    struct pool *pool;       // owned
    struct list waiting;     // for memory
    int in_pool;             // requests
    struct timer rest;       // the pool is empty: until its memory goes back
    bool is_closing;
    void (*on_closed)(void *arg);
    void *arg;
};

static int64_t or_default(int64_t v, int64_t fallback)
{
    return v > 0 ? v : fallback;
}

static int count_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        return CPU_COUNT(&set);
    }
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < MAX_THREADS ? (int)n : 1;
}

// The largest allowed picture as planes; one that takes more waits for the others.
static int default_threads(const struct image_config *c)
{
    const int64_t largest = c->max_pixels + c->max_pixels / 2;
    const int64_t fitting = c->memory_bytes / largest;
    const int64_t cores = count_cores();
    const int64_t n = cores < fitting ? cores : fitting;
    return n < 1 ? 1 : (int)n;
}

void image_config_default(struct image_config *c)
{
    c->max_file_bytes = or_default(c->max_file_bytes, 64 * MIB);
    c->max_side_px = (int)or_default(c->max_side_px, 16384);
    c->max_pixels = or_default(c->max_pixels, 40000000);
    c->memory_bytes = or_default(c->memory_bytes, 256 * MIB);
    c->quality = (int)or_default(c->quality, 75);
    c->most_held_bytes = or_default(c->most_held_bytes, 50 * MIB);
    c->max_side_px = c->max_side_px < MAX_SIDE_PX ? c->max_side_px : MAX_SIDE_PX;
    c->quality = c->quality < 100 ? c->quality : 100;
    c->rest_ms = (int)or_default(c->rest_ms, 1000);
    c->threads = (int)or_default(c->threads, default_threads(c));
    c->threads = c->threads < MAX_THREADS ? c->threads : MAX_THREADS;
}

static void *on_thread_open(void *arg)
{
    struct images *m = arg;
    const int i = atomic_fetch_add(&m->opened, 1);
    assert(i < m->config.threads);
    return &m->workers[i];
}

static void on_thread_rest(void *thread)
{
    (void)thread;
    trim_heap();
}

int image_open(struct images **out, struct loop *l, const struct image_config *c)
{
    struct images *m = mem_new(struct images);
    m->config = *c;
    image_config_default(&m->config);
    m->budget.max = m->config.memory_bytes;
    list_init(&m->waiting);
    const int n = m->config.threads;
    m->workers = mem_zero((size_t)n * sizeof(*m->workers));
    for (int i = 0; i < n; i++) {
        m->workers[i].budget = &m->budget;
        m->workers[i].keep = m->config.memory_bytes / n / 2;
    }
    const struct pool_config pc = {
        .name = "vlmd-image",
        .threads = n,
        .nice = m->config.nice,
        .arg = m,
        .thread_open = on_thread_open,
        .thread_rest = on_thread_rest,
    };
    int rc = pool_open(&m->pool, l, &pc);
    if (rc) {
        free(m->workers);
        free(m);
        return rc;
    }
    timer_open(&m->rest, l);
    *out = m;
    return 0;
}

int image_threads(const struct images *m)
{
    return m->config.threads;
}

int image_queued(const struct images *m)
{
    return pool_queued(m->pool);
}

// ---- one request

static void image_run(struct pool_work *w, void *thread)
{
    struct image_req *r = container_of(w, struct image_req, work);
    // The code stays in r->err; image_done reads it.
    (void)!picture_prepare(r, &r->owner->config, thread);
}

static void image_done(struct pool_work *w, int err);

static void submit(struct images *m, struct image_req *r)
{
    m->in_pool++;
    timer_stop(&m->rest);
    r->work = (struct pool_work){.run = image_run, .done = image_done};
    pool_submit(m->pool, &r->work);
}

void image_prepare(struct images *m, struct image_req *r,
                   void (*done)(struct image_req *r, int err))
{
    assert(!m->is_closing);
    r->owner = m;
    r->done = done;
    r->node = (struct list){0};
    r->has_waited = false;
    atomic_store(&r->is_canceled, false);
    if (list_is_empty(&m->waiting)) {
        submit(m, r);
    } else {
        list_push_back(&m->waiting, &r->node);
    }
}

void image_cancel(struct images *m, struct image_req *r)
{
    atomic_store(&r->is_canceled, true);
    if (!list_is_linked(&r->node)) {
        pool_cancel(m->pool, &r->work);
    }
}

// ---- memory goes back

static void give_memory_back(struct images *m)
{
    for (int i = 0; i < m->config.threads; i++) {
        worker_release(&m->workers[i]);
    }
    if (!m->is_closing) {
        pool_rest(m->pool);
    }
}

static void on_rest(struct timer *t)
{
    give_memory_back(container_of(t, struct images, rest));
}

// The pool is empty.  Those that wait go in; one that found the memory taken goes alone.
// When none waits memory stays for a moment: the next picture would have to take it page by
// page again, and with a slow backend the pool is empty after nearly every one.
static void on_pool_empty(struct images *m)
{
    if (list_is_empty(&m->waiting) && !m->is_closing) {
        timer_start(&m->rest, m->config.rest_ms, on_rest);
        return;
    }
    give_memory_back(m);
    while (!list_is_empty(&m->waiting)) {
        struct image_req *r = list_first(&m->waiting, struct image_req, node);
        if (r->has_waited && m->in_pool > 0) {
            return;
        }
        list_remove(&r->node);
        submit(m, r);
        if (r->has_waited) {
            return;
        }
    }
}

static void image_done(struct pool_work *w, int err)
{
    struct image_req *r = container_of(w, struct image_req, work);
    struct images *m = r->owner;
    int rc = err ? err : r->err.code;
    m->in_pool--;
    const bool must_wait = rc == E_BUSY && !m->is_closing;
    if (must_wait) {
        r->has_waited = true;
        list_push_front(&m->waiting, &r->node);
    }
    if (m->in_pool == 0) {
        on_pool_empty(m);
    }
    if (must_wait) {
        return;
    }
    if (rc == E_CANCELED || rc == E_BUSY || atomic_load(&r->is_canceled)) {
        image_req_fini(r);
        rc = err_set(&r->err, E_CANCELED, "it was canceled");
    }
    r->done(r, rc);
}

void image_req_fini(struct image_req *r)
{
    buf_fini(&r->jpeg);
    buf_fini(&r->png);
    free(r->luma);
    r->luma = NULL;
}

// ---- closing

static void on_rest_closed(struct timer *t)
{
    struct images *m = container_of(t, struct images, rest);
    void (*on_closed)(void *) = m->on_closed;
    void *closed_arg = m->arg;
    free(m->workers);
    free(m);
    on_closed(closed_arg);
}

static void on_pool_closed(void *arg)
{
    struct images *m = arg;
    assert(m->in_pool == 0 && list_is_empty(&m->waiting));
    for (int i = 0; i < m->config.threads; i++) {
        worker_release(&m->workers[i]);
    }
    timer_close(&m->rest, on_rest_closed);
}

// Those that wait for memory get one more try; it may end with E_CANCELED.
void image_close(struct images *m, void (*on_closed)(void *arg), void *arg)
{
    assert(!m->is_closing);
    m->is_closing = true;
    m->on_closed = on_closed;
    m->arg = arg;
    struct list *node;
    while ((node = list_pop_front(&m->waiting))) {
        submit(m, container_of(node, struct image_req, node));
    }
    pool_close(m->pool, on_pool_closed, m);
}

void image_load(const struct images *m, int *queued, int *running)
{
    *queued = pool_queued(m->pool);
    *running = pool_running(m->pool);
    for (const struct list *n = m->waiting.next; n != &m->waiting; n = n->next) {
        (*queued)++;
    }
}

int image_prepare_now(const struct image_config *c, struct image_req *r)
{
    struct image_config config = *c;
    image_config_default(&config);
    struct budget budget = {.max = config.memory_bytes};
    struct worker w = {.budget = &budget, .keep = 0};
    atomic_store(&r->is_canceled, false);
    int rc = picture_prepare(r, &config, &w);
    worker_release(&w);
    return rc;
}
