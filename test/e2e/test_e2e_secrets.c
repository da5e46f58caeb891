// test_e2e_secrets.c -- planted secrets are nowhere: not in what was sent, not in what is kept,
// told or logged, on whatever path the picture came.
//
// A model on this machine may see what stands in the window's title; another machine may not.
// SPDX-License-Identifier: MIT
#include "e2e_secrets.h"

#include "vlmd.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SENT_LOCALLY = SECRET_SHOWN | SECRET_SAID | SECRET_NAMES };

// A folder with one picture that shows secrets and one that does not.
static void setup(struct place *p)
{
    place_config(p, secrets_config);
    secrets_picture(place_path(p, "in/secret.png"), 1);
    harmless_picture(place_path(p, "in/harmless.png"), 2);
}

static void write_list(struct place *p)
{
    char line[1000];
    secrets_line(line, sizeof(line), "in/secret.png");
    write_text(place_path(p, "list.txt"), line);
}

static void assert_outcome(struct place *p, const char *name, const char *outcome)
{
    struct rows rows;
    rows_export(p, &rows);
    const cJSON *row = rows_find(&rows, name);
    assert_non_null(row);
    assert_string_equal(text_of(row, "outcome"), outcome);
    rows_free(&rows);
}

// Until a member of in/NAME.png is such a text.
static void await_picture(struct place *p, const char *name, const char *member,
                          const char *text)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/in/%s.png", p->dir, name);
    await_shown(p, path, member, text);
}

static void assert_clean(struct place *p, struct proc *run, int least_pictures)
{
    secrets_assert_not_printed(run);
    secrets_assert_not_told(p);
    secrets_assert_not_stored(p, SECRET_ANY);
    const int pictures = secrets_assert_not_sent(p, SENT_LOCALLY);
    assert_true(pictures >= least_pictures);
}

// ---- the test itself

static void what_is_not_masked_would_be_found(void **state)
{
    struct place *p = *state;
    struct page_reader reader;
    struct page_reading read;
    size_t len;
    uint8_t *png = secrets_picture_bytes(1, &len);
    (void)p;
    reader_open(&reader);
    reader_read_file(&reader, png, len, &read);
    assert_non_null(secrets_in(read.req.text.data, read.req.text.len, SECRET_SHOWN));
    assert_null(secrets_in(read.req.text.data, read.req.text.len, SECRET_TITLED));
    reading_fini(&read);
    reader_close(&reader);
    free(png);
    assert_non_null(secrets_in("pay 4539-1488 0343 6467", 23, SECRET_SHOWN));
    assert_null(secrets_in("pay 4539-1488 0343 6467", 23, SECRET_SAID));
    assert_non_null(
        secrets_in(secrets_page_url(), strlen(secrets_page_url()), SECRET_TITLED));
}

// ---- paths

static void a_batch_with_titles(void **state)
{
    struct place *p = *state;
    struct fake f;
    const struct spawn how = {.cwd = p->dir};
    setup(p);
    write_list(p);
    fake_start(p, &f, secrets_flags(p, ""));
    struct proc *run = VLMD_START_WITH(p, &how, "batch", "--json", "--backend", f.url,
                                       "@list.txt", "in/harmless.png");
    proc_expect(run, 0);
    assert_outcome(p, "/secret.png", "answered");
    assert_outcome(p, "/harmless.png", "answered");
    assert_clean(p, run, 2);
    fake_stop(&f);
}

static void a_watched_folder(void **state)
{
    struct place *p = *state;
    struct fake f;
    setup(p);
    fake_start(p, &f, secrets_flags(p, "--kind llama-server"));
    struct proc *run =
        VLMD_START(p, "watch", "--json", "--backend", f.url, place_path(p, "in"));
    await_picture(p, "secret", "outcome", "answered");
    secrets_picture(place_path(p, "in/later.png"), 3);
    await_picture(p, "later", "outcome", "answered");
    secrets_assert_not_stored(p,
                              SECRET_ANY);  // while it runs: the log of the database, too
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
    assert_clean(p, run, 3);
    fake_stop(&f);
}

static void serve(struct site *s, int fd, const char *head, const char *body,
                  size_t body_len)
{
    size_t len;
    (void)s;
    (void)body;
    (void)body_len;
    if (strstr(head, "/gone")) {
        site_reply(fd, "404 Not Found", "", "", 0);
        return;
    }
    uint8_t *png = secrets_picture_bytes(4, &len);
    site_reply(fd, "200 OK", "Content-Type: image/png\r\n", png, len);
    free(png);
}

static void a_picture_from_the_web(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct site s;
    char url[64];
    setup(p);
    fake_start(p, &f, secrets_flags(p, ""));
    site_open(&s, "127.0.0.1", serve, NULL);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/secret.png", s.port);
    struct proc *run = VLMD_EXPECT(p, 0, "batch", "--json", "--backend", f.url, url);
    assert_outcome(p, "/secret.png", "answered");
    assert_clean(p, run, 1);
    site_close(&s);
    fake_stop(&f);
}

// The address is needed to fetch the picture; nobody is told what it proves to the server.
static void secrets_in_addresses(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct site s;
    char there[200], gone[200];
    setup(p);
    fake_start(p, &f, secrets_flags(p, ""));
    site_open(&s, "127.0.0.1", serve, NULL);
    snprintf(there, sizeof(there), "http://127.0.0.1:%d/a.png?%s", s.port,
             secrets_url_query());
    snprintf(gone, sizeof(gone), "http://127.0.0.1:%d/gone.png?%s&page=2", s.port,
             secrets_url_query());
    struct proc *run = vlmd_start_with(
        p, NULL,
        (const char *const[]){"batch", "--json", "--backend", f.url, there, gone, NULL});
    proc_end(run);
    assert_outcome(p, "/a.png?access_token=[api_key]", "answered");
    assert_outcome(p, "&page=2", "failed");
    assert_clean(p, run, 1);
    site_close(&s);
    fake_stop(&f);
}

// All that is left of a file's name is what it is told as; by its whole one it is known.
static void a_secret_in_the_name_of_a_file(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    char name[300];
    setup(p);
    snprintf(name, sizeof(name), "%s", place_path(p, "in/%s", secrets_file_name()));
    harmless_picture(name, 5);
    fake_start(p, &f, secrets_flags(p, ""));
    struct proc *run =
        VLMD_EXPECT(p, 0, "batch", "--json", "--backend", f.url, place_path(p, "in"));
    assert_outcome(p, secrets_told_name(), "answered");
    assert_clean(p, run, 3);
    fake_totals(&f, &t);
    const int64_t asked = t.asked;
    for (int i = 0; i < 2; i++) {
        VLMD_EXPECT(p, 0, "batch", "--backend", f.url, i ? name : place_path(p, "in"));
        fake_totals(&f, &t);
        assert_int_equal(t.asked, asked);
    }
    cJSON *shown = VLMD_JSON(p, "show", "--json", name);
    assert_true(cJSON_IsTrue(json_at(shown, "address_removed")));
    cJSON_Delete(shown);
    secrets_assert_not_stored(p, SECRET_ANY);
    run = VLMD_EXPECT(p, 0, "forget", "--yes", name);
    secrets_assert_not_printed(run);
    shown = VLMD_JSON(p, "privacy", "report", "--json");
    cJSON_Delete(shown);
    struct rows rows;
    rows_export(p, &rows);
    assert_null(rows_find(&rows, secrets_told_name()));
    rows_free(&rows);
    fake_stop(&f);
}

static void a_name_that_is_asked_for_again(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    char name[300];
    setup(p);
    snprintf(name, sizeof(name), "%s", place_path(p, "in/%s", secrets_file_name()));
    harmless_picture(name, 5);
    fake_start(p, &f, secrets_flags(p, ""));
    VLMD_EXPECT(p, 0, "batch", "--backend", f.url, name);
    struct proc *run = VLMD_EXPECT(p, 0, "jobs", "redo", "--all");
    assert_non_null(strstr(run->err.text, "1 of them held a secret"));
    secrets_assert_not_printed(run);
    VLMD_EXPECT(p, 0, "batch", "--backend", f.url, place_path(p, "in"));
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 4);  // it, it once more, and the other two
    run = VLMD_EXPECT(p, 0, "jobs", "redo", name);
    assert_null(strstr(run->err.text, "held a secret"));
    VLMD_EXPECT(p, 0, "batch", "--backend", f.url, name);
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 5);
    secrets_assert_not_stored(p, SECRET_ANY);
    fake_stop(&f);
}

// No rule looks at a name's secret, and nothing is opened; it goes all the same.
static void a_name_that_rules_exclude(void **state)
{
    struct place *p = *state;
    struct fake f;
    setup(p);
    harmless_picture(place_path(p, "in/%s", secrets_file_name()), 5);
    fake_start(p, &f, secrets_flags(p, ""));
    struct proc *run = VLMD_EXPECT(p, 0, "batch", "--json", "--backend", f.url, "--set",
                                   "privacy.exclude_paths=*/card *", place_path(p, "in"));
    assert_outcome(p, secrets_told_name(), "blocked");
    assert_clean(p, run, 2);
    fake_stop(&f);
}

static void asked_again_after_failures(void **state)
{
    struct place *p = *state;
    struct fake f;
    setup(p);
    fake_start(p, &f,
               secrets_flags(p, "--fault 500:1 --fault cut-mid:1 --fault wrong-json:1 "
                                "--fault thinking=inline:1"));
    struct proc *run =
        VLMD_EXPECT(p, 0, "batch", "--json", "--backend", f.url, "--set",
                    "retry.base=1ms", "--set", "retry.cap=5ms", place_path(p, "in"));
    assert_outcome(p, "/secret.png", "answered");
    assert_clean(p, run, 2);
    fake_stop(&f);
}

static void another_backend_after_one_that_fails(void **state)
{
    struct place *p = *state;
    struct fake first, second;
    setup(p);
    fake_start(p, &first, secrets_flags(p, "--kind llama-server --fault 500"));
    fake_start(p, &second, secrets_flags(p, "--kind ollama"));
    struct proc *run = VLMD_EXPECT(p, 0, "batch", "--json", "--backend", first.url,
                                   "--backend", second.url, "--set", "retry.base=1ms",
                                   "--set", "retry.cap=5ms", place_path(p, "in"));
    assert_outcome(p, "/secret.png", "answered");
    assert_clean(p, run, 2);
    fake_stop(&first);
    fake_stop(&second);
}

static atomic_int n_quoted;

// An OpenAI-compatible server that has nothing but errors for pictures, which quote what it saw:
// first it is broken, then it wants no such request.
static void quote(struct site *s, int fd, const char *head, const char *body,
                  size_t body_len)
{
    static const char models[] =
        "{\"object\":\"list\",\"data\":[{\"id\":\"m\",\"object\":\"model\"}]}";
    static const char word[] =
        "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}";
    char text[600], dots[140];
    (void)s;
    (void)body;
    if (body_len < 1000) {
        const bool is_list = strncmp(head, "POST ", 5) != 0;
        const char *said = is_list ? models : word;
        site_reply(fd, "200 OK", "Content-Type: application/json\r\n", said,
                   strlen(said));
        return;
    }
    memset(dots, '.', sizeof(dots));  // the second time: where a server's words are cut
    snprintf(text, sizeof(text), "{\"error\":{\"message\":\"no JSON: %s %.*s %s\"}}",
             secrets_said(), (int)sizeof(dots), dots, secrets_said());
    const char *status = atomic_fetch_add(&n_quoted, 1) < 3 ? "500 Internal Server Error"
                                                            : "400 Bad Request";
    site_reply(fd, status, "Content-Type: application/json\r\n", text, strlen(text));
}

static void what_a_server_quotes_when_it_fails(void **state)
{
    struct place *p = *state;
    struct site s;
    char url[64], log[200];
    setup(p);
    site_open(&s, "127.0.0.1", quote, NULL);
    snprintf(log, sizeof(log), "log.file=%s", place_path(p, "run/vlmd.log"));
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", s.port);
    struct proc *run = VLMD_START(
        p, "watch", "--backend", url, "--model", "m", "--set", "backend.kind=openai",
        "--set", "backend.vision=yes", "--set", "ocr.when=never", "--set", "fallback=off",
        "--set", "retry.max_attempts=2", "--set", "retry.base=1ms", "--set",
        "retry.cap=10ms", "--set", log, place_path(p, "in"));
    proc_await(run, &run->err, "away: the backend failed");
    await_picture(p, "harmless", "outcome", "failed");
    await_picture(p, "secret", "outcome", "failed");
    secrets_assert_not_told(p);
    struct proc *more = VLMD_EXPECT(p, 0, "logs", place_path(p, "in/secret.png"));
    assert_non_null(strstr(more->out.text, "[card]"));
    secrets_assert_not_printed(more);
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
    secrets_assert_not_printed(run);
    secrets_assert_not_stored(p, SECRET_ANY);
    site_close(&s);
}

static void text_recognition_that_stands_in(void **state)
{
    struct place *p = *state;
    struct fake f;
    int port_fd;
    char url[64], more[64];
    setup(p);
    const int port = reserve_port(&port_fd);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    struct proc *run =
        VLMD_START(p, "watch", "--json", "--backend", url, "--set", "breaker.open=100ms",
                   "--set", "breaker.cap=300ms", place_path(p, "in"));
    await_picture(p, "secret", "degraded", "true");
    secrets_assert_not_told(p);
    secrets_assert_not_stored(p, SECRET_ANY);
    snprintf(more, sizeof(more), "--listen 127.0.0.1:%d", port);
    fake_start(p, &f, secrets_flags(p, more));
    await_picture(p, "secret", "degraded", "false");
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
    assert_clean(p, run, 1);
    fake_stop(&f);
    close(port_fd);
}

static void killed_and_started_again(void **state)
{
    struct place *p = *state;
    struct fake f;
    setup(p);
    for (unsigned n = 10; n < 16; n++) {
        secrets_picture(place_path(p, "in/more-%u.png", n), n);
    }
    fake_start(p, &f, secrets_flags(p, "--latency-ms 100"));
    for (int i = 0; i < 4; i++) {
        struct proc *run =
            VLMD_START(p, "batch", "--json", "--backend", f.url, place_path(p, "in"));
        if (i < 3) {
            proc_ends_within(run, 300 + (int64_t)any_number(1500));
            proc_kill(run);
            secrets_assert_not_stored(p, SECRET_ANY);  // as a crash leaves it
        } else {
            proc_expect(run, 0);
        }
        secrets_assert_not_printed(run);
        if (i == 3) {
            assert_clean(p, run, 8);
        }
        proc_free(p, run);
    }
    assert_outcome(p, "/secret.png", "answered");
    fake_stop(&f);
}

// As a crash leaves it there is nothing of those that have ended; and none is paid for twice.
static void killed_with_secrets_in_names(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct site s;
    struct totals t;
    char url[200];
    setup(p);
    harmless_picture(place_path(p, "in/%s", secrets_file_name()), 5);
    fake_start(p, &f, secrets_flags(p, "--latency-ms 50"));
    site_open(&s, "127.0.0.1", serve, NULL);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/a.png?%s", s.port,
             secrets_url_query());
    const char *const first[] = {"batch",     "--json",
                                 "--backend", f.url,
                                 "--set",     "retry.max_attempts=1",
                                 url,         place_path(p, "in/%s", secrets_file_name()),
                                 NULL};
    struct proc *run = vlmd_start_with(p, NULL, first);
    proc_expect(run, 0);
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 2);
    run = VLMD_START(p, "watch", "--json", "--backend", f.url, place_path(p, "in"));
    await_picture(p, "harmless", "outcome", "answered");
    await_picture(p, "secret", "outcome", "answered");
    proc_kill(run);
    secrets_assert_not_stored(p, SECRET_ANY);
    secrets_assert_not_printed(run);
    run = VLMD_EXPECT(p, 0, "batch", "--json", "--backend", f.url, url,
                      place_path(p, "in"));
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 4);
    assert_clean(p, run, 4);
    site_close(&s);
    fake_stop(&f);
}

// ---- another machine

static void another_machine_gets_nothing_of_the_title(void **state)
{
    struct place *p = *state;
    struct fake f;
    const struct spawn how = {.cwd = p->dir};
    setup(p);
    write_list(p);
    fake_start(p, &f, secrets_flags(p, FAKE_CLOUD));
    struct proc *run = VLMD_START_WITH(
        p, &how, "batch", "--json", "--backend", f.url, "--model", CLOUD_MODEL, "--set",
        "privacy.allow_remote=yes", "@list.txt", "in/harmless.png");
    proc_expect(run, 0);
    assert_outcome(p, "/secret.png", "blocked");
    assert_outcome(p, "/harmless.png", "answered");
    secrets_assert_not_printed(run);
    secrets_assert_not_told(p);
    secrets_assert_not_stored(p, SECRET_ANY);
    assert_int_equal(secrets_assert_not_sent(p, SECRET_ANY), 1);
}

// ---- a host program

struct host {
    FILE *heard;
    int n_ended;
};

// Everything an event says, as text.
static void on_event(void *arg, const struct vlmd_event *e)
{
    struct host *h = arg;
    const struct vlmd_item *it = e->item;
    fprintf(h->heard, "%d %s %s\n", (int)e->type, e->path ? e->path : "",
            e->words ? e->words : "");
    if (e->type != VLMD_EVENT_JOB) {
        return;
    }
    fprintf(h->heard, "%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s\n", it->outcome, it->reason,
            it->window, it->page_url, it->summary, it->activity, it->details, it->text,
            it->raw, it->tags, it->ocr_text);
    h->n_ended++;
}

static void on_log(void *arg, enum vlmd_log_level level, int64_t at_ms,
                   const char *module, const char *message)
{
    const struct host *h = arg;
    (void)level;
    (void)at_ms;
    fprintf(h->heard, "%s: %s\n", module, message);
}

static void on_submitted(void *arg, int err, int64_t id, bool is_new, const char *message)
{
    (void)arg;
    (void)id;
    (void)is_new;
    if (err) {
        fprintf(stderr, "submit: %s\n", message);
        exit(1);
    }
}

static int be_host(char **args)
{
    char db[PATH_MAX], path[PATH_MAX], named[PATH_MAX], heard[PATH_MAX];
    struct host h = {0};
    struct vlmd_error error = {0};
    vlmd *v;
    snprintf(db, sizeof(db), "%s/data/vlmd/vlmd.db", args[0]);
    snprintf(path, sizeof(path), "%s/in/secret.png", args[0]);
    snprintf(heard, sizeof(heard), "%s/home/heard.txt", args[0]);
    h.heard = fopen(heard, "we");
    const struct vlmd_setting settings[] = {{"db", db, "host"},
                                            {"backends", args[1], "host"},
                                            {"privacy.read_text", "always", "host"},
                                            {"log.level", "debug", "host"},
                                            {"ocr.helper", args[2], "host"}};
    const struct vlmd_options options = {.role = VLMD_WORKER,
                                         .config_file = "",
                                         .settings = settings,
                                         .n_settings = 5,
                                         .ignore_environment = true,
                                         .on_log = on_log,
                                         .log_arg = &h};
    snprintf(named, sizeof(named), "%s/in/%s", args[0], secrets_file_name());
    const struct vlmd_input in = {.path = path,
                                  .window = secrets_window(),
                                  .page_url = secrets_page_url(),
                                  .is_interactive = true};
    if (!h.heard || vlmd_open(&options, &v, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const struct vlmd_input other = {.path = named, .is_interactive = true};
    if (!vlmd_subscribe(v, on_event, &h) || vlmd_submit(v, &in, on_submitted, &h) ||
        vlmd_submit(v, &other, on_submitted, &h)) {
        return 1;
    }
    while (h.n_ended < 2) {
        struct pollfd fd = {.fd = vlmd_fd(v), .events = POLLIN};
        if (poll(&fd, 1, vlmd_timeout_ms(v)) < 0 && errno != EINTR) {
            return 1;
        }
        vlmd_step(v);
    }
    vlmd_close(v);
    fclose(h.heard);
    return 0;
}

static void a_host_program_that_submits(void **state)
{
    struct place *p = *state;
    struct fake f;
    setup(p);
    harmless_picture(place_path(p, "in/%s", secrets_file_name()), 5);
    make_folder(place_path(p, "data/vlmd"));
    fake_start(p, &f, secrets_flags(p, ""));
    struct proc *run = proc_start(p,
                                  (const char *const[]){"/proc/self/exe", "--host",
                                                        p->dir, f.url, REAL_HELPER, NULL},
                                  NULL);
    proc_expect(run, 0);
    assert_outcome(p, "/secret.png", "answered");
    assert_outcome(p, secrets_told_name(), "answered");
    assert_clean(p, run, 2);
    fake_stop(&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--host") == 0) {
        return be_host(argv + 2);
    }
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_masked_would_be_found),
        TEST(a_batch_with_titles),
        TEST(a_watched_folder),
        TEST(a_picture_from_the_web),
        TEST(secrets_in_addresses),
        TEST(a_secret_in_the_name_of_a_file),
        TEST(a_name_that_is_asked_for_again),
        TEST(a_name_that_rules_exclude),
        TEST(asked_again_after_failures),
        TEST(another_backend_after_one_that_fails),
        TEST(what_a_server_quotes_when_it_fails),
        TEST(text_recognition_that_stands_in),
        TEST(killed_and_started_again),
        TEST(killed_with_secrets_in_names),
        TEST(another_machine_gets_nothing_of_the_title),
        TEST(a_host_program_that_submits),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
