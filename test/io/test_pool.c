// test_pool.c -- the thread pool: order, cancel, batches, closing, failing to open.
// SPDX-License-Identifier: MIT
#include "io/pool.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <cmocka.h>

// --- faults: the call number fail_at of a wrapped function fails ----------------------

enum fault {
    FAULT_NONE,
    FAULT_CALLOC,
    FAULT_THREAD,
    FAULT_EVENTFD,
    FAULT_POLL,
    FAULT_MUTEX,
    FAULT_COND
};

static enum fault fault;
static int fail_at;

static bool is_due(enum fault f)
{
    return fault == f && --fail_at == 0;
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    return is_due(FAULT_CALLOC) ? NULL : __real_calloc(n, size);
}

int __real_uv_thread_create_ex(uv_thread_t *t, const uv_thread_options_t *o,
                               uv_thread_cb cb, void *arg);
int __wrap_uv_thread_create_ex(uv_thread_t *t, const uv_thread_options_t *o,
                               uv_thread_cb cb, void *arg);
int __wrap_uv_thread_create_ex(uv_thread_t *t, const uv_thread_options_t *o,
                               uv_thread_cb cb, void *arg)
{
    return is_due(FAULT_THREAD) ? UV_EAGAIN : __real_uv_thread_create_ex(t, o, cb, arg);
}

int __real_uv_poll_init(uv_loop_t *l, uv_poll_t *p, int fd);
int __wrap_uv_poll_init(uv_loop_t *l, uv_poll_t *p, int fd);
int __wrap_uv_poll_init(uv_loop_t *l, uv_poll_t *p, int fd)
{
    return is_due(FAULT_POLL) ? UV_ENOMEM : __real_uv_poll_init(l, p, fd);
}

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags)
{
    if (is_due(FAULT_EVENTFD)) {
        errno = EMFILE;
        return -1;
    }
    return __real_eventfd(count, flags);
}

// A sender that is put aside as soon as the loop knows (caught is posted), until sender is.
static uv_sem_t caught, sender;
static atomic_bool holds_sender;

int __real_eventfd_write(int fd, eventfd_t n);
int __wrap_eventfd_write(int fd, eventfd_t n);
int __wrap_eventfd_write(int fd, eventfd_t n)
{
    int rc = __real_eventfd_write(fd, n);
    if (atomic_load(&holds_sender)) {
        uv_sem_post(&caught);
        uv_sem_wait(&sender);
    }
    return rc;
}

int __real_uv_mutex_init(uv_mutex_t *m);
int __wrap_uv_mutex_init(uv_mutex_t *m);
int __wrap_uv_mutex_init(uv_mutex_t *m)
{
    return is_due(FAULT_MUTEX) ? UV_ENOMEM : __real_uv_mutex_init(m);
}

int __real_uv_cond_init(uv_cond_t *c);
int __wrap_uv_cond_init(uv_cond_t *c);
int __wrap_uv_cond_init(uv_cond_t *c)
{
    return is_due(FAULT_COND) ? UV_ENOMEM : __real_uv_cond_init(c);
}

// --- fixture -------------------------------------------------------------------------

struct fixture {
    struct loop loop;
    struct pool *pool;
    pthread_t loop_thread;
    bool is_inside;  // a call of the pool is on the stack: no done may come
    bool is_closed;
    int dones;
    int order[1024];
    uv_sem_t gate;    // holds a worker
    uv_sem_t passed;  // a worker has reached the gate
    // hooks
    atomic_int opened, closed, rests;
    char thread_name[32];
    sigset_t thread_mask;
    size_t stack_bytes;
    int nice;
    int begins, ends, runs;  // one thread only
    int batch_sizes[64];
    int begin_rc, end_rc;
};

static struct fixture *fx;

struct work {
    struct pool_work w;
    int id;
    int dones;
    int err;
    bool was_run;
    bool was_on_pool;
    void *thread;
    int resubmits;
};

static void on_closed(void *arg)
{
    assert_ptr_equal(arg, fx);
    assert_false(fx->is_inside);
    assert_int_equal(fx->is_closed, false);
    fx->is_closed = true;
}

static void work_run(struct pool_work *w, void *thread)
{
    struct work *work = container_of(w, struct work, w);
    work->was_run = true;
    work->was_on_pool = !pthread_equal(pthread_self(), fx->loop_thread);
    work->thread = thread;
}

static void counted_run(struct pool_work *w, void *thread)
{
    work_run(w, thread);
    fx->runs++;
    fx->batch_sizes[fx->begins]++;
}

static void gate_run(struct pool_work *w, void *thread)
{
    work_run(w, thread);
    uv_sem_post(&fx->passed);
    uv_sem_wait(&fx->gate);
}

static void submit(struct work *work)
{
    fx->is_inside = true;
    pool_submit(fx->pool, &work->w);
    fx->is_inside = false;
}

static void cancel(struct work *work)
{
    fx->is_inside = true;
    pool_cancel(fx->pool, &work->w);
    fx->is_inside = false;
}

static void close_pool(void)
{
    fx->is_inside = true;
    pool_close(fx->pool, on_closed, fx);
    fx->is_inside = false;
}

static void work_done(struct pool_work *w, int err)
{
    struct work *work = container_of(w, struct work, w);
    assert_false(fx->is_inside);
    assert_true(pthread_equal(pthread_self(), fx->loop_thread));
    work->dones++;
    work->err = err;
    fx->order[fx->dones++ % 1024] = work->id;
    if (work->resubmits > 0) {
        work->resubmits--;
        submit(work);
    }
}

static void init_work(struct work *work, int id)
{
    memset(work, 0, sizeof(*work));
    work->id = id;
    work->w.run = work_run;
    work->w.done = work_done;
}

static void init_gate(struct work *work, int id)
{
    init_work(work, id);
    work->w.run = gate_run;
}

static void run_until_done(int dones)
{
    while (fx->dones < dones) {
        assert_true(uv_run(&fx->loop.uv, UV_RUN_ONCE));
    }
}

static void open_pool(const struct pool_config *c)
{
    assert_int_equal(pool_open(&fx->pool, &fx->loop, c), 0);
}

static int setup(void **state)
{
    fx = calloc(1, sizeof(*fx));
    fx->loop_thread = pthread_self();
    *state = fx;
    return loop_init(&fx->loop) || uv_sem_init(&fx->gate, 0) ||
           uv_sem_init(&fx->passed, 0);
}

// Every test ends with the pool gone and the loop empty.
static int teardown(void **state)
{
    (void)state;
    if (fx->pool && !fx->is_closed) {
        if (!fx->loop.uv.data) {
            close_pool();
        }
        uv_run(&fx->loop.uv, UV_RUN_DEFAULT);
    }
    int rc = fx->pool && !fx->is_closed;
    rc |= loop_fini(&fx->loop);
    rc |= atomic_load(&fx->opened) != atomic_load(&fx->closed);
    uv_sem_destroy(&fx->gate);
    uv_sem_destroy(&fx->passed);
    free(fx);
    return rc;
}

// teardown must not close it again.
static void close_in_test(void)
{
    fx->loop.uv.data = fx;
    close_pool();
}

// --- tests ---------------------------------------------------------------------------

static void one_thread_keeps_the_order(void **state)
{
    (void)state;
    static struct work works[1000];
    open_pool(&(struct pool_config){.name = "serial", .threads = 1});
    for (int i = 0; i < 1000; i++) {
        init_work(&works[i], i);
        submit(&works[i]);
    }
    run_until_done(1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(fx->order[i], i);
        assert_int_equal(works[i].err, 0);
        assert_int_equal(works[i].dones, 1);
        assert_true(works[i].was_run && works[i].was_on_pool);
        assert_null(works[i].thread);
    }
    assert_int_equal(pool_queued(fx->pool), 0);
    assert_int_equal(pool_running(fx->pool), 0);
}

// Put aside for the loop that it has just woken, it has nothing that the loop needs.
static void a_sender_is_not_waited_for(void **state)
{
    (void)state;
    struct work works[2];
    assert_int_equal(uv_sem_init(&sender, 0), 0);
    assert_int_equal(uv_sem_init(&caught, 0), 0);
    open_pool(&(struct pool_config){.name = "slow", .threads = 1});
    atomic_store(&holds_sender, true);
    init_work(&works[0], 0);
    submit(&works[0]);
    run_until_done(1);
    uv_sem_wait(&caught);
    atomic_store(&holds_sender, false);
    init_work(&works[1], 1);
    submit(&works[1]);
    cancel(&works[1]);  // takes the lock, and sends itself
    uv_sem_post(&sender);
    run_until_done(2);
    close_pool();
    uv_run(&fx->loop.uv, UV_RUN_DEFAULT);
    uv_sem_destroy(&sender);
    uv_sem_destroy(&caught);
}

static void cancel_before_begin_and_after(void **state)
{
    (void)state;
    struct work gate, second, third, idle;
    init_gate(&gate, 0);
    init_work(&second, 1);
    init_work(&third, 2);
    init_work(&idle, 3);
    open_pool(&(struct pool_config){.name = "serial", .threads = 1});
    submit(&gate);
    uv_sem_wait(&fx->passed);
    submit(&second);
    submit(&third);
    assert_int_equal(pool_queued(fx->pool), 2);
    assert_int_equal(pool_running(fx->pool), 1);
    cancel(&second);
    cancel(&second);
    cancel(&gate);
    cancel(&idle);
    assert_int_equal(pool_queued(fx->pool), 1);
    run_until_done(1);
    assert_int_equal(second.err, E_CANCELED);
    assert_int_equal(gate.dones, 0);
    uv_sem_post(&fx->gate);
    run_until_done(3);
    cancel(&third);
    assert_false(second.was_run);
    assert_int_equal(second.dones, 1);
    assert_int_equal(gate.err, 0);
    assert_int_equal(gate.dones, 1);
    assert_int_equal(third.err, 0);
    assert_int_equal(idle.dones, 0);
    assert_int_equal(pool_running(fx->pool), 0);
}

static void a_canceled_work_can_be_submitted_again(void **state)
{
    (void)state;
    struct work gate, again;
    init_gate(&gate, 0);
    init_work(&again, 1);
    again.resubmits = 1;
    open_pool(&(struct pool_config){.name = "serial", .threads = 1});
    submit(&gate);
    uv_sem_wait(&fx->passed);
    submit(&again);
    cancel(&again);
    uv_sem_post(&fx->gate);
    run_until_done(3);
    assert_int_equal(again.dones, 2);
    assert_int_equal(again.err, 0);
    assert_true(again.was_run);
}

static int batch_begin(void *thread)
{
    assert_ptr_equal(thread, fx);
    fx->begins++;
    return fx->begin_rc;
}

static int batch_end(void *thread)
{
    assert_ptr_equal(thread, fx);
    fx->ends++;
    // Nothing of this batch may have been told yet.
    assert_true(fx->end_rc || fx->ends == fx->begins);
    return fx->end_rc;
}

static void *same_thread_open(void *arg)
{
    atomic_fetch_add(&fx->opened, 1);
    return arg;
}

static void thread_closed(void *arg, void *thread)
{
    assert_ptr_equal(arg, thread);
    atomic_fetch_add(&fx->closed, 1);
}

static void open_batch_pool(int batch_max)
{
    open_pool(&(struct pool_config){.name = "store",
                                    .threads = 1,
                                    .arg = fx,
                                    .thread_open = same_thread_open,
                                    .thread_close = thread_closed,
                                    .batch_max = batch_max,
                                    .batch_begin = batch_begin,
                                    .batch_end = batch_end});
}

// The gate keeps the thread busy while the others queue up.
static void submit_behind_gate(struct work *gate, struct work *works, int n)
{
    init_gate(gate, 99);
    submit(gate);
    uv_sem_wait(&fx->passed);
    for (int i = 0; i < n; i++) {
        init_work(&works[i], i);
        works[i].w.run = counted_run;
        submit(&works[i]);
    }
}

static void batches_are_as_large_as_allowed(void **state)
{
    (void)state;
    struct work gate, works[10];
    open_batch_pool(4);
    submit_behind_gate(&gate, works, 10);
    cancel(&works[9]);
    uv_sem_post(&fx->gate);
    run_until_done(11);
    assert_int_equal(fx->begins, 4);
    assert_int_equal(fx->ends, 4);
    assert_int_equal(fx->batch_sizes[2], 4);
    assert_int_equal(fx->batch_sizes[3], 4);
    assert_int_equal(fx->batch_sizes[4], 1);
    assert_int_equal(works[9].err, E_CANCELED);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(works[i].err, 0);
    }
}

static void without_a_batch_size_each_work_is_its_own(void **state)
{
    (void)state;
    struct work gate, works[5];
    open_batch_pool(0);
    submit_behind_gate(&gate, works, 5);
    uv_sem_post(&fx->gate);
    run_until_done(6);
    assert_int_equal(fx->begins, 6);
    assert_int_equal(fx->ends, 6);
    assert_int_equal(fx->runs, 5);
}

static void a_failing_begin_skips_the_runs(void **state)
{
    (void)state;
    struct work gate, works[3];
    open_batch_pool(8);
    submit_behind_gate(&gate, works, 3);
    fx->begin_rc = E_FULL;
    uv_sem_post(&fx->gate);
    run_until_done(4);
    assert_int_equal(gate.err, 0);
    assert_int_equal(fx->ends, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(works[i].err, E_FULL);
        assert_false(works[i].was_run);
    }
}

static void a_failing_end_fails_the_batch(void **state)
{
    (void)state;
    struct work gate, works[3];
    open_batch_pool(8);
    submit_behind_gate(&gate, works, 3);
    fx->end_rc = E_STORE;
    uv_sem_post(&fx->gate);
    run_until_done(4);
    assert_int_equal(gate.err, E_STORE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(works[i].err, E_STORE);
        assert_true(works[i].was_run);
    }
}

static void *look_around(void *arg)
{
    pthread_attr_t attr;
    pthread_getname_np(pthread_self(), fx->thread_name, sizeof(fx->thread_name));
    pthread_sigmask(SIG_SETMASK, NULL, &fx->thread_mask);
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstacksize(&attr, &fx->stack_bytes);
    pthread_attr_destroy(&attr);
    fx->nice = getpriority(PRIO_PROCESS, 0);
    return same_thread_open(arg);
}

static void threads_are_named_and_deaf_to_signals(void **state)
{
    (void)state;
    struct work w;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    open_pool(&(struct pool_config){.name = "a name that is too long",
                                    .threads = 1,
                                    .arg = fx,
                                    .thread_open = look_around,
                                    .thread_close = thread_closed});
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    init_work(&w, 0);
    submit(&w);
    run_until_done(1);
    assert_ptr_equal(w.thread, fx);
    assert_string_equal(fx->thread_name, "a name that is ");
    assert_true(fx->stack_bytes >= 2 << 20);
    static const int deaf[] = {SIGINT,  SIGTERM, SIGHUP, SIGPIPE,
                               SIGCHLD, SIGALRM, SIGUSR1};
    static const int open_to[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    for (size_t i = 0; i < sizeof(deaf) / sizeof(int); i++) {
        assert_true(sigismember(&fx->thread_mask, deaf[i]));
        assert_int_equal(sigismember(&after, deaf[i]), sigismember(&before, deaf[i]));
    }
    for (size_t i = 0; i < sizeof(open_to) / sizeof(int); i++) {
        assert_false(sigismember(&fx->thread_mask, open_to[i]));
    }
}

static void threads_stand_back_and_the_loop_does_not(void **state)
{
    (void)state;
    int own = getpriority(PRIO_PROCESS, 0);
    struct work w;
    open_pool(&(struct pool_config){.name = "nice",
                                    .threads = 1,
                                    .nice = 3,
                                    .arg = fx,
                                    .thread_open = look_around,
                                    .thread_close = thread_closed});
    init_work(&w, 0);
    submit(&w);
    run_until_done(1);
    assert_int_equal(fx->nice, own + 3 < 19 ? own + 3 : 19);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
}

static void every_thread_opens_and_closes_its_own(void **state)
{
    (void)state;
    open_pool(&(struct pool_config){.name = "readers",
                                    .threads = 5,
                                    .arg = fx,
                                    .thread_open = same_thread_open,
                                    .thread_close = thread_closed});
    close_in_test();
    uv_run(&fx->loop.uv, UV_RUN_DEFAULT);
    assert_true(fx->is_closed);
    assert_int_equal(atomic_load(&fx->opened), 5);
    assert_int_equal(atomic_load(&fx->closed), 5);
}

static void note_rest(void *thread)
{
    assert_ptr_equal(thread, fx);
    atomic_fetch_add(&fx->rests, 1);
    uv_sem_post(&fx->passed);
}

// A thread that is busy rests when it has found the queue empty, not before.
static void each_thread_rests_once_per_call(void **state)
{
    (void)state;
    struct work gate;
    init_gate(&gate, 0);
    open_pool(&(struct pool_config){.name = "image",
                                    .threads = 3,
                                    .arg = fx,
                                    .thread_open = same_thread_open,
                                    .thread_close = thread_closed,
                                    .thread_rest = note_rest});
    submit(&gate);
    uv_sem_wait(&fx->passed);
    pool_rest(fx->pool);
    uv_sem_wait(&fx->passed);
    uv_sem_wait(&fx->passed);
    assert_int_equal(atomic_load(&fx->rests), 2);
    uv_sem_post(&fx->gate);
    uv_sem_wait(&fx->passed);
    run_until_done(1);
    pool_rest(fx->pool);
    for (int i = 0; i < 3; i++) {
        uv_sem_wait(&fx->passed);
    }
    close_in_test();
    uv_run(&fx->loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(atomic_load(&fx->rests), 6);
}

static void close_finishes_what_is_queued(void **state)
{
    (void)state;
    struct work gate, works[20], late;
    init_gate(&gate, 99);
    init_work(&late, 77);
    open_pool(&(struct pool_config){.name = "serial", .threads = 1});
    submit(&gate);
    uv_sem_wait(&fx->passed);
    for (int i = 0; i < 20; i++) {
        init_work(&works[i], i);
        submit(&works[i]);
    }
    close_in_test();
    submit(&late);
    uv_sem_post(&fx->gate);
    uv_run(&fx->loop.uv, UV_RUN_DEFAULT);
    assert_true(fx->is_closed);
    assert_int_equal(fx->dones, 22);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(works[i].err, 0);
        assert_true(works[i].was_run);
    }
    assert_int_equal(late.err, E_CANCELED);
    assert_false(late.was_run);
}

static void close_then_cancel_still_tells(void **state)
{
    (void)state;
    struct work gate, queued;
    init_gate(&gate, 0);
    init_work(&queued, 1);
    open_pool(&(struct pool_config){.name = "serial", .threads = 1});
    submit(&gate);
    uv_sem_wait(&fx->passed);
    submit(&queued);
    close_in_test();
    cancel(&queued);
    uv_sem_post(&fx->gate);
    uv_run(&fx->loop.uv, UV_RUN_DEFAULT);
    assert_true(fx->is_closed);
    assert_int_equal(queued.err, E_CANCELED);
    assert_int_equal(gate.err, 0);
}

static void closing_done(struct pool_work *w, int err)
{
    work_done(w, err);
    close_in_test();
}

static void close_from_inside_done(void **state)
{
    (void)state;
    struct work works[3];
    open_pool(&(struct pool_config){.name = "image", .threads = 2});
    for (int i = 0; i < 3; i++) {
        init_work(&works[i], i);
    }
    works[1].w.done = closing_done;
    for (int i = 0; i < 3; i++) {
        submit(&works[i]);
    }
    uv_run(&fx->loop.uv, UV_RUN_DEFAULT);
    assert_true(fx->is_closed);
    assert_int_equal(fx->dones, 3);
}

static void a_hundred_thousand_works(void **state)
{
    (void)state;
    enum { WORKS = 1000, ROUNDS = 100 };
    static struct work works[WORKS];
    open_pool(&(struct pool_config){.name = "image", .threads = 4, .batch_max = 16});
    for (int i = 0; i < WORKS; i++) {
        init_work(&works[i], i);
        works[i].resubmits = ROUNDS - 1;
        submit(&works[i]);
    }
    run_until_done(WORKS * ROUNDS);
    for (int i = 0; i < WORKS; i++) {
        assert_int_equal(works[i].dones, ROUNDS);
        assert_int_equal(works[i].err, 0);
    }
    assert_int_equal(pool_queued(fx->pool), 0);
    assert_int_equal(pool_running(fx->pool), 0);
}

// Cancels race against threads that begin: each work gets one done and the right one.
static void cancels_race_against_begins(void **state)
{
    (void)state;
    enum { WORKS = 500, ROUNDS = 20 };
    static struct work works[WORKS];
    open_pool(&(struct pool_config){.name = "image", .threads = 3});
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < WORKS; i++) {
            init_work(&works[i], i);
            submit(&works[i]);
        }
        for (int i = 0; i < WORKS; i += 2) {
            cancel(&works[i]);
        }
        run_until_done(WORKS * (round + 1));
        for (int i = 0; i < WORKS; i++) {
            assert_int_equal(works[i].dones, 1);
            assert_int_equal(works[i].err, works[i].was_run ? 0 : E_CANCELED);
            assert_true(i % 2 == 0 || works[i].was_run);
        }
    }
}

static void a_pool_that_can_not_open_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        enum fault fault;
        int at;
    } table[] = {
        {FAULT_CALLOC, 1}, {FAULT_CALLOC, 2}, {FAULT_MUTEX, 1},   {FAULT_COND, 1},
        {FAULT_THREAD, 1}, {FAULT_THREAD, 3}, {FAULT_EVENTFD, 1}, {FAULT_POLL, 1},
    };
    struct pool_config c = {.name = "image",
                            .threads = 3,
                            .arg = fx,
                            .thread_open = same_thread_open,
                            .thread_close = thread_closed};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct pool *p = NULL;
        fault = table[i].fault;
        fail_at = table[i].at;
        int rc = pool_open(&p, &fx->loop, &c);
        fault = FAULT_NONE;
        assert_int_equal(rc, E_NOMEM);
        assert_null(p);
        assert_int_equal(atomic_load(&fx->opened), atomic_load(&fx->closed));
    }
}

#define POOL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL_TEST(one_thread_keeps_the_order),
        POOL_TEST(a_sender_is_not_waited_for),
        POOL_TEST(cancel_before_begin_and_after),
        POOL_TEST(a_canceled_work_can_be_submitted_again),
        POOL_TEST(batches_are_as_large_as_allowed),
        POOL_TEST(without_a_batch_size_each_work_is_its_own),
        POOL_TEST(a_failing_begin_skips_the_runs),
        POOL_TEST(a_failing_end_fails_the_batch),
        POOL_TEST(threads_are_named_and_deaf_to_signals),
        POOL_TEST(threads_stand_back_and_the_loop_does_not),
        POOL_TEST(every_thread_opens_and_closes_its_own),
        POOL_TEST(each_thread_rests_once_per_call),
        POOL_TEST(close_finishes_what_is_queued),
        POOL_TEST(close_then_cancel_still_tells),
        POOL_TEST(close_from_inside_done),
        POOL_TEST(a_hundred_thousand_works),
        POOL_TEST(cancels_race_against_begins),
        POOL_TEST(a_pool_that_can_not_open_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
