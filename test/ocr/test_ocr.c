// test_ocr.c -- the client of vlmd-ocr against a helper that does what the test wants.
// SPDX-License-Identifier: MIT
#include "ocr_fake.h"
#include "ocr_rig.h"

#include "base/list.h"
#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// Allocations of at least this size fail; 0 = none do.
static size_t fail_from_bytes;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static bool must_fail(size_t n)
{
    return fail_from_bytes && n >= fail_from_bytes;
}

void *__wrap_malloc(size_t n)
{
    return must_fail(n) ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return must_fail(n * size) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return must_fail(n) ? NULL : __real_realloc(p, n);
}

static void open_fake(struct rig *g)
{
    struct ocr_config c;
    rig_config(&c, FAKE_HELPER);
    rig_open(g, &c);
}

static int pid_in(const struct page *p)
{
    int pid = 0;
    assert_int_equal(sscanf(buf_str(&p->req.text), "pid=%d", &pid), 1);
    return pid;
}

// Reads a good page; returns the helper's pid.
static int read_good(struct rig *g)
{
    struct page p;
    page_init(&p, 30, 20, FAKE_READ);
    assert_int_equal(page_read(g, &p), 0);
    int pid = pid_in(&p);
    page_fini(&p);
    return pid;
}

static void a_page_goes_over_whole_and_comes_back(void **state)
{
    (void)state;
    static const enum fake_mode modes[] = {FAKE_READ, FAKE_DRIBBLE};
    for (size_t i = 0; i < 2; i++) {
        struct rig g;
        struct page p;
        char want[64];
        open_fake(&g);
        // 8 MB is far more than a socket holds.
        page_init(&p, 4000, 2000, (uint8_t)modes[i]);
        assert_int_equal(page_read(&g, &p), 0);
        snprintf(want, sizeof(want), "sum=%llu language=eng",
                 (4000ull * 2000 - 1) * 200 + modes[i]);
        assert_non_null(strstr(buf_str(&p.req.text), want));
        assert_int_equal(p.req.n_words, 3);
        assert_int_equal(p.req.mean_confidence, 87);
        assert_int_equal(p.req.words[2].left, 2);
        assert_int_equal(p.req.words[2].top, 0);
        assert_int_equal(p.req.words[2].width, 1);
        assert_int_equal(p.req.words[2].height, 2000);
        assert_int_equal(p.req.words[2].confidence, 92);
        assert_int_equal(p.req.words[2].offset, 2);
        assert_int_equal(p.req.words[2].len, 3);
        page_fini(&p);
        rig_close(&g);
    }
}

static void the_helper_gets_one_thread_and_no_keys(void **state)
{
    (void)state;
    struct rig g;
    struct page p;
    setenv("VLMD_API_KEY", "secret", 1);
    open_fake(&g);
    page_init(&p, 10, 10, FAKE_READ);
    assert_int_equal(page_read(&g, &p), 0);
    assert_non_null(strstr(buf_str(&p.req.text), "omp=1 key=none"));
    page_fini(&p);
    rig_close(&g);
    unsetenv("VLMD_API_KEY");
}

static void an_empty_page_and_a_long_one(void **state)
{
    (void)state;
    struct rig g;
    struct page p;
    open_fake(&g);
    page_init(&p, 1, 1, FAKE_EMPTY);
    assert_int_equal(page_read(&g, &p), 0);
    assert_int_equal(p.req.text.len, 0);
    assert_int_equal(p.req.n_words, 0);
    page_fini(&p);
    page_init(&p, 2, 1, FAKE_LONG);
    assert_int_equal(page_read(&g, &p), 0);
    assert_int_equal(p.req.text.len, 1 << 20);
    assert_int_equal(p.req.n_words, 1000);
    page_fini(&p);
    rig_close(&g);
}

static void one_helper_reads_page_after_page(void **state)
{
    (void)state;
    struct rig g;
    open_fake(&g);
    assert_int_equal(ocr_processes(g.ocr), 0);
    int pid = read_good(&g);
    assert_int_equal(ocr_processes(g.ocr), 1);
    assert_int_equal(ocr_reading(g.ocr), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(read_good(&g), pid);
    }
    rig_close(&g);
}

static void pages_wait_in_order_for_the_helpers_there_may_be(void **state)
{
    (void)state;
    enum { PAGES = 12 };
    for (int processes = 1; processes <= 3; processes++) {
        struct rig g;
        struct ocr_config c;
        struct page pages[PAGES];
        rig_config(&c, FAKE_HELPER);
        c.processes = processes;
        rig_open(&g, &c);
        for (int i = 0; i < PAGES; i++) {
            page_init(&pages[i], 10, 10, FAKE_READ);
            page_start(&g, &pages[i]);
        }
        assert_int_equal(ocr_processes(g.ocr), processes);
        assert_int_equal(ocr_reading(g.ocr), processes);
        for (int i = 0; i < PAGES; i++) {
            assert_int_equal(page_wait(&g, &pages[i]), 0);
            assert_true(processes > 1 || i == PAGES - 1 || !pages[PAGES - 1].done);
            page_fini(&pages[i]);
        }
        rig_close(&g);
    }
}

static void a_helper_that_fails_costs_one_page(void **state)
{
    (void)state;
    static const struct {
        enum fake_mode mode;
        const char *words;
    } rows[] = {
        {FAKE_EXIT, "ended with code 3: why"},    {FAKE_DIE_EARLY, "ended with code 7"},
        {FAKE_DEAF, "ended by signal 9"},         {FAKE_CUT, "ended with code 0"},
        {FAKE_MAGIC, "breaks the protocol"},      {FAKE_OVERSIZE, "breaks the protocol"},
        {FAKE_OUTSIDE, "breaks the protocol"},    {FAKE_LATIN1, "breaks the protocol"},
        {FAKE_INTERRUPTS, "without being asked"},
    };
    struct rig g;
    open_fake(&g);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct page p;
        int before = read_good(&g);
        page_init(&p, 2000, 1000, (uint8_t)rows[i].mode);
        assert_int_equal(page_read(&g, &p), E_OCR);
        assert_non_null(strstr(p.req.err.msg, rows[i].words));
        assert_int_equal(p.req.n_words, 0);
        page_fini(&p);
        assert_int_not_equal(read_good(&g), before);
    }
    rig_close(&g);
}

static void a_helper_that_talks_on_is_replaced(void **state)
{
    (void)state;
    struct rig g;
    struct page p;
    open_fake(&g);
    page_init(&p, 10, 10, FAKE_TALKS_ON);
    assert_int_equal(page_read(&g, &p), 0);
    page_fini(&p);
    while (ocr_processes(g.ocr)) {
        uv_run(&g.loop.uv, UV_RUN_ONCE);
    }
    read_good(&g);
    rig_close(&g);
}

static void a_killed_helper_costs_one_page(void **state)
{
    (void)state;
    struct rig g;
    struct page p;
    open_fake(&g);
    int pid = read_good(&g);
    page_init(&p, 10, 10, FAKE_HANG);
    page_start(&g, &p);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(page_wait(&g, &p), E_OCR);
    assert_non_null(strstr(p.req.err.msg, "signal 9"));
    page_fini(&p);
    assert_int_not_equal(read_good(&g), pid);
    rig_close(&g);
}

static void a_hanging_page_times_out(void **state)
{
    (void)state;
    struct rig g;
    struct page p, next;
    struct ocr_config c;
    rig_config(&c, FAKE_HELPER);
    c.page_timeout_ms = 500;
    rig_open(&g, &c);
    int pid = read_good(&g);
    page_init(&p, 10, 20, FAKE_HANG);
    page_init(&next, 10, 10, FAKE_READ);
    page_start(&g, &p);
    page_start(&g, &next);
    assert_int_equal(page_wait(&g, &p), E_OCR);
    assert_non_null(strstr(p.req.err.msg, "10 x 20"));
    assert_non_null(strstr(p.req.err.msg, "500 ms"));
    assert_true(p.req.elapsed_ms >= 500);
    assert_int_equal(page_wait(&g, &next), 0);
    assert_int_not_equal(pid_in(&next), pid);
    page_fini(&p);
    page_fini(&next);
    rig_close(&g);
}

static void a_helper_is_replaced_after_its_pages(void **state)
{
    (void)state;
    struct rig g;
    struct ocr_config c;
    rig_config(&c, FAKE_HELPER);
    c.recycle_pages = 2;
    rig_open(&g, &c);
    int first = read_good(&g);
    assert_int_equal(read_good(&g), first);
    int second = read_good(&g);
    assert_int_not_equal(second, first);
    assert_int_equal(read_good(&g), second);
    rig_close(&g);
}

// The loop ends by itself: an idle ocr holds no handle that keeps it.
static void an_idle_helper_ends_after_its_ttl(void **state)
{
    (void)state;
    struct rig g;
    struct ocr_config c;
    rig_config(&c, FAKE_HELPER);
    c.ttl_ms = 20;
    rig_open(&g, &c);
    int pid = read_good(&g);
    assert_int_equal(uv_run(&g.loop.uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(ocr_processes(g.ocr), 0);
    assert_int_not_equal(read_good(&g), pid);
    rig_close(&g);
}

static void a_helper_that_does_not_go_is_killed(void **state)
{
    (void)state;
    struct rig g;
    struct page p;
    struct ocr_config c;
    rig_config(&c, FAKE_HELPER);
    c.ttl_ms = 0;
    rig_open(&g, &c);
    page_init(&p, 10, 10, FAKE_STUBBORN);
    assert_int_equal(page_read(&g, &p), 0);
    assert_int_equal(uv_run(&g.loop.uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(ocr_processes(g.ocr), 0);
    page_fini(&p);
    rig_close(&g);
}

static void refusals_say_what_to_do(void **state)
{
    (void)state;
    static const struct {
        enum fake_mode mode;
        int rc;
        const char *words;
    } rows[] = {
        {FAKE_NO_LANGUAGE, E_OCR, "install tesseract-ocr-deu, tesseract-ocr-chi-sim"},
        {FAKE_NO_MEMORY, E_OCR, "ocr.memory_bytes"},
        {FAKE_TOO_LONG, E_TOOBIG, "4 MiB"},
        {FAKE_FAILED, E_OCR, "Tesseract"},
    };
    struct rig g;
    open_fake(&g);
    int pid = read_good(&g);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct page p;
        page_init(&p, 10, 10, (uint8_t)rows[i].mode);
        assert_int_equal(page_read(&g, &p), rows[i].rc);
        assert_non_null(strstr(p.req.err.msg, rows[i].words));
        assert_int_equal(p.req.text.len, 0);
        page_fini(&p);
    }
    // A refusal is not a failure of the helper.
    assert_int_equal(read_good(&g), pid);
    rig_close(&g);
}

static void pages_outside_the_limits_never_reach_a_helper(void **state)
{
    (void)state;
    static const int sides[][2] = {{0, 5}, {-5, 5}, {5, -1}, {32768, 1}, {8000, 5001}};
    struct rig g;
    open_fake(&g);
    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
        struct page p;
        page_init(&p, 1, 1, FAKE_READ);
        p.req.width = sides[i][0];
        p.req.height = sides[i][1];
        assert_int_equal(page_read(&g, &p), E_TOOBIG);
        page_fini(&p);
    }
    assert_int_equal(ocr_processes(g.ocr), 0);
    rig_close(&g);
}

static void a_wrong_language_never_reaches_a_helper(void **state)
{
    (void)state;
    static const char *const languages[] = {
        "../../etc/passwd", "",
        "eng+eng+eng+eng+eng+eng+eng+eng+eng+eng+eng+eng+eng+eng+eng+eng2"};
    for (size_t i = 0; i < 3; i++) {
        struct rig g;
        struct page p;
        struct ocr_config c;
        rig_config(&c, FAKE_HELPER);
        c.language = languages[i];
        rig_open(&g, &c);
        page_init(&p, 10, 10, FAKE_READ);
        assert_int_equal(page_read(&g, &p), E_OCR);
        assert_non_null(strstr(p.req.err.msg, "ocr.language"));
        page_fini(&p);
        rig_close(&g);
    }
}

static void a_queued_page_is_canceled(void **state)
{
    (void)state;
    struct rig g;
    struct page first, second;
    open_fake(&g);
    page_init(&first, 10, 10, FAKE_READ);
    page_init(&second, 10, 10, FAKE_READ);
    page_start(&g, &first);
    page_start(&g, &second);
    ocr_cancel(g.ocr, &second.req);
    assert_int_equal(second.done, 0);
    assert_int_equal(page_wait(&g, &second), E_CANCELED);
    assert_int_equal(page_wait(&g, &first), 0);
    page_fini(&first);
    page_fini(&second);
    rig_close(&g);
}

static void a_running_page_is_canceled(void **state)
{
    (void)state;
    struct rig g;
    struct page p;
    open_fake(&g);
    int pid = read_good(&g);
    page_init(&p, 4000, 2000, FAKE_HANG);
    page_start(&g, &p);
    uv_run(&g.loop.uv, UV_RUN_NOWAIT);
    ocr_cancel(g.ocr, &p.req);
    assert_int_equal(p.done, 0);
    assert_int_equal(page_wait(&g, &p), E_CANCELED);
    page_fini(&p);
    assert_int_not_equal(read_good(&g), pid);
    rig_close(&g);
}

// Between its end and its done.
static void a_page_that_has_ended_is_canceled(void **state)
{
    (void)state;
    struct rig g;
    struct page p;
    open_fake(&g);
    page_init(&p, 1, 1, FAKE_READ);
    p.req.width = 0;
    page_start(&g, &p);
    ocr_cancel(g.ocr, &p.req);
    assert_int_equal(page_wait(&g, &p), E_CANCELED);
    page_fini(&p);
    rig_close(&g);
}

static void closing_cancels_what_waits_and_what_runs(void **state)
{
    (void)state;
    struct rig g;
    struct page pages[4];
    struct ocr_config c;
    rig_config(&c, FAKE_HELPER);
    c.processes = 2;
    rig_open(&g, &c);
    for (int i = 0; i < 4; i++) {
        page_init(&pages[i], 3000, 1000, FAKE_HANG);
        page_start(&g, &pages[i]);
    }
    uv_run(&g.loop.uv, UV_RUN_NOWAIT);
    rig_close(&g);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pages[i].done, 1);
        assert_int_equal(pages[i].rc, E_CANCELED);
        page_fini(&pages[i]);
    }
}

struct reentry {
    struct page page;
    struct page other;
    struct rig *rig;
    int turns;
};

static void on_closed(void *arg)
{
    ((struct rig *)arg)->is_closed = true;
}

static void on_other_done(struct ocr_req *r, int err)
{
    struct page *p = container_of(r, struct page, req);
    p->done++;
    p->rc = err;
}

// Starts again twice, then closes, then starts once more: that one is refused.
static void on_reentry(struct ocr_req *r, int err)
{
    struct reentry *x = container_of(r, struct reentry, page.req);
    (void)err;
    ocr_req_fini(r);
    if (++x->turns < 3) {
        ocr_read(x->rig->ocr, r, on_reentry);
        return;
    }
    ocr_close(x->rig->ocr, on_closed, x->rig);
    ocr_read(x->rig->ocr, &x->other.req, on_other_done);
}

static void done_may_read_again_and_close(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rig g;
        struct reentry x = {.rig = &g};
        open_fake(&g);
        page_init(&x.page, 10, 10, FAKE_READ);
        page_init(&x.other, 10, 10, FAKE_READ);
        x.page.req.width = i == 0 ? 10 : 0;  // with and without a helper
        ocr_read(g.ocr, &x.page.req, on_reentry);
        uv_run(&g.loop.uv, UV_RUN_DEFAULT);
        assert_true(g.is_closed);
        assert_int_equal(x.turns, 3);
        assert_int_equal(x.other.rc, E_CANCELED);
        page_fini(&x.page);
        page_fini(&x.other);
        assert_int_equal(loop_fini(&g.loop), 0);
    }
}

static void make_script(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

// Reads one page with a helper that is not there, or not one; gives back the words.
static void read_with(const char *helper, char *words, size_t size)
{
    struct rig g;
    struct page p;
    struct ocr_config c;
    rig_config(&c, helper);
    rig_open(&g, &c);
    page_init(&p, 1000, 1000, FAKE_READ);
    assert_int_equal(page_read(&g, &p), E_OCR);
    snprintf(words, size, "%s", p.req.err.msg);
    page_fini(&p);
    rig_close(&g);
}

static void a_missing_helper_is_named(void **state)
{
    (void)state;
    struct rig g;
    struct err e = {0};
    struct ocr_config c;
    char words[512];
    rig_config(&c, "/nonexistent/vlmd-ocr");
    rig_open(&g, &c);
    assert_false(ocr_is_available(g.ocr, &e));
    assert_int_equal(e.code, E_OCR);
    rig_close(&g);
    read_with("/nonexistent/vlmd-ocr", words, sizeof(words));
    assert_string_equal(words, e.msg);
    assert_non_null(strstr(words, "/nonexistent/vlmd-ocr"));
    open_fake(&g);
    assert_true(ocr_is_available(g.ocr, &e));
    rig_close(&g);
}

static void a_helper_that_can_not_start_says_why(void **state)
{
    (void)state;
    char words[512];
    make_script("./loader", "#!/bin/sh\n"
                            "echo 'libtesseract.so.5: not \033[31mfound' >&2\n"
                            "exit 127\n");
    read_with("./loader", words, sizeof(words));
    assert_non_null(strstr(words, "code 127: libtesseract.so.5: not  [31mfound"));
    make_script("./interpreter", "#!/nonexistent/interpreter\n");
    read_with("./interpreter", words, sizeof(words));
    // The second is what valgrind makes of it: the child ends after its exec has failed.
    assert_true(strstr(words, "can not be started") || strstr(words, "it ended with"));
    // 1 MB on stderr: kept short, and the helper does not wait for a reader.
    make_script("./chatter", "#!/bin/sh\nyes 'one line of many' | head -c 1000000 >&2\n"
                             "exit 9\n");
    read_with("./chatter", words, sizeof(words));
    assert_non_null(strstr(words, "code 9"));
    unlink("./loader");
    unlink("./interpreter");
    unlink("./chatter");
}

// The number that the next descriptor will get.
static int next_fd(void)
{
    int fd = dup(STDERR_FILENO);
    assert_true(fd > STDERR_FILENO);
    close(fd);
    return fd;
}

static void running_out_of_descriptors_costs_one_page(void **state)
{
    (void)state;
    struct rig g;
    struct rlimit old;
    open_fake(&g);
    int first = next_fd();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    // With the n-th descriptor missing, until there are enough.
    int failures = 0;
    for (int n = 0;; n++) {
        struct page p;
        struct rlimit low = {(rlim_t)(first + n), old.rlim_max};
        page_init(&p, 10, 10, FAKE_READ);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        page_start(&g, &p);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        int rc = page_wait(&g, &p);
        assert_true(rc == 0 || strstr(p.req.err.msg, "can not be started"));
        page_fini(&p);
        if (rc == 0) {
            break;
        }
        assert_int_equal(rc, E_OCR);
        failures++;
    }
    assert_true(failures >= 3);
    rig_close(&g);
    assert_true(next_fd() <= first);
}

// An answer's memory comes in three pieces; each of them may be refused.
static void running_out_of_memory_costs_one_page(void **state)
{
    (void)state;
    static const struct {
        size_t from_bytes;
        int rc;
    } rows[] = {{1 << 20, E_OCR}, {(1 << 20) + 28002, E_NOMEM}, {0, 0}};
    struct rig g;
    open_fake(&g);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct page p;
        page_init(&p, 10, 10, FAKE_LONG);
        page_start(&g, &p);
        fail_from_bytes = rows[i].from_bytes;
        int rc = page_wait(&g, &p);
        fail_from_bytes = 0;
        assert_int_equal(rc, rows[i].rc);
        page_fini(&p);
    }
    rig_close(&g);
}

static void on_line(void *arg, const struct log_line *line)
{
    *(int *)arg += line->level == LOG_WARN;
    assert_null(strstr(line->message, "sum="));  // what was recognised
}

static void the_log_says_what_failed_and_not_what_was_read(void **state)
{
    (void)state;
    struct rig g;
    struct page p;
    int warnings = 0;
    log_set_level(LOG_DEBUG);
    log_set_sink(on_line, &warnings);
    open_fake(&g);
    read_good(&g);
    assert_int_equal(warnings, 0);
    page_init(&p, 10, 10, FAKE_EXIT);
    assert_int_equal(page_read(&g, &p), E_OCR);
    page_fini(&p);
    assert_int_equal(warnings, 1);
    rig_close(&g);
    log_set_sink(NULL, NULL);
    log_set_level(LOG_INFO);
}

int main(void)
{
    char folder[] = "/tmp/vlmd-test-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_goes_over_whole_and_comes_back),
        cmocka_unit_test(the_helper_gets_one_thread_and_no_keys),
        cmocka_unit_test(an_empty_page_and_a_long_one),
        cmocka_unit_test(one_helper_reads_page_after_page),
        cmocka_unit_test(pages_wait_in_order_for_the_helpers_there_may_be),
        cmocka_unit_test(a_helper_that_fails_costs_one_page),
        cmocka_unit_test(a_helper_that_talks_on_is_replaced),
        cmocka_unit_test(a_killed_helper_costs_one_page),
        cmocka_unit_test(a_hanging_page_times_out),
        cmocka_unit_test(a_helper_is_replaced_after_its_pages),
        cmocka_unit_test(an_idle_helper_ends_after_its_ttl),
        cmocka_unit_test(a_helper_that_does_not_go_is_killed),
        cmocka_unit_test(refusals_say_what_to_do),
        cmocka_unit_test(pages_outside_the_limits_never_reach_a_helper),
        cmocka_unit_test(a_wrong_language_never_reaches_a_helper),
        cmocka_unit_test(a_queued_page_is_canceled),
        cmocka_unit_test(a_running_page_is_canceled),
        cmocka_unit_test(a_page_that_has_ended_is_canceled),
        cmocka_unit_test(closing_cancels_what_waits_and_what_runs),
        cmocka_unit_test(done_may_read_again_and_close),
        cmocka_unit_test(a_missing_helper_is_named),
        cmocka_unit_test(a_helper_that_can_not_start_says_why),
        cmocka_unit_test(running_out_of_descriptors_costs_one_page),
        cmocka_unit_test(running_out_of_memory_costs_one_page),
        cmocka_unit_test(the_log_says_what_failed_and_not_what_was_read),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + (rmdir(folder) != 0);
}
