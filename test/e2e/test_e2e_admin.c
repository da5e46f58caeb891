// test_e2e_admin.c -- the real vlmd over HTTP: pictures, uploads, keys, many bad clients.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include "base/json.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOW = 200, LISTENERS = 1000, MAX_RSS_KIB = 64 * 1024 };

struct served {
    struct place *p;
    struct fake f;
    struct proc *run;
    struct backend http;  // only its port
    char key[200];        // a header line with the token
};

static void start(struct served *s)
{
    static const char *const env[] = {"VLMD_ADMIN_LISTEN=127.0.0.1:0", NULL};
    const struct spawn how = {.env = env};
    char given[300];
    snprintf(given, sizeof(given), "admin.submit_dirs=%s", place_path(s->p, "given"));
    s->run = VLMD_START_WITH(s->p, &how, "watch", "--backend", s->f.url, "--set",
                             "duplicates=off", "--set", given, place_path(s->p, "in"));
    proc_await(s->run, &s->run->err, "page at http://127.0.0.1:");
    s->http.port = atoi(strstr(s->run->err.text, "page at http://127.0.0.1:") + 25);
    char *token = read_text(place_path(s->p, "data/vlmd/api-token"));
    token[64] = 0;
    snprintf(s->key, sizeof(s->key), "Host: 127.0.0.1\r\nAuthorization: Bearer %s\r\n",
             token);
    free(token);
    proc_await(s->run, &s->run->err, "pictures found");
}

static void begin(struct place *p, struct served *s, const char *flags)
{
    *s = (struct served){.p = p};
    fake_start(p, &s->f, flags);
    start(s);
}

static void end(struct served *s)
{
    proc_signal(s->run, SIGINT);
    proc_expect(s->run, 130);
    fake_stop(&s->f);
}

static void get(struct served *s, const char *path, int status, struct reply *r)
{
    ask_with(&s->http, "GET", path, s->key, NULL, r);
    if (r->status != status) {
        fail_msg("%s: %d instead of %d: %s", path, r->status, status, r->body);
    }
}

static void expect(struct served *s, const char *path, int status)
{
    struct reply r;
    get(s, path, status, &r);
    reply_free(&r);
}

static struct cJSON *get_json(struct served *s, const char *path)
{
    struct reply r;
    get(s, path, 200, &r);
    struct cJSON *json = json_parse(r.body, r.body_len);
    assert_non_null(json);
    reply_free(&r);
    return json;
}

static void await_described(struct served *s, int n)
{
    fake_await_asked(&s->f, n);
    fake_await_quiet(&s->f);
    for (;;) {
        struct cJSON *status = get_json(s, "/v1/status");
        bool is_done = json_get_int(status, "described", 0) >= n;
        json_free(status);
        if (is_done) {
            return;
        }
    }
}

// ---- pictures

static void pictures_are_shown_as_they_were_described(void **state)
{
    struct served s;
    struct reply r;
    size_t len;
    uint8_t *bytes = picture_bytes(1, &len);
    begin(*state, &s, "--loaded");
    picture_write(place_path(s.p, "in"), NULL, 1);
    await_described(&s, 1);
    get(&s, "/v1/images/1", 200, &r);
    assert_int_equal(r.body_len, len);
    assert_memory_equal(r.body, bytes, len);
    assert_non_null(strstr(r.head, "image/png"));
    reply_free(&r);
    free(bytes);
    get(&s, "/v1/images/1/thumb?size=160", 200, &r);
    assert_memory_equal(r.body, "\xff\xd8\xff", 3);
    char head[400], tag[80] = "";
    assert_int_equal(sscanf(strstr(r.head, "ETag: "), "ETag: %79[^\r]", tag), 1);
    reply_free(&r);
    snprintf(head, sizeof(head), "%sIf-None-Match: %s\r\n", s.key, tag);
    ask_with(&s.http, "GET", "/v1/images/1/thumb?size=160", head, NULL, &r);
    assert_int_equal(r.status, 304);
    reply_free(&r);
    // Another picture under the same name is another picture; a link out is followed nowhere.
    char path[300];
    snprintf(path, sizeof(path), "%s", place_path(s.p, "in/pic-00001.png"));
    unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    get(&s, "/v1/images/1", 403, &r);
    assert_null(strstr(r.body, "root:"));
    reply_free(&r);
    unlink(path);
    expect(&s, "/v1/images/1", 404);
    end(&s);
}

// ---- uploads

static int spooled(const struct served *s)
{
    int n = 0;
    DIR *d = opendir(place_path(s->p, "data/vlmd/spool"));
    for (struct dirent *e; d && (e = readdir(d));) {
        n += e->d_name[0] != '.';
    }
    if (d) {
        closedir(d);
    }
    return n;
}

static void upload_with(struct served *s, const char *target, const char *more, int n,
                        struct reply *r)
{
    char head[400];
    size_t len;
    uint8_t *bytes = picture_bytes(n, &len);
    snprintf(head, sizeof(head), "%s%sContent-Type: image/png\r\n", s->key, more);
    int fd = client_connect(&s->http);
    client_send(fd, "POST", target, head, (char *)bytes, len);
    client_read(fd, r);
    close(fd);
    free(bytes);
}

static void upload(struct served *s, const char *target, int n, struct reply *r)
{
    upload_with(s, target, "", n, r);
}

static void an_upload_is_described_and_gone(void **state)
{
    struct served s;
    struct reply r;
    begin(*state, &s, "--loaded");
    upload(&s, "/v1/jobs?wait=60", 5, &r);
    assert_int_equal(r.status, 200);
    struct cJSON *job = json_parse(r.body, r.body_len);
    assert_string_equal(json_get_str(job, "state"), "ended");
    const char *said = json_get_str(json_get(json_get(job, "item"), "fields"), "summary");
    assert_true(picture_is_described(5, said));
    json_free(job);
    reply_free(&r);
    assert_int_equal(spooled(&s), 0);
    end(&s);
}

// Of the job that was answered; one whose end was waited for has its item with it.
static int64_t take_id(struct reply *r, bool has_item)
{
    struct cJSON *job = json_parse(r->body, r->body_len);
    int64_t id = json_get_int(job, "id", -1);
    if (has_item) {
        assert_string_equal(json_get_str(job, "state"), "ended");
        assert_int_equal(json_get_int(json_get(job, "item"), "id", -2), id);
    }
    json_free(job);
    reply_free(r);
    return id;
}

static int64_t upload_whole(struct served *s, int n)
{
    struct reply r;
    upload(s, "/v1/jobs?wait=60", n, &r);
    assert_int_equal(r.status, 200);
    return take_id(&r, true);
}

// Its number was once one that nobody knew, and its file stayed.
static void an_upload_that_came_before_is_the_same_job(void **state)
{
    struct served s;
    struct totals t;
    char path[60];
    begin(*state, &s, "--loaded");
    const int64_t id = upload_whole(&s, 5);
    assert_int_equal(spooled(&s), 0);
    assert_int_equal(upload_whole(&s, 5), id);
    snprintf(path, sizeof(path), "/v1/jobs/%lld", (long long)id);
    expect(&s, path, 200);
    assert_int_equal(spooled(&s), 0);
    fake_totals(&s.f, &t);
    assert_int_equal(t.images, 1);
    end(&s);
}

static int64_t give_path(struct served *s, const char *path, const char *how)
{
    struct reply r;
    char body[400], target[100];
    snprintf(target, sizeof(target), "/v1/jobs%s", how);
    snprintf(body, sizeof(body), "{\"path\":\"%s\"}", path);
    char head[400];
    snprintf(head, sizeof(head), "%sContent-Type: application/json\r\n", s->key);
    ask_with(&s->http, "POST", target, head, body, &r);
    assert_int_equal(r.status, *how ? 200 : 202);
    return take_id(&r, *how != 0);
}

// The id that it has now.
static int64_t poll_job(struct served *s, int64_t id, const char *how)
{
    struct reply r;
    char target[100];
    snprintf(target, sizeof(target), "/v1/jobs/%d%s", (int)id, how);
    get(s, target, 200, &r);
    return take_id(&r, false);
}

// It has no row of its own in the end; who waits, or comes again, is told of the one it is.
static void a_file_that_was_touched_is_the_job_it_was(void **state)
{
    struct served s;
    char path[300];
    const struct timespec times[2] = {{1700000000, 0}, {1700000000, 0}};
    begin(*state, &s, "--loaded");
    mkdir(place_path(s.p, "given"), 0700);
    picture_write(place_path(s.p, "given"), NULL, 3);
    snprintf(path, sizeof(path), "%s", place_path(s.p, "given/pic-00003.png"));
    const int64_t id = give_path(&s, path, "?wait=60");
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(give_path(&s, path, "?wait=60"), id);
    assert_int_equal(utimensat(AT_FDCWD, path, NULL, 0), 0);
    const int64_t again = give_path(&s, path, "");
    assert_int_equal(poll_job(&s, again, "?wait=60"), id);
    assert_int_equal(poll_job(&s, again, ""), id);
    end(&s);
}

static void uploads_survive_a_kill(void **state)
{
    struct served s;
    struct reply r;
    begin(*state, &s, "--loaded --latency-ms 3000:0");
    for (int i = 0; i < 5; i++) {
        upload(&s, "/v1/jobs", 10 + i, &r);
        assert_int_equal(r.status, 202);
        reply_free(&r);
    }
    assert_int_equal(spooled(&s), 5);
    proc_kill(s.run);
    fake_control(&s.f, "{\"latency_ms\":10}");
    start(&s);
    for (int n = 0; n < 5;) {
        struct cJSON *status = get_json(&s, "/v1/status");
        n = (int)json_get_int(status, "described", 0);
        json_free(status);
    }
    while (spooled(&s) > 0) {
        expect(&s, "/v1/stats", 200);  // the last one's file goes with its event
    }
    end(&s);
}

// A client that never heard back asks again: it is the same job, and asked once.
static void a_key_survives_a_kill(void **state)
{
    struct served s;
    struct reply r;
    struct totals t;
    begin(*state, &s, "--loaded");
    upload_with(&s, "/v1/jobs?wait=60", "Idempotency-Key: once\r\n", 7, &r);
    assert_int_equal(r.status, 200);
    struct cJSON *job = json_parse(r.body, r.body_len);
    int64_t id = json_get_int(job, "id", -1);
    json_free(job);
    reply_free(&r);
    proc_kill(s.run);
    start(&s);
    upload_with(&s, "/v1/jobs?wait=60", "Idempotency-Key: once\r\n", 7, &r);
    assert_int_equal(r.status, 200);
    job = json_parse(r.body, r.body_len);
    assert_int_equal(json_get_int(job, "id", -2), id);
    json_free(job);
    reply_free(&r);
    while (spooled(&s) > 0) {
        expect(&s, "/v1/stats", 200);  // what was sent again is wanted by nobody
    }
    fake_totals(&s.f, &t);
    assert_int_equal(t.images, 1);
    assert_int_equal(t.asked_twice, 0);
    end(&s);
}

// ---- models

static bool has_model(const struct served *s, const char *state)
{
    struct reply r;
    ask(&s->f.b, "GET", "/__fake/stats", NULL, &r);
    struct cJSON *stats = json_parse(r.body, r.body_len);
    const cJSON *models = json_get(stats, "models");
    bool is_so = cJSON_GetArraySize(models) > 0;
    for (const cJSON *m = models ? models->child : NULL; m; m = m->next) {
        const char *is = json_get_str(m, "state");
        is_so = is_so && is && strcmp(is, state) == 0;
    }
    json_free(stats);
    reply_free(&r);
    return is_so;
}

static void change_model(struct served *s, const char *path, const char *backend,
                         int status)
{
    struct reply r;
    char body[200], head[400];
    int n = snprintf(body, sizeof(body), "{\"backend\":\"%s\"}", backend);
    snprintf(head, sizeof(head), "%sContent-Type: application/json\r\n", s->key);
    int fd = client_connect(&s->http);
    client_send(fd, "POST", path, head, body, (size_t)n);
    client_read(fd, &r);
    close(fd);
    if (r.status != status) {
        fail_msg("%s %s: %d instead of %d: %s", path, backend, r.status, status, r.body);
    }
    reply_free(&r);
}

static void models_are_loaded_and_unloaded(void **state)
{
    struct served s;
    begin(*state, &s, "--kind ollama --load-ms 20");
    change_model(&s, "/admin/models/load", s.f.url, 200);
    assert_true(has_model(&s, "loaded"));
    change_model(&s, "/admin/models/load", s.f.url, 200);  // nothing to do
    struct cJSON *models = get_json(&s, "/admin/models");
    assert_true(cJSON_GetArraySize(json_get(models, "models")) > 0);
    json_free(models);
    change_model(&s, "/admin/models/unload", s.f.url, 200);
    assert_true(has_model(&s, "absent"));
    change_model(&s, "/admin/models/unload", "http://127.0.0.1:9", 404);
    assert_true(has_model(&s, "absent"));
    end(&s);
}

// ---- keys

static void keys_are_made_on_the_command_line(void **state)
{
    struct served s;
    struct reply r;
    char head[2200], path[2200];
    begin(*state, &s, "");
    struct proc *made = VLMD_EXPECT(s.p, 0, "token", "--scope", "read", "--life", "5m");
    made->out.text[strcspn(made->out.text, "\n")] = 0;
    snprintf(head, sizeof(head), "Host: localhost\r\nAuthorization: Bearer %s\r\n",
             made->out.text);
    ask_with(&s.http, "GET", "/v1/stats", head, NULL, &r);
    assert_int_equal(r.status, 200);
    reply_free(&r);
    ask_with(&s.http, "GET", "/admin/config", head, NULL, &r);
    assert_int_equal(r.status, 403);
    reply_free(&r);
    made = VLMD_EXPECT(s.p, 0, "token", "--scope", "admin", "--name", "box");
    made->out.text[strcspn(made->out.text, "\n")] = 0;
    snprintf(head, sizeof(head), "Host: localhost\r\nX-API-Key: %s\r\n", made->out.text);
    ask_with(&s.http, "GET", "/admin/config", head, NULL, &r);
    assert_int_equal(r.status, 200);
    reply_free(&r);
    char *keys = read_text(place_path(s.p, "data/vlmd/api-keys"));
    assert_null(strstr(keys, made->out.text));
    free(keys);
    // No key is ever in the log.
    proc_read(s.run);
    assert_null(strstr(s.run->err.text, made->out.text));
    char *token = strstr(s.key, "Bearer ") + 7;
    token[64] = 0;
    assert_null(strstr(s.run->err.text, token));
    token[64] = '\r';
    static const char *const env[] = {"VLMD_ADMIN_LISTEN=127.0.0.1:0", NULL};
    const struct spawn how = {.env = env};
    made = vlmd_run_with(s.p, &how, 0, (const char *const[]){"open", "--print", NULL});
    assert_int_equal(sscanf(made->out.text, "http://%*[^/]%2199s", path), 1);
    ask_with(&s.http, "GET", path, "Host: localhost\r\n", NULL, &r);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.head, "HttpOnly"));
    reply_free(&r);
    ask_with(&s.http, "GET", path, "Host: localhost\r\n", NULL, &r);
    assert_int_equal(r.status, 401);
    reply_free(&r);
    end(&s);
}

// ---- many bad clients

static long rss_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = atol(line + 6);
        }
    }
    if (f) {
        fclose(f);
    }
    return kib;
}

static void a_thousand_listeners_and_slow_senders_are_bounded(void **state)
{
    struct served s;
    struct reply r;
    struct rlimit files = {4096, 4096};
    int listening = 0, refused = 0, slow[SLOW];
    static int fds[LISTENERS];
    setrlimit(RLIMIT_NOFILE, &files);
    begin(*state, &s, "--loaded");
    for (int i = 0; i < SLOW; i++) {
        slow[i] = client_connect(&s.http);
        assert_true(slow[i] >= 0);
        assert_int_equal(send(slow[i], "GET /v1/st", 10, MSG_NOSIGNAL), 10);
    }
    char head[400];
    snprintf(head, sizeof(head), "GET /v1/events HTTP/1.1\r\n%s\r\n", s.key);
    for (int i = 0; i < LISTENERS; i++) {
        char line[64] = "";
        fds[i] = client_connect(&s.http);
        assert_true(fds[i] >= 0);
        assert_true(send(fds[i], head, strlen(head), MSG_NOSIGNAL) > 0);
        assert_true(recv(fds[i], line, sizeof(line) - 1, 0) > 0);
        listening += strncmp(line, "HTTP/1.1 200", 12) == 0;
        refused += strncmp(line, "HTTP/1.1 503", 12) == 0;
        if (strncmp(line, "HTTP/1.1 200", 12) != 0) {
            close(fds[i]);
            fds[i] = -1;
        }
    }
    assert_int_equal(listening, 64);
    assert_int_equal(refused, LISTENERS - 64);
    // Work goes on, and good clients are served.
    picture_write(place_path(s.p, "in"), NULL, 3);
    await_described(&s, 1);
    struct cJSON *health = get_json(&s, "/health");
    assert_int_equal(json_get_int(json_get(health, "http"), "event_clients", 0), 64);
    assert_in_range(json_get_int(json_get(health, "http"), "connections", 0), 64, 256);
    json_free(health);
    long rss = rss_kib(s.run->pid);
    print_message("with %d listeners and %d slow senders: %ld KiB\n", listening, SLOW,
                  rss);
    if (!E2E_SANITIZED) {
        assert_in_range(rss, 1, MAX_RSS_KIB);
    }
    for (int i = 0; i < SLOW; i++) {
        close(slow[i]);
    }
    for (int i = 0; i < LISTENERS; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    ask_with(&s.http, "GET", "/healthz", "Host: localhost\r\n", NULL, &r);
    assert_int_equal(r.status, 200);
    reply_free(&r);
    end(&s);
}

static void without_a_folder_it_serves_as_well(void **state)
{
    struct served s = {.p = *state};
    struct reply r;
    static const char *const env[] = {"VLMD_ADMIN_LISTEN=127.0.0.1:0", NULL};
    const struct spawn how = {.env = env};
    fake_start(s.p, &s.f, "--loaded");
    s.run = VLMD_START_WITH(s.p, &how, "serve", "--backend", s.f.url);
    proc_await(s.run, &s.run->err, "page at http://127.0.0.1:");
    s.http.port = atoi(strstr(s.run->err.text, "page at http://127.0.0.1:") + 25);
    ask_with(&s.http, "GET", "/", "Host: localhost\r\n", NULL, &r);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.head, "script-src 'self'"));
    assert_non_null(strstr(r.head, "ETag: "));
    reply_free(&r);
    end(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pictures_are_shown_as_they_were_described),
        TEST(an_upload_is_described_and_gone),
        TEST(an_upload_that_came_before_is_the_same_job),
        TEST(a_file_that_was_touched_is_the_job_it_was),
        TEST(uploads_survive_a_kill),
        TEST(a_key_survives_a_kill),
        TEST(models_are_loaded_and_unloaded),
        TEST(keys_are_made_on_the_command_line),
        TEST(a_thousand_listeners_and_slow_senders_are_bounded),
        TEST(without_a_folder_it_serves_as_well),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
