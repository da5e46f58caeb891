// test_e2e_library.c -- a host program with a loop of its own, linked with the shared library
// only: two workers and a client in one process, driven with poll.
//
// The host is this program started once more, so that all it prints and leaves behind is
// seen from outside.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"
#include "vlmd.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS = 2, HANDLES = 3, CLIENT = 2 };

// ---- the host

struct host {
    const char *dir;
    vlmd *v[HANDLES];
    bool runs[HANDLES];
    char described[HANDLES][400];
    int submitted, found, statuses, posted;
    char found_path[400];
    pthread_t thread;
};

static const char *report_path;

static void blame(const char *what, int line)
{
    FILE *f = fopen(report_path, "we");
    if (f) {
        fprintf(f, "line %d: %s", line, what);
        fclose(f);
    }
    _exit(1);
}

#define MUST(what) ((what) ? (void)0 : blame(#what, __LINE__))

static int entries_in(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;
    MUST(d);
    while (readdir(d)) {
        n++;
    }
    closedir(d);
    return n;
}

static void on_event(void *arg, const struct vlmd_event *e)
{
    char *described = arg;
    if (e->type == VLMD_EVENT_JOB) {
        MUST(*described == 0);  // one picture each
        MUST(strcmp(e->item->outcome, "answered") == 0);
        snprintf(described, 400, "%.200s|%.190s", e->item->path, e->item->summary);
    }
}

static void on_submitted(void *arg, int err, int64_t id, bool is_new, const char *message)
{
    struct host *h = arg;
    (void)message;
    MUST(err == 0 && id > 0 && is_new);
    h->submitted++;
}

static bool on_found(void *arg, const struct vlmd_item *item)
{
    struct host *h = arg;
    h->found++;
    snprintf(h->found_path, sizeof(h->found_path), "%s", item->path);
    MUST(item->has_description && !item->is_degraded && *item->snippet);
    return true;
}

static void on_end(void *arg, int err, const char *message)
{
    bool *is_over = arg;
    (void)message;
    MUST(err == 0);
    *is_over = true;
}

// Both hits and the end of a search get the same arg.
struct search {
    struct host *host;
    bool is_over;
};

static bool on_hit(void *arg, const struct vlmd_item *item)
{
    struct search *s = arg;
    return on_found(s->host, item);
}

static void on_hits_end(void *arg, int err, const char *message)
{
    struct search *s = arg;
    on_end(&s->is_over, err, message);
}

static void on_status(void *arg, int err, const struct vlmd_status *s,
                      const char *message)
{
    struct host *h = arg;
    (void)message;
    MUST(err == 0 && s->total == 1);
    h->statuses++;
}

static void on_posted(void *arg)
{
    struct host *h = arg;
    MUST(pthread_equal(pthread_self(), h->thread));
    h->posted++;
}

static vlmd *open_one(const struct host *h, enum vlmd_role role, const char *name,
                      const char *url)
{
    char db[PATH_MAX];
    vlmd *v;
    struct vlmd_error error = {0};
    snprintf(db, sizeof(db), "%s/%s", h->dir, name);
    const struct vlmd_setting settings[] = {
        {"db", db, "host"}, {"backends", url, "host"}, {"ocr.when", "never", "host"}};
    const struct vlmd_options options = {.role = role,
                                         .config_file = "",
                                         .settings = settings,
                                         .n_settings = 3,
                                         .ignore_environment = true};
    if (vlmd_open(&options, &v, &error)) {
        blame(error.message, __LINE__);
    }
    return v;
}

// One turn of the host's own loop.
static void turn(struct host *h)
{
    struct pollfd fds[HANDLES];
    int wait = 60000, n = 0;
    for (int i = 0; i < HANDLES; i++) {
        if (h->runs[i]) {
            int ms = vlmd_timeout_ms(h->v[i]);
            wait = ms >= 0 && ms < wait ? ms : wait;
            fds[n++] = (struct pollfd){.fd = vlmd_fd(h->v[i]), .events = POLLIN};
        }
    }
    MUST(poll(fds, (nfds_t)n, wait) > 0 || wait < 60000);
    for (int i = 0; i < HANDLES; i++) {
        if (h->runs[i] && !vlmd_step(h->v[i])) {
            h->runs[i] = false;
        }
    }
}

static void submit(struct host *h, int i, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/in/%s", h->dir, name);
    const struct vlmd_input in = {.path = path, .app = "Host", .is_interactive = true};
    MUST(vlmd_submit(h->v[i], &in, on_submitted, h) == 0);
}

static void search_in(struct host *h, int i, const char *path_end)
{
    struct search s = {.host = h};
    const struct vlmd_query q = {.text = "picture mean", .order = VLMD_BEST};
    h->found = 0;
    h->runs[i] = true;
    MUST(vlmd_search(h->v[i], &q, on_hit, on_hits_end, &s) == 0);
    while (!s.is_over) {
        turn(h);
    }
    MUST(h->found == 1);
    MUST(strstr(h->found_path, path_end));
}

static void *post_from_elsewhere(void *arg)
{
    struct host *h = arg;
    for (int i = 0; i < WORKERS; i++) {
        MUST(vlmd_post(h->v[i], on_posted, h) == 0);
    }
    return NULL;
}

static void *stop_from_elsewhere(void *arg)
{
    struct host *h = arg;
    vlmd_stop(h->v[0], VLMD_STOP_DRAIN);
    vlmd_stop(h->v[1], VLMD_STOP_NOW);
    return NULL;
}

static void use_threads(struct host *h)
{
    pthread_t other;
    MUST(pthread_create(&other, NULL, post_from_elsewhere, h) == 0);
    while (h->posted < WORKERS) {
        turn(h);
    }
    MUST(pthread_join(other, NULL) == 0);
    MUST(pthread_create(&other, NULL, stop_from_elsewhere, h) == 0);
    while (h->runs[0] || h->runs[1]) {
        turn(h);
    }
    MUST(pthread_join(other, NULL) == 0);
}

static void live(struct host *h, char **urls)
{
    static const char *const dbs[] = {"a.db", "b.db", "a.db"};
    vlmd_subscription *heard[WORKERS];
    for (int i = 0; i < HANDLES; i++) {
        h->v[i] =
            open_one(h, i == CLIENT ? VLMD_CLIENT : VLMD_WORKER, dbs[i], urls[i % 2]);
        h->runs[i] = i != CLIENT;  // that one runs while it has something to answer
    }
    for (int i = 0; i < WORKERS; i++) {
        heard[i] = vlmd_subscribe(h->v[i], on_event, h->described[i]);
        MUST(heard[i]);
    }
    submit(h, 0, "pic-00001.png");
    submit(h, 1, "pic-00002.png");
    while (!h->described[0][0] || !h->described[1][0]) {
        turn(h);
    }
    MUST(h->submitted == 2);
    MUST(strstr(h->described[0], "/in/pic-00001.png|A 320x192 picture"));
    MUST(strstr(h->described[1], "/in/pic-00002.png|A 320x192 picture"));
    search_in(h, 0, "/in/pic-00001.png");
    search_in(h, 1, "/in/pic-00002.png");
    search_in(h, CLIENT, "/in/pic-00001.png");
    h->runs[CLIENT] = true;
    MUST(vlmd_status(h->v[CLIENT], false, on_status, h) == 0);
    while (h->statuses == 0) {
        turn(h);
    }
    use_threads(h);
    for (int i = 0; i < WORKERS; i++) {
        vlmd_unsubscribe(heard[i]);
    }
    for (int i = 0; i < HANDLES; i++) {
        vlmd_close(h->v[i]);
    }
    vlmd_close(NULL);
}

static void refuse(const struct host *h)
{
    const struct vlmd_setting wrong = {"image.quality", "900", "host program"};
    const struct vlmd_options options = {.config_file = "",
                                         .settings = &wrong,
                                         .n_settings = 1,
                                         .ignore_environment = true};
    struct vlmd_error error = {0};
    vlmd *v = (vlmd *)&error;
    (void)h;
    MUST(vlmd_open(&options, &v, &error) == VLMD_ERR_CONFIG);
    MUST(v == NULL);
    MUST(error.code == VLMD_ERR_CONFIG && strstr(error.message, "host program"));
}

static void read_signals(struct sigaction *all)
{
    memset(all, 0, sizeof(*all) * 32);
    for (int sig = 1; sig < 32; sig++) {
        MUST(sigaction(sig, NULL, &all[sig]) == 0);
    }
}

static int be_host(char **args)
{
    static struct sigaction before[32], after[32];
    struct host h = {.dir = args[1], .thread = pthread_self()};
    char cwd[PATH_MAX], cwd_after[PATH_MAX];
    report_path = args[0];
    MUST(getcwd(cwd, sizeof(cwd)));
    read_signals(before);
    // libuv keeps two descriptors per process from the first loop on.
    vlmd_close(open_one(&h, VLMD_CLIENT, "first.db", args[2]));
    int files = entries_in("/proc/self/fd"), threads = entries_in("/proc/self/task");
    live(&h, args + 2);
    refuse(&h);
    read_signals(after);
    for (int sig = 1; sig < 32; sig++) {
        MUST(before[sig].sa_handler == after[sig].sa_handler);
        MUST(before[sig].sa_flags == after[sig].sa_flags);
    }
    MUST(getcwd(cwd_after, sizeof(cwd_after)) && strcmp(cwd, cwd_after) == 0);
    MUST(entries_in("/proc/self/fd") == files);
    MUST(entries_in("/proc/self/task") == threads);
    return 0;
}

// ---- the test

static void a_host_drives_two_workers_and_a_client(void **state)
{
    struct place *p = *state;
    struct fake f[WORKERS];
    struct totals t;
    char *report = strdup(place_path(p, "report.txt"));
    picture_write(place_path(p, "in"), NULL, 1);
    picture_write(place_path(p, "in"), NULL, 2);
    fake_start(p, &f[0], "--kind ollama");
    fake_start(p, &f[1], "--kind llama-server");
    struct proc *run =
        proc_start(p,
                   (const char *const[]){"/proc/self/exe", "--host", report, p->dir,
                                         f[0].url, f[1].url, NULL},
                   NULL);
    int code = proc_end(run);
    if (code) {
        fail_msg("%d: %s\n%s", code, is_there(report) ? read_text(report) : "",
                 run->err.text);
    }
    assert_string_equal(run->out.text, "");
    assert_string_equal(run->err.text, "");
    for (int i = 0; i < WORKERS; i++) {
        fake_totals(&f[i], &t);
        assert_int_equal(t.asked, 1);
        assert_int_equal(t.answered, 1);
        fake_stop(&f[i]);
    }
    free(report);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "--host") == 0) {
        return be_host(argv + 2);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_host_drives_two_workers_and_a_client,
                                        place_setup, place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
