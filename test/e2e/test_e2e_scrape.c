// test_e2e_scrape.c -- what Prometheus reads of the real vlmd and what a StatsD server is sent
// equals what the backend and the database count.
//
// The database is read by sqlite3 itself, beside vlmd.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <arpa/inet.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PICTURES = 30 };

struct scraped {
    struct place *p;
    struct fake f;
    struct proc *run;
    struct backend http;  // only its port
    char key[200];        // a header line with the token
    char *text;           // owned; the last answer of /metrics
};

static void draw(struct place *p)
{
    for (int n = 0; n < PICTURES; n++) {
        picture_write(place_path(p, "in"), NULL, n);
    }
    picture_write(place_path(p, "in"), "again.png", 3);  // the same bytes as another
    size_t len;
    uint8_t *broken = picture_bytes(PICTURES, &len);
    memset(broken + len / 2, 0x5a, 16);
    write_bytes(place_path(p, "in/broken.png"), broken, len);
    free(broken);
}

static void begin(struct place *p, struct scraped *s, const char *flags,
                  const char *statsd)
{
    static const char *const env[] = {"VLMD_ADMIN_LISTEN=127.0.0.1:0",
                                      "VLMD_STATSD_EVERY=1s", "VLMD_RETRY_BASE=1ms",
                                      NULL};
    const struct spawn how = {.env = env};
    char address[80];
    *s = (struct scraped){.p = p};
    draw(p);
    fake_start(p, &s->f, flags);
    snprintf(address, sizeof(address), "statsd.address=%s", statsd);
    s->run = VLMD_START_WITH(p, &how, "watch", "--backend", s->f.url, "--set",
                             "duplicates=off", "--set", "fallback=off", "--set", address,
                             place_path(p, "in"));
    proc_await(s->run, &s->run->err, "page at http://127.0.0.1:");
    s->http.port = atoi(strstr(s->run->err.text, "page at http://127.0.0.1:") + 25);
    char *token = read_text(place_path(p, "data/vlmd/api-token"));
    snprintf(s->key, sizeof(s->key), "Host: 127.0.0.1\r\nAuthorization: Bearer %.64s\r\n",
             token);
    free(token);
}

static void end(struct scraped *s)
{
    proc_signal(s->run, SIGINT);
    proc_expect(s->run, 130);
    fake_stop(&s->f);
    free(s->text);
}

static void scrape(struct scraped *s)
{
    struct reply r;
    ask_with(&s->http, "GET", "/metrics", s->key, NULL, &r);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.head, "text/plain; version=0.0.4"));
    free(s->text);
    s->text = strdup(r.body);
    reply_free(&r);
}

// The sum of all series of a metric whose labels hold a text ("" = any).
static int64_t sum_of(const struct scraped *s, const char *name, const char *labels)
{
    double sum = 0;
    size_t len = strlen(name);
    for (const char *line = s->text; *line;) {
        const char *line_end = strchr(line, '\n');
        assert_non_null(line_end);
        char one[1000];
        snprintf(one, sizeof(one), "%.*s", (int)(line_end - line), line);
        bool is_it = strncmp(one, name, len) == 0 && (one[len] == '{' || one[len] == ' ');
        if (is_it && strstr(one, labels)) {
            sum += strtod(strrchr(one, ' '), NULL);
        }
        line = line_end + 1;
    }
    return (int64_t)sum;
}

static void await_all_ended(struct scraped *s)
{
    int64_t began_ms = now_ms();
    fake_await_asked(&s->f, PICTURES);
    do {
        poll(NULL, 0, 20);  // a key may ask a hundred times a second
        scrape(s);
        assert_true(now_ms() - began_ms < E2E_PATIENCE_MS);
    } while (sum_of(s, "vlmd_database_jobs", "state=\"ended\"") < PICTURES + 2);
    fake_await_quiet(&s->f);
    scrape(s);
}

// ---- the database, read by another program

static sqlite3 *open_database(const struct place *p)
{
    sqlite3 *db;
    int rc = sqlite3_open_v2(place_path(p, "data/vlmd/vlmd.db"), &db,
                             SQLITE_OPEN_READONLY, NULL);
    assert_int_equal(rc, SQLITE_OK);
    return db;
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return n;
}

// Sums of usage that come while others are being written go with the next write, which may
// be after the picture's own end.
static void await_usage(const struct scraped *s, sqlite3 *db)
{
    int64_t began_ms = now_ms();
    while (number(db, "SELECT sum(requests) FROM usage") <
           sum_of(s, "vlmd_requests_total", "")) {
        assert_true(now_ms() - began_ms < E2E_PATIENCE_MS);
        poll(NULL, 0, 20);
    }
}

#define IS(name, labels, value)                                                          \
    assert_int_equal(sum_of(&s, name, labels), (int64_t)(value))

static void compare_with_database(const struct scraped *of)
{
    struct scraped s = *of;
    static const char *const outcomes[] = {"answered", "cached",  "duplicate",
                                           "blocked",  "skipped", "failed"};
    sqlite3 *db = open_database(s.p);
    int64_t ended = 0;
    await_usage(of, db);
    for (int i = 0; i < 6; i++) {
        char sql[100], label[40];
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM job WHERE outcome = %d", i + 1);
        snprintf(label, sizeof(label), "outcome=\"%s\"", outcomes[i]);
        int64_t n = number(db, sql);
        IS("vlmd_jobs_total", label, n);
        IS("vlmd_database_outcomes", label, n);
        ended += n;
    }
    assert_int_equal(ended, PICTURES + 2);
    IS("vlmd_jobs_total", "", number(db, "SELECT count(*) FROM job"));
    IS("vlmd_job_duration_seconds_count", "", number(db, "SELECT count(*) FROM job"));
    IS("vlmd_tokens_total", "prompt", number(db, "SELECT sum(prompt_tokens) FROM usage"));
    IS("vlmd_tokens_total", "completion",
       number(db, "SELECT sum(completion_tokens) FROM usage"));
    IS("vlmd_requests_total", "", number(db, "SELECT sum(requests) FROM usage"));
    IS("vlmd_sent_bytes_total", "", number(db, "SELECT sum(bytes_sent) FROM usage"));
    IS("vlmd_audit_rows_total", "", number(db, "SELECT count(*) FROM audit"));
    sqlite3_close(db);
}

static void what_is_scraped_is_what_happened(void **state)
{
    struct place *p = *state;
    struct scraped s;
    begin(p, &s, "--kind llama-server --slots 4 --fault 500:4 --fault truncate:2", "");
    await_all_ended(&s);
    int64_t chats = (int64_t)stat_of(&s.f.b, "chat_requests");
    IS("vlmd_requests_total", "", chats);
    IS("vlmd_requests_total", "result=\"ok\"", stat_of(&s.f.b, "totals.answered"));
    IS("vlmd_requests_total", "result=\"server\"", stat_of(&s.f.b, "faults.500"));
    IS("vlmd_request_duration_seconds_count", "", chats);
    IS("vlmd_request_first_byte_seconds_count", "", chats);
    IS("vlmd_job_stage_seconds_count", "stage=\"request\"", chats);
    IS("vlmd_job_attempts_sum", "", chats);
    compare_with_database(&s);
    end(&s);
}

static void promtool_takes_what_is_scraped(void **state)
{
    struct scraped s;
    if (access("/usr/bin/promtool", X_OK)) {
        print_message(
            "promtool is not there (Debian: prometheus): not checked with it\n");
        skip();
    }
    begin(*state, &s, "--kind ollama --fault 500:2", "");
    await_all_ended(&s);
    write_text(place_path(s.p, "metrics.txt"), s.text);
    static const char *const argv[] = {"/bin/sh", "-c",
                                       "exec promtool check metrics <metrics.txt", NULL};
    const struct spawn how = {.cwd = s.p->dir};
    struct proc *check = proc_start(s.p, argv, &how);
    proc_expect(check, 0);
    assert_string_equal(check->err.text, "");  // it warns there
    end(&s);
}

// ---- StatsD

struct server {
    int fd;
    char address[40];
    struct {
        char name[200];
        double value;  // of counters the sum, of gauges the last, of timers how many
    } seen[600];
    int n;
    size_t largest;
};

static void serve(struct server *v)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    memset(v, 0, sizeof(*v));
    v->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(v->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(v->fd, (struct sockaddr *)&at, &len), 0);
    snprintf(v->address, sizeof(v->address), "127.0.0.1:%d", ntohs(at.sin_port));
}

static double *value_of(struct server *v, const char *name)
{
    for (int i = 0; i < v->n; i++) {
        if (strcmp(v->seen[i].name, name) == 0) {
            return &v->seen[i].value;
        }
    }
    assert_true(v->n < 600);
    snprintf(v->seen[v->n].name, sizeof(v->seen[0].name), "%s", name);
    return &v->seen[v->n++].value;
}

static void take_line(struct server *v, const char *line)
{
    char name[200], type[8] = "";
    double value, share = 1;
    if (sscanf(line, "%199[A-Za-z0-9_.-]:%lf|%7[a-z]|@%lf", name, &value, type, &share) <
        3) {
        fail_msg("no line of StatsD: %s", line);
    }
    double *at = value_of(v, name);
    if (strcmp(type, "c") == 0) {
        *at += value;
    } else if (strcmp(type, "g") == 0) {
        *at = value;
    } else {
        assert_string_equal(type, "ms");
        *at += (int)(1 / share);
    }
}

static bool take_packet(struct server *v, int patience_ms)
{
    char packet[65536];
    struct pollfd p = {.fd = v->fd, .events = POLLIN};
    if (poll(&p, 1, patience_ms) != 1) {
        return false;
    }
    ssize_t n = recv(v->fd, packet, sizeof(packet) - 1, 0);
    assert_true(n > 0);
    packet[n] = 0;
    v->largest = (size_t)n > v->largest ? (size_t)n : v->largest;
    char *rest = packet, *line;
    while ((line = strsep(&rest, "\n"))) {
        take_line(v, line);
    }
    return true;
}

// The sum of all whose name begins so.
static int64_t told(const struct server *v, const char *start)
{
    double sum = 0;
    for (int i = 0; i < v->n; i++) {
        if (strncmp(v->seen[i].name, start, strlen(start)) == 0) {
            sum += v->seen[i].value;
        }
    }
    return (int64_t)(sum + 0.5);
}

static void statsd_is_told_what_is_scraped(void **state)
{
    struct server *v = calloc(1, sizeof(*v));
    struct scraped s;
    serve(v);
    begin(*state, &s, "--kind llama-server --slots 4 --fault 500:4", v->address);
    await_all_ended(&s);
    while (told(v, "vlmd_jobs_total.") < PICTURES + 2) {
        assert_true(take_packet(v, E2E_PATIENCE_MS));
    }
    end(&s);  // says what it has not said yet
    s.text = NULL;
    while (take_packet(v, 0)) {
    }
    assert_int_equal(told(v, "vlmd_jobs_total."), PICTURES + 2);
    assert_int_equal(told(v, "vlmd_jobs_total.answered."), PICTURES);
    assert_in_range(v->largest, 200, 1432);
    free(v);
}

static void statsd_hears_of_what_ends_at_once(void **state)
{
    struct place *p = *state;
    struct server *v = calloc(1, sizeof(*v));
    struct fake f;
    serve(v);
    draw(p);
    char address[80];
    snprintf(address, sizeof(address), "statsd.address=%s", v->address);
    fake_start(p, &f, "--kind ollama");
    VLMD_EXPECT(p, 1, "batch", "--backend", f.url, "--set", address, "--set",
                "statsd.prefix=box.", place_path(p, "in"));
    while (take_packet(v, 0)) {
    }
    assert_int_equal(told(v, "box.vlmd_jobs_total."), PICTURES + 2);
    assert_int_equal(told(v, "box.vlmd_requests_total."),
                     (int64_t)stat_of(&f.b, "chat_requests"));
    assert_int_equal(told(v, "box.vlmd_job_duration_seconds."), PICTURES + 2);
    assert_int_equal(told(v, "box.vlmd_database_jobs.ended"), PICTURES + 2);
    assert_true(told(v, "box.process_resident_memory_bytes") > 1 << 20);
    close(v->fd);
    free(v);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_scraped_is_what_happened, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(promtool_takes_what_is_scraped, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(statsd_is_told_what_is_scraped, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(statsd_hears_of_what_ends_at_once, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
