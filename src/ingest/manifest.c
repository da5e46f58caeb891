// manifest.c -- the loop's side of batch input: slices of reading, delivered in order.
//
// The next slice is read only when everything from the last one was delivered, so a paused
// consumer stops the reading, whatever the size of the input.
// SPDX-License-Identifier: MIT
#include "ingest/manifest.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct manifest {
    struct pool *pool;
    struct manifest_events events;
    struct pool_work work;
    bool is_reading;  // a slice is under way
    bool is_paused;
    bool has_ended;  // on_end was called
    bool is_delivering;
    bool is_closing;
    int stop_fd;
    int next;  // item to deliver
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    struct reader reader;  // the thread's while is_reading
};

static void slice_run(struct pool_work *work, void *thread);
static void slice_done(struct pool_work *work, int err);

static void read_on(struct manifest *m)
{
    if (m->is_reading || m->is_paused || m->is_closing || m->has_ended) {
        return;
    }
    m->is_reading = true;
    m->work = (struct pool_work){.run = slice_run, .done = slice_done};
    pool_submit(m->pool, &m->work);
}

int manifest_open(struct manifest **out, struct loop *l, const struct ingest_config *c,
                  const char *const *inputs, int n_inputs,
                  const struct manifest_events *events)
{
    struct manifest *m = mem_new(struct manifest);
    m->events = *events;
    m->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = m->stop_fd < 0 ? err_from_errno(errno) : 0;
    if (rc == 0) {
        struct pool_config pc = {.name = "vlmd-input", .threads = 1};
        rc = pool_open(&m->pool, l, &pc);
    }
    if (rc < 0) {
        if (m->stop_fd >= 0) {
            close(m->stop_fd);
        }
        free(m);
        return rc;
    }
    reader_init(&m->reader, inputs, n_inputs, c, m->stop_fd);
    read_on(m);
    *out = m;
    return 0;
}

void manifest_pause(struct manifest *m, bool is_paused)
{
    m->is_paused = is_paused;
    // What is left of a batch is delivered from the loop, not from inside this call.
    if (!m->is_delivering) {
        read_on(m);
    }
}

static void slice_run(struct pool_work *work, void *thread)
{
    struct manifest *m = container_of(work, struct manifest, work);
    (void)thread;
    // After a pause there may be undelivered items: nothing to read then.
    if (m->reader.n == 0) {
        reader_fill(&m->reader);
    }
}

static void deliver_one(struct manifest *m, const struct reader_item *it)
{
    if (it->code < 0) {
        m->events.on_problem(m->events.arg, it->path, it->code, it->words);
        return;
    }
    struct sighting s = {.root = it->root,
                         .path = it->path,
                         .url = it->url,
                         .size_bytes = it->size_bytes,
                         .mtime_ns = it->mtime_ns,
                         .tier = it->tier};
    if (it->meta) {
        s.meta = *it->meta;
    }
    m->events.on_sighting(m->events.arg, &s);
}

static void slice_done(struct pool_work *work, int err)
{
    struct manifest *m = container_of(work, struct manifest, work);
    struct reader *r = &m->reader;
    m->is_reading = false;
    // The callbacks may pause or close.
    m->is_delivering = true;
    while (m->next < r->n && err == 0 && !m->is_paused && !m->is_closing) {
        deliver_one(m, &r->items[m->next++]);
    }
    m->is_delivering = false;
    if (m->next < r->n || m->is_closing) {
        return;  // manifest_pause(false) or close goes on
    }
    reader_clear(r);
    m->next = 0;
    if (r->is_end && !m->is_paused) {
        m->has_ended = true;
        m->events.on_end(m->events.arg, r->err, r->err_words);
        return;
    }
    read_on(m);
}

static void on_pool_closed(void *arg)
{
    struct manifest *m = arg;
    void (*on_closed)(void *arg) = m->on_closed;
    void *on_closed_arg = m->on_closed_arg;
    reader_fini(&m->reader);
    close(m->stop_fd);
    free(m);
    if (on_closed) {
        on_closed(on_closed_arg);
    }
}

void manifest_close(struct manifest *m, void (*on_closed)(void *arg), void *arg)
{
    assert(!m->is_closing);
    m->is_closing = true;
    m->on_closed = on_closed;
    m->on_closed_arg = arg;
    // The thread may be waiting for standard input.
    uint64_t one = 1;
    ssize_t n = write(m->stop_fd, &one, sizeof(one));
    assert(n == sizeof(one));
    (void)n;
    pool_close(m->pool, on_pool_closed, m);
}
