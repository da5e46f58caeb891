// pool.c -- worker threads between one queue and one list of finished works.
//
//   submit -> queue -> (thread: begin, run.., end) -> finished -> waker -> done
//   cancel:   queue ---------------------------------> finished
//
// The lock guards both lists, every work's state and err, and is_stopping.  Threads hand
// over a whole batch under one lock and wake the loop once: only when `finished` was empty,
// because the loop always takes all of it, and never with the lock held, which it takes
// first of all.
// SPDX-License-Identifier: MIT
#include "io/pool.h"

#include "base/clock.h"
#include "base/slice.h"
#include "io/waker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

// libpng and libwebp keep row tables and small arrays on the stack; musl's default of
// 128 KiB is too little and glibc's 8 MiB per thread is address space for nothing.
#define STACK_BYTES (2u << 20)
#define MAX_THREADS 256

enum { WORK_IDLE, WORK_QUEUED, WORK_BEGUN, WORK_CANCELED };

struct pool {
    // Written in open, then constant.
    struct pool_config config;
    struct loop *loop;
    char name[16];
    uv_thread_t *threads;  // owned
    int thread_count;
    // Guarded by the lock.
    uv_mutex_t lock;
    uv_cond_t wake;
    struct list queue;
    struct list finished;
    bool is_stopping;
    bool has_waker;
    int exited;
    unsigned rests;  // calls of pool_rest
    // Written under the lock, read without.
    atomic_int queued;
    atomic_int running;
    // Loop thread.
    struct waker waker;
    bool is_ending;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

static void thread_main(void *arg);
static void on_wake(struct waker *waker);

static void free_pool(struct pool *p)
{
    uv_cond_destroy(&p->wake);
    uv_mutex_destroy(&p->lock);
    free(p->threads);
    free(p);
}

static void stop_threads(struct pool *p)
{
    uv_mutex_lock(&p->lock);
    p->is_stopping = true;
    uv_cond_broadcast(&p->wake);
    uv_mutex_unlock(&p->lock);
}

static void join_threads(struct pool *p)
{
    for (int i = 0; i < p->thread_count; i++) {
        uv_thread_join(&p->threads[i]);
    }
}

// Signals belong to the host's threads.  The faults a thread causes itself stay open, so
// that the host's crash reporter sees them.
static void block_signals(sigset_t *old)
{
    sigset_t set;
    sigfillset(&set);
    static const int faults[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                 SIGTRAP, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        sigdelset(&set, faults[i]);
    }
    pthread_sigmask(SIG_BLOCK, &set, old);
}

// New threads inherit the mask, so that there is no moment without it.
static int start_threads(struct pool *p)
{
    sigset_t old;
    uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                   .stack_size = STACK_BYTES};
    int rc = 0;
    block_signals(&old);
    while (rc == 0 && p->thread_count < p->config.threads) {
        rc = uv_thread_create_ex(&p->threads[p->thread_count], &options, thread_main, p);
        p->thread_count += rc == 0;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc ? E_NOMEM : 0;
}

static struct pool *new_pool(const struct pool_config *c)
{
    struct pool *p = calloc(1, sizeof(*p));
    if (!p) {
        return NULL;
    }
    p->config = *c;
    snprintf(p->name, sizeof(p->name), "%s", c->name ? c->name : "vlmd");
    list_init(&p->queue);
    list_init(&p->finished);
    p->threads = calloc((size_t)c->threads, sizeof(p->threads[0]));
    if (!p->threads || uv_mutex_init(&p->lock)) {
        free(p->threads);
        free(p);
        return NULL;
    }
    if (uv_cond_init(&p->wake)) {
        uv_mutex_destroy(&p->lock);
        free(p->threads);
        free(p);
        return NULL;
    }
    return p;
}

// The waker comes last: a failure before it leaves no handle in the loop, and nothing to
// wait for.
int pool_open(struct pool **out, struct loop *l, const struct pool_config *c)
{
    assert(c->threads >= 1 && c->threads <= MAX_THREADS && c->batch_max >= 0);
    struct pool *p = new_pool(c);
    if (!p) {
        return E_NOMEM;
    }
    int rc = start_threads(p);
    if (rc == 0 && waker_open(&p->waker, l, on_wake)) {
        rc = E_NOMEM;
    }
    if (rc) {
        stop_threads(p);
        join_threads(p);
        free_pool(p);
        return rc;
    }
    p->loop = l;
    uv_mutex_lock(&p->lock);
    p->has_waker = true;
    uv_mutex_unlock(&p->lock);
    *out = p;
    return 0;
}

// Lock held.  True: the loop is to be woken.
static bool hand_over(struct pool *p, struct list *works)
{
    bool is_first = list_is_empty(&p->finished);
    list_splice_back(&p->finished, works);
    return is_first;
}

// Lock held.  True: the loop is to be woken.
static bool refuse(struct pool *p, struct pool_work *w)
{
    struct list one;
    list_init(&one);
    w->state = WORK_CANCELED;
    w->err = E_CANCELED;
    list_push_back(&one, &w->node);
    return hand_over(p, &one);
}

static void unlock_and_wake(struct pool *p, bool must_wake)
{
    uv_mutex_unlock(&p->lock);
    if (must_wake) {
        waker_send(&p->waker);
    }
}

void pool_submit(struct pool *p, struct pool_work *w)
{
    assert(w->run && w->done);
    assert(w->state == WORK_IDLE);
    w->pool = p;
    w->err = 0;
    snprintf(w->asker, sizeof(w->asker), "%s", p->loop->asker ? p->loop->asker : "");
    uv_mutex_lock(&p->lock);
    bool must_wake = false;
    if (p->is_stopping) {
        must_wake = refuse(p, w);
    } else {
        w->state = WORK_QUEUED;
        w->queued_us = clock_us();
        list_push_back(&p->queue, &w->node);
        atomic_fetch_add(&p->queued, 1);
        uv_cond_signal(&p->wake);
    }
    unlock_and_wake(p, must_wake);
}

void pool_cancel(struct pool *p, struct pool_work *w)
{
    bool must_wake = false;
    uv_mutex_lock(&p->lock);
    if (w->state == WORK_QUEUED) {
        list_remove(&w->node);
        atomic_fetch_sub(&p->queued, 1);
        must_wake = refuse(p, w);
    }
    unlock_and_wake(p, must_wake);
}

void pool_rest(struct pool *p)
{
    uv_mutex_lock(&p->lock);
    p->rests++;
    uv_cond_broadcast(&p->wake);
    uv_mutex_unlock(&p->lock);
}

void pool_close(struct pool *p, void (*on_closed)(void *arg), void *arg)
{
    assert(!p->on_closed && on_closed);
    p->on_closed = on_closed;
    p->closed_arg = arg;
    stop_threads(p);
}

int pool_queued(const struct pool *p)
{
    return atomic_load(&p->queued);
}

int pool_running(const struct pool *p)
{
    return atomic_load(&p->running);
}

// A thread's own.
struct member {
    void *thread;    // of thread_open
    unsigned rests;  // of the pool that it has followed
};

// Lock held, but not during the hook.
static void wait_or_rest(struct pool *p, struct member *m)
{
    if (m->rests == p->rests || !p->config.thread_rest) {
        uv_cond_wait(&p->wake, &p->lock);
        return;
    }
    m->rests = p->rests;
    uv_mutex_unlock(&p->lock);
    p->config.thread_rest(m->thread);
    uv_mutex_lock(&p->lock);
}

// Waits for works and moves up to batch_max of them to batch; false: time to go.
static bool take_batch(struct pool *p, struct member *m, struct list *batch)
{
    int room = p->config.batch_max > 1 ? p->config.batch_max : 1;
    list_init(batch);
    uv_mutex_lock(&p->lock);
    while (list_is_empty(&p->queue) && !p->is_stopping) {
        wait_or_rest(p, m);
    }
    for (; room > 0 && !list_is_empty(&p->queue); room--) {
        struct list *node = list_pop_front(&p->queue);
        container_of(node, struct pool_work, node)->state = WORK_BEGUN;
        list_push_back(batch, node);
        atomic_fetch_sub(&p->queued, 1);
        atomic_fetch_add(&p->running, 1);
    }
    uv_mutex_unlock(&p->lock);
    return !list_is_empty(batch);
}

static void tell_waits(const struct pool *p, const struct list *batch)
{
    int64_t now_us = clock_us();
    for (const struct list *node = batch->next; node != batch; node = node->next) {
        p->config.waited(p->config.arg,
                         now_us - container_of(node, struct pool_work, node)->queued_us);
    }
}

static int run_works(struct pool *p, struct list *batch, void *thread)
{
    if (p->config.waited) {
        tell_waits(p, batch);
    }
    int rc = p->config.batch_begin ? p->config.batch_begin(thread) : 0;
    if (rc) {
        return rc;
    }
    struct list *node, *tmp;
    list_each(node, tmp, batch)
    {
        struct pool_work *w = container_of(node, struct pool_work, node);
        if (p->config.work_begins) {
            p->config.work_begins(thread, w);
        }
        w->run(w, thread);
    }
    return p->config.batch_end ? p->config.batch_end(thread) : 0;
}

static void give_back(struct pool *p, struct list *batch, int rc)
{
    struct list *node, *tmp;
    uv_mutex_lock(&p->lock);
    list_each(node, tmp, batch)
    {
        container_of(node, struct pool_work, node)->err = rc;
    }
    unlock_and_wake(p, hand_over(p, batch));
}

// Linux gives every thread its own, and "this process" means this thread (setpriority(2)).
static void be_nice(int more)
{
    errno = 0;
    int now = more ? getpriority(PRIO_PROCESS, 0) : 0;
    if (more && errno == 0) {
        setpriority(PRIO_PROCESS, 0, now + more);  // beyond 19 it is 19
    }
}

static void thread_main(void *arg)
{
    struct pool *p = arg;
    struct list batch;
    pthread_setname_np(pthread_self(), p->name);
    be_nice(p->config.nice);
    if (p->config.is_keen) {
        slice_make_short();
    }
    struct member m = {0};
    if (p->config.thread_open) {
        m.thread = p->config.thread_open(p->config.arg);
    }
    while (take_batch(p, &m, &batch)) {
        give_back(p, &batch, run_works(p, &batch, m.thread));
    }
    if (p->config.thread_close) {
        p->config.thread_close(p->config.arg, m.thread);
    }
    uv_mutex_lock(&p->lock);
    p->exited++;
    unlock_and_wake(p, p->has_waker);
}

static void on_waker_closed(struct waker *waker)
{
    struct pool *p = container_of(waker, struct pool, waker);
    void (*on_closed)(void *arg) = p->on_closed;
    void *arg = p->closed_arg;
    free_pool(p);
    on_closed(arg);
}

// Joining is not waiting here: every thread has left its last statement but one.
static void close_if_drained(struct pool *p)
{
    uv_mutex_lock(&p->lock);
    bool is_drained = p->exited == p->thread_count && list_is_empty(&p->finished);
    uv_mutex_unlock(&p->lock);
    if (p->on_closed && is_drained && !p->is_ending) {
        p->is_ending = true;
        join_threads(p);
        waker_close(&p->waker, on_waker_closed);
    }
}

// The work's memory may go in its done.
static void tell_done(struct pool *p, struct pool_work *w)
{
    char asker[LOOP_ASKER];
    memcpy(asker, w->asker, sizeof(asker));
    const char *before = loop_ask_as(p->loop, asker[0] ? asker : NULL);
    w->done(w, w->err);
    loop_ask_as(p->loop, before);
}

// Takes what is finished now, not what its callbacks add: the loop gets its turn between.
static void on_wake(struct waker *waker)
{
    struct pool *p = container_of(waker, struct pool, waker);
    struct list works;
    list_init(&works);
    uv_mutex_lock(&p->lock);
    list_splice_back(&works, &p->finished);
    uv_mutex_unlock(&p->lock);
    struct list *node;
    while ((node = list_pop_front(&works))) {
        struct pool_work *w = container_of(node, struct pool_work, node);
        if (w->state == WORK_BEGUN) {
            atomic_fetch_sub(&p->running, 1);
        }
        w->state = WORK_IDLE;
        tell_done(p, w);
    }
    close_if_drained(p);
}
