// test_admin_routes.c -- what the routes answer, from a handle whose backend is away.
// SPDX-License-Identifier: MIT
#include "admin/admin_rig.h"

#include "base/json.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A PNG of one grey pixel.
static const char pixel[] =
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\b\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9c"
    "c\x90\0\0\0\x12\0\x11~F\xd3i\0\0\0\0IEND\xae"
    "B`\x82";
enum { PIXEL_BYTES = sizeof(pixel) - 1 };

static cJSON *must(struct answer a, int status)
{
    if (a.status != status) {
        fail_msg("%d instead of %d: %s", a.status, status, a.text);
    }
    cJSON *json = a.json;
    a.json = NULL;
    answer_free(&a);
    return json;
}

static void refuses(struct answer a, int status, const char *field)
{
    if (a.status != status) {
        fail_msg("%d instead of %d: %s", a.status, status, a.text);
    }
    assert_string_equal(answer_error(&a, "field"), field);
    answer_free(&a);
}

static struct answer upload(struct rig *r, const char *target, const char *head,
                            const void *bytes, size_t len)
{
    char *text = malloc(len + 2000);
    int n = sprintf(text,
                    "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s"
                    "Content-Length: %zu\r\n\r\n",
                    target, r->host, r->token, head, len);
    memcpy(text + n, bytes, len);
    struct answer a = rig_send(r, text, (size_t)n + len);
    free(text);
    return a;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(path, 0600);
}

// ---- lists

static int64_t walk(struct rig *r, const char *query, int *pages, bool adds)
{
    char target[400], next[100] = "";
    int64_t sum = 0;
    *pages = 0;
    do {
        snprintf(target, sizeof(target), "/v1/search?%s%s%s", query,
                 *next ? "&cursor=" : "", next);
        cJSON *page = must(rig_ask(r, "GET", target, NULL, NULL), 200);
        for (cJSON *it = json_get(page, "items")->child; it; it = it->next) {
            sum += json_get_int(it, "id", 0);
        }
        const char *s = json_get_str(page, "next");
        snprintf(next, sizeof(next), "%s", s ? s : "");
        json_free(page);
        ++*pages;
        if (adds && *pages == 2) {
            struct vlmd_input in = {.url = "http://127.0.0.1:9/new.png"};
            assert_int_equal(vlmd_submit(r->v, &in, NULL, NULL), 0);
            rig_turn(r);
        }
    } while (*next);
    return sum;
}

static void pages_show_each_once(void **state)
{
    struct rig *r = *state;
    static const char *const orders[] = {"taken", "newest", "oldest"};
    const int64_t sum = 53 * 54 / 2;
    int pages;
    rig_open(r);
    rig_add_files(r, 53);
    for (int i = 0; i < 3; i++) {
        char query[60];
        snprintf(query, sizeof(query), "limit=10&order=%s", orders[i]);
        assert_int_equal(walk(r, query, &pages, false), sum);
        assert_int_equal(pages, 6);
    }
    assert_int_equal(walk(r, "limit=10&app=browser", &pages, false) % 3, 0);
    // What comes meanwhile is newer than all that is shown.
    assert_int_equal(walk(r, "limit=10&order=newest", &pages, true), sum);
}

static void taken_order_is_by_time(void **state)
{
    struct rig *r = *state;
    char last[64] = "9";
    rig_open(r);
    rig_add_files(r, 40);
    cJSON *page = must(rig_ask(r, "GET", "/v1/search?limit=40", NULL, NULL), 200);
    assert_int_equal(cJSON_GetArraySize(json_get(page, "items")), 40);
    for (cJSON *it = json_get(page, "items")->child; it; it = it->next) {
        assert_true(strcmp(json_get_str(it, "taken_at"), last) < 0);
        snprintf(last, sizeof(last), "%s", json_get_str(it, "taken_at"));
    }
    json_free(page);
}

static void wrong_parameters_are_named(void **state)
{
    struct rig *r = *state;
    static const struct {
        const char *query, *field;
    } rows[] = {
        {"limit=0", "limit"},
        {"limit=501", "limit"},
        {"limit=x", "limit"},
        {"limit=%201", "limit"},
        {"order=up", "order"},
        {"since=tomorrowish", "since"},
        {"until=2026-13-45", "until"},
        {"state=gone", "state"},
        {"outcome=good", "outcome"},
        {"degraded=maybe", "degraded"},
        {"cursor=zzz", "cursor"},
        {"cursor=n1.1&order=taken", "cursor"},
        {"cursor=t1.1x", "cursor"},
        {"q=%ff%fe", "q"},
        {"class=", NULL},
    };
    rig_open(r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char target[200];
        snprintf(target, sizeof(target), "/v1/search?%s", rows[i].query);
        struct answer a = rig_ask(r, "GET", target, NULL, NULL);
        if (rows[i].field) {
            refuses(a, 400, rows[i].field);
        } else {
            json_free(must(a, 200));
        }
    }
    char *target = malloc(6000);
    sprintf(target, "/v1/search?q=");
    memset(target + strlen(target), 'a', 5000);
    target[5013] = 0;
    refuses(rig_ask(r, "GET", target, NULL, NULL), 400, "q");
    free(target);
    refuses(rig_ask(r, "GET", "/v1/search?class=nonsense", NULL, NULL), 400, "class");
    static const char *const words[] = {"class", "category", "severity"};
    for (int i = 0; i < 3; i++) {
        char path[80];
        snprintf(path, sizeof(path), "/admin/errors?%s=nonsense", words[i]);
        refuses(rig_ask(r, "GET", path, NULL, NULL), 400, words[i]);
        snprintf(path, sizeof(path), "/admin/errors?%s=", words[i]);
        json_free(must(rig_ask(r, "GET", path, NULL, NULL), 200));
    }
    json_free(must(rig_ask(r, "GET", "/v1/search?class=", NULL, NULL), 200));
    struct answer a = rig_ask(r, "GET", "/admin/errors?severity=nonsense", NULL, NULL);
    assert_non_null(strstr(a.text, "low|medium|high|critical"));
    answer_free(&a);
    a = rig_ask(r, "GET", "/admin/errors?category=nonsense", NULL, NULL);
    assert_non_null(strstr(a.text, "validation|"));
    answer_free(&a);
}

static void days_and_apps_are_counted(void **state)
{
    struct rig *r = *state;
    int64_t n = 0, last = INT64_MAX;
    rig_open(r);
    rig_add_files(r, 60);
    cJSON *days = must(rig_ask(r, "GET", "/v1/days", NULL, NULL), 200);
    for (cJSON *d = json_get(days, "days")->child; d; d = d->next) {
        n += json_get_int(d, "n", 0);
        assert_true(json_get_int(d, "until_ms", 0) <= last);
        last = json_get_int(d, "from_ms", 0);
        assert_int_equal(strlen(json_get_str(d, "day")), 10);
    }
    json_free(days);
    assert_int_equal(n, 60);
    cJSON *apps = must(rig_ask(r, "GET", "/v1/apps", NULL, NULL), 200);
    cJSON *first = json_get(apps, "apps")->child;
    assert_string_equal(json_get_str(first, "app"), "Editor");
    assert_int_equal(json_get_int(first, "n", 0), 40);
    assert_string_equal(json_get_str(first->next, "app"), "Browser");
    assert_int_equal(json_get_int(first->next, "n", 0), 20);
    json_free(apps);
    cJSON *one = must(rig_ask(r, "GET", "/v1/days?app=browser&limit=1", NULL, NULL), 200);
    assert_int_equal(cJSON_GetArraySize(json_get(one, "days")), 1);
    json_free(one);
}

// ---- jobs

static void a_job_is_cancelled_once(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    // Nothing is claimed while no backend is there.
    rig_add_files(r, 1);
    cJSON *job = must(rig_ask(r, "GET", "/v1/jobs/1", NULL, NULL), 200);
    assert_string_equal(json_get_str(job, "state"), "queued");
    assert_true(strlen(json_get_str(job, "why")) > 10);
    assert_true(cJSON_IsArray(json_get(job, "history")));
    json_free(job);
    cJSON *n = must(rig_ask(r, "DELETE", "/v1/jobs/1", NULL, NULL), 200);
    assert_int_equal(json_get_int(n, "n", 0), 1);
    json_free(n);
    refuses(rig_ask(r, "DELETE", "/v1/jobs/1", NULL, NULL), 404, "");
    refuses(rig_ask(r, "GET", "/v1/jobs/1", NULL, NULL), 404, "");
    refuses(rig_ask(r, "POST", "/v1/jobs/1/redo", NULL, NULL), 404, "");
}

static void many_want_a_filter_or_all(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    refuses(rig_ask(r, "POST", "/v1/jobs/retry", NULL, "{}"), 400, "all");
    refuses(rig_ask(r, "POST", "/v1/jobs/retry", NULL, "[]"), 400, "");
    refuses(rig_ask(r, "POST", "/v1/jobs/retry", NULL, "{\"all\":1}"), 400, "all");
    refuses(rig_ask(r, "POST", "/v1/jobs/retry", NULL, "{\"q\":1}"), 400, "q");
    refuses(rig_ask(r, "POST", "/v1/jobs/retry", NULL, "{\"x\":1}"), 400, "x");
    refuses(rig_ask(r, "POST", "/v1/jobs/retry", NULL, "{\"all\":true} x"), 400, "");
    refuses(rig_ask(r, "POST", "/v1/forget", NULL, "{\"dry_run\":true}"), 400, "");
    cJSON *n = must(rig_ask(r, "POST", "/v1/jobs/retry", NULL, "{\"all\":true}"), 200);
    assert_int_equal(json_get_int(n, "n", -1), 0);
    json_free(n);
}

static void forgetting_can_be_tried(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    rig_add_files(r, 9);
    cJSON *f = must(
        rig_ask(r, "POST", "/v1/forget", NULL, "{\"app\":\"Browser\",\"dry_run\":true}"),
        200);
    assert_int_equal(json_get_int(f, "items", 0), 3);
    assert_true(json_get_bool(f, "dry_run", false));
    json_free(f);
    f = must(rig_ask(r, "POST", "/v1/jobs/4/forget", NULL, NULL), 200);
    assert_int_equal(json_get_int(f, "items", 0), 1);
    json_free(f);
}

// ---- submitting

static int spooled(const struct rig *r)
{
    char dir[300];
    int n = 0;
    rig_folder(r, dir, sizeof(dir) - 10);
    strcat(dir, "/spool");
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        n += e->d_name[0] != '.';
    }
    if (d) {
        closedir(d);
    }
    return n;
}

static void a_picture_is_uploaded(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    struct answer a =
        upload(r, "/v1/jobs", "Content-Type: image/png\r\n", pixel, PIXEL_BYTES);
    assert_string_equal(answer_header(&a, "Location"), "/v1/jobs/1");
    cJSON *job = must(a, 202);
    assert_int_equal(json_get_int(job, "id", 0), 1);
    assert_true(json_get_bool(job, "is_new", false));
    json_free(job);
    assert_int_equal(spooled(r), 1);
    // The same once more is the same job.
    job = must(upload(r, "/v1/jobs", "Content-Type: image/png\r\n", pixel, PIXEL_BYTES),
               202);
    assert_int_equal(json_get_int(job, "id", 0), 1);
    assert_false(json_get_bool(job, "is_new", true));
    json_free(job);
    assert_int_equal(spooled(r), 1);
}

static void what_is_no_picture_is_refused(void **state)
{
    struct rig *r = *state;
    rig_set(r, "admin.max_upload_bytes", "64KiB");
    rig_open(r);
    refuses(upload(r, "/v1/jobs", "Content-Type: image/png\r\n", "#!/bin/sh", 9), 415,
            "");
    refuses(upload(r, "/v1/jobs", "Content-Type: text/plain\r\n", pixel, PIXEL_BYTES),
            415, "Content-Type");
    refuses(upload(r, "/v1/jobs", "Content-Type: image/png\r\n", "", 0), 400, "");
    refuses(
        upload(r, "/v1/jobs?wait=500", "Content-Type: image/png\r\n", pixel, PIXEL_BYTES),
        400, "wait");
    char *large = calloc(1, 200 << 10);
    refuses(upload(r, "/v1/jobs", "Content-Type: image/png\r\n", large, 200 << 10), 413,
            "");
    free(large);
    assert_int_equal(spooled(r), 0);
}

static void a_form_is_taken(void **state)
{
    struct rig *r = *state;
    char body[1000];
    int n =
        sprintf(body, "--b\r\nContent-Disposition: form-data; name=\"app\"\r\n\r\n"
                      "Paint\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; "
                      "filename=\"../../x.png\"\r\n\r\n");
    memcpy(body + n, pixel, PIXEL_BYTES);
    n += PIXEL_BYTES;
    n += sprintf(body + n, "\r\n--b--\r\n");
    rig_open(r);
    json_free(
        must(upload(r, "/v1/jobs", "Content-Type: multipart/form-data; boundary=b\r\n",
                    body, (size_t)n),
             202));
    cJSON *job = must(rig_ask(r, "GET", "/v1/jobs/1", NULL, NULL), 200);
    assert_string_equal(json_get_str(job, "app"), "Paint");
    assert_null(strstr(json_get_str(job, "path"), "x.png"));
    json_free(job);
    refuses(upload(r, "/v1/jobs", "Content-Type: multipart/form-data; boundary=c\r\n",
                   body, (size_t)n),
            400, "file");
}

static void paths_are_confined(void **state)
{
    struct rig *r = *state;
    char dir[300], text[1200];
    rig_folder(r, dir, sizeof(dir));
    mkdir(dir, 0700);  // as the database would
    snprintf(text, sizeof(text), "%s/allowed", dir);
    assert_int_equal(mkdir(text, 0700), 0);
    rig_set(r, "admin.submit_dirs", strdup(text));
    snprintf(text, sizeof(text), "%s/allowed/in.png", dir);
    FILE *f = fopen(text, "w");
    fwrite(pixel, 1, PIXEL_BYTES, f);
    fclose(f);
    snprintf(text, sizeof(text), "%s/allowed/link.png", dir);
    assert_int_equal(symlink("/etc/passwd", text), 0);
    rig_open(r);
    static const struct {
        const char *name;
        int status;
        const char *field;
    } rows[] = {{"/allowed/in.png", 202, NULL},
                {"/allowed/../api-token", 403, "path"},
                {"/allowed/link.png", 403, "path"},
                {"/api-token", 403, "path"},
                {"/allowed/gone.png", 400, "path"},
                {"/allowed", 403, "path"},
                // Whether it is there is nobody's business.
                {"/gone.png", 403, "path"},
                {"/allowed/../gone/gone.png", 403, "path"},
                {"/allowed/gone/x.png", 400, "path"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "{\"path\":\"%s%s\"}", dir, rows[i].name);
        struct answer a =
            rig_ask(r, "POST", "/v1/jobs", "Content-Type: application/json\r\n", text);
        if (rows[i].field) {
            refuses(a, rows[i].status, rows[i].field);
        } else {
            json_free(must(a, rows[i].status));
        }
    }
    const char *json = "Content-Type: application/json\r\n";
    refuses(rig_ask(r, "POST", "/v1/jobs", json, "{\"path\":\"in.png\"}"), 400, "path");
    refuses(rig_ask(r, "POST", "/v1/jobs", json, "{}"), 400, "path");
    refuses(rig_ask(r, "POST", "/v1/jobs", json, "{\"url\":\"file:///etc/passwd\"}"), 400,
            "url");
    refuses(
        rig_ask(r, "POST", "/v1/jobs", json, "{\"url\":\"http://a\",\"path\":\"/b\"}"),
        400, "path");
    free((char *)r->settings[5].value);
    r->settings[5].value = "";
}

static void a_key_makes_one_job(void **state)
{
    struct rig *r = *state;
    const char *head = "Content-Type: application/json\r\nIdempotency-Key: k1\r\n";
    rig_open(r);
    cJSON *one = must(
        rig_ask(r, "POST", "/v1/jobs", head, "{\"url\":\"http://127.0.0.1:9/a\"}"), 202);
    cJSON *two = must(
        rig_ask(r, "POST", "/v1/jobs", head, "{\"url\":\"http://127.0.0.1:9/a\"}"), 202);
    assert_int_equal(json_get_int(one, "id", 0), json_get_int(two, "id", -1));
    json_free(one);
    json_free(two);
    refuses(rig_ask(r, "POST", "/v1/jobs", head, "{\"url\":\"http://127.0.0.1:9/b\"}"),
            422, "Idempotency-Key");
    // What was refused may be tried again with the same key.
    head = "Content-Type: application/json\r\nIdempotency-Key: k2\r\n";
    refuses(rig_ask(r, "POST", "/v1/jobs", head, "{}"), 400, "path");
    refuses(rig_ask(r, "POST", "/v1/jobs", head, "{}"), 400, "path");
}

static int64_t own_tiers(struct rig *r, const char *tier)
{
    char sql[100];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM job WHERE own_tier = '%s'", tier);
    return kit_sql_int(&r->k, sql);
}

static void a_picture_may_have_its_own_tier(void **state)
{
    struct rig *r = *state;
    static const char body[] = "{\"url\":\"http://127.0.0.1:9/t\",\"tier\":\"deep\"}";
    static const char plain[] = "{\"url\":\"http://127.0.0.1:9/p\"}";
    const char *head = "Content-Type: application/json\r\n";
    rig_open(r);
    refuses(rig_ask(r, "POST", "/v1/jobs?tier=huge", head, plain), 400, "tier");
    refuses(rig_ask(r, "POST", "/v1/jobs?tier=", head, plain), 400, "tier");
    refuses(
        rig_ask(r, "POST", "/v1/jobs", head, "{\"url\":\"http://h/\",\"tier\":\"d\"}"),
        400, "tier");
    refuses(rig_ask(r, "POST", "/v1/jobs", head, "{\"url\":\"http://h/\",\"tier\":1}"),
            400, "tier");
    refuses(rig_ask(r, "POST", "/v1/jobs?tier=deep", head, body), 400, "tier");  // twice
    json_free(must(rig_ask(r, "POST", "/v1/jobs", head, body), 202));
    json_free(must(rig_ask(r, "POST", "/v1/jobs?tier=quick", head, plain), 202));
    assert_int_equal(own_tiers(r, "deep"), 1);
    assert_int_equal(own_tiers(r, "quick"), 1);
    // It is a part of what a key stands for.
    head = "Content-Type: application/json\r\nIdempotency-Key: t\r\n";
    json_free(must(rig_ask(r, "POST", "/v1/jobs?tier=deep", head, plain), 202));
    json_free(must(rig_ask(r, "POST", "/v1/jobs?tier=deep", head, plain), 202));
    refuses(rig_ask(r, "POST", "/v1/jobs?tier=standard", head, plain), 422,
            "Idempotency-Key");
    refuses(rig_ask(r, "POST", "/v1/jobs", head, plain), 422, "Idempotency-Key");
}

static void a_batch_may_have_tiers(void **state)
{
    struct rig *r = *state;
    const char *head = "Content-Type: application/json\r\n";
    rig_open(r);
    refuses(rig_ask(r, "POST", "/v1/batches", head,
                    "{\"tier\":\"huge\",\"inputs\":[\"http://127.0.0.1:9/a\"]}"),
            400, "tier");
    cJSON *told =
        must(rig_ask(r, "POST", "/v1/batches", head,
                     "{\"tier\":\"standard\",\"inputs\":[\"http://127.0.0.1:9/a\","
                     "{\"url\":\"http://127.0.0.1:9/b\",\"tier\":\"deep\"},"
                     "{\"url\":\"http://127.0.0.1:9/c\",\"tier\":\"huge\"}]}"),
             200);
    assert_int_equal(cJSON_GetArraySize(json_get(told, "accepted")), 2);
    const cJSON *refused = json_get(told, "refused")->child;
    assert_int_equal(json_get_int(refused, "index", -1), 2);
    json_free(told);
    assert_int_equal(own_tiers(r, "standard"), 1);
    assert_int_equal(own_tiers(r, "deep"), 1);
}

// It is nobody's mistake, and the same request may succeed later.
static void a_backend_that_is_away_is_no_internal_error(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    static const char *const paths[] = {"/admin/models/load", "/admin/models/unload"};
    for (int i = 0; i < 2; i++) {
        struct answer a =
            rig_ask(r, "POST", paths[i], NULL, "{\"backend\":\"http://127.0.0.1:9\"}");
        if (a.status != 200) {
            assert_int_equal(a.status, 503);
            assert_true(json_get_bool(json_get(a.json, "error"), "recoverable", false));
            assert_non_null(answer_header(&a, "Retry-After"));
        } else {
            assert_int_equal(i, 1);  // nothing is loaded: nothing to do
        }
        answer_free(&a);
    }
}

static int64_t id_of(cJSON *answer)
{
    int64_t id = json_get_int(answer, "id", 0);
    assert_true(id > 0);
    json_free(answer);
    return id;
}

// An upload has no name of its own: only its key tells that it is the same.
static void a_key_outlives_the_process(void **state)
{
    struct rig *r = *state;
    const char *head = "Content-Type: image/png\r\nIdempotency-Key: k3\r\n";
    rig_open(r);
    int64_t id = id_of(must(upload(r, "/v1/jobs", head, pixel, PIXEL_BYTES), 202));
    rig_close(r);
    rig_open(r);
    struct answer again = upload(r, "/v1/jobs", head, pixel, PIXEL_BYTES);
    assert_int_equal(json_get_int(again.json, "id", -1), id);
    assert_false(json_get_bool(again.json, "is_new", true));
    answer_free(&again);
    refuses(upload(r, "/v1/jobs", head, pixel, PIXEL_BYTES - 1), 422, "Idempotency-Key");
    head = "Content-Type: image/png\r\nIdempotency-Key: k4\r\n";
    id_of(must(upload(r, "/v1/jobs", head, pixel, PIXEL_BYTES), 202));
}

// Both are under way at once, and one of them makes the job.
static void a_key_may_come_twice_at_once(void **state)
{
    struct rig *r = *state;
    int fds[2];
    char text[1000];
    rig_open(r);
    int n = snprintf(text, sizeof(text),
                     "POST /v1/jobs HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                     "Content-Type: application/json\r\nIdempotency-Key: k5\r\n"
                     "Content-Length: 29\r\n\r\n{\"url\":\"http://127.0.0.1:9/\"}",
                     r->host, r->token);
    for (int i = 0; i < 2; i++) {
        fds[i] = rig_connect(r);
        rig_write(r, fds[i], text, (size_t)n);
    }
    int64_t ids[2];
    for (int i = 0; i < 2; i++) {
        ids[i] = id_of(must(rig_read(r, fds[i]), 202));
        close(fds[i]);
    }
    assert_int_equal(ids[0], ids[1]);
}

static void a_batch_says_what_became_of_each(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    cJSON *b = must(rig_ask(r, "POST", "/v1/batches", NULL,
                            "{\"inputs\":[\"http://127.0.0.1:9/1\",\"/etc/passwd\",5,"
                            "{\"url\":\"http://127.0.0.1:9/2\",\"app\":\"x\"},\"rel\"]}"),
                    200);
    assert_int_equal(cJSON_GetArraySize(json_get(b, "accepted")), 2);
    assert_int_equal(cJSON_GetArraySize(json_get(b, "refused")), 3);
    assert_int_equal(json_get_int(json_get(b, "accepted")->child->next, "index", -1), 3);
    json_free(b);
    b = must(rig_ask(r, "POST", "/v1/batches", NULL, "{\"inputs\":[1,2]}"), 200);
    assert_int_equal(cJSON_GetArraySize(json_get(b, "refused")), 2);
    json_free(b);
    refuses(rig_ask(r, "POST", "/v1/batches", NULL, "{\"inputs\":[]}"), 400, "inputs");
    refuses(rig_ask(r, "POST", "/v1/batches", NULL, "{}"), 400, "inputs");
}

// What was uploaded survives, what belongs to no job does not.
static void the_spool_is_swept_at_the_start(void **state)
{
    struct rig *r = *state;
    char path[400];
    rig_open(r);
    json_free(must(
        upload(r, "/v1/jobs", "Content-Type: image/png\r\n", pixel, PIXEL_BYTES), 202));
    rig_folder(r, path, sizeof(path) - 40);
    strcat(path, "/spool/orphan.png");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    struct timespec old[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    rig_close(r);
    rig_open(r);
    for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++) {
        rig_turn(r);
    }
    assert_int_equal(spooled(r), 1);
}

// ---- the rest

static void pictures_that_were_not_read_are_not_there(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    rig_add_files(r, 1);
    refuses(rig_ask(r, "GET", "/v1/images/1", NULL, NULL), 404, "");
    refuses(rig_ask(r, "GET", "/v1/images/1/thumb", NULL, NULL), 404, "");
    refuses(rig_ask(r, "GET", "/v1/images/2/thumb", NULL, NULL), 404, "");
    refuses(rig_ask(r, "GET", "/v1/images/1/thumb?size=5", NULL, NULL), 400, "size");
}

static void secrets_are_not_shown(void **state)
{
    struct rig *r = *state;
    rig_set(r, "backend.api_key", "sk-very-secret-key-0123");
    rig_open(r);
    struct answer a = rig_ask(r, "GET", "/admin/config", NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_null(strstr(a.text, "sk-very-secret"));
    assert_null(strstr(a.text, r->token));
    answer_free(&a);
}

static void configurations_are_checked_and_not_used(void **state)
{
    struct rig *r = *state;
    rig_open(r);
    cJSON *v = must(rig_ask(r, "POST", "/admin/config/validate", NULL,
                            "tier: quick\nconcurrency: 4\n"),
                    200);
    assert_true(json_get_bool(v, "valid", false));
    json_free(v);
    v = must(
        rig_ask(r, "POST", "/admin/config/validate", NULL,
                "teir: quick\nconcurrency: many\nbackend.api_key_command: touch x\n"),
        200);
    assert_false(json_get_bool(v, "valid", true));
    assert_int_equal(cJSON_GetArraySize(json_get(v, "problems")), 2);
    assert_string_equal(json_get_str(json_get(v, "problems")->child, "where"),
                        "configuration:1");
    json_free(v);
    refuses(rig_ask(r, "POST", "/admin/config/validate", NULL, ""), 400, "");
}

// From a file: some count at once, others after a restart, and with an error nothing does.
static void a_configuration_is_read_again(void **state)
{
    struct rig *r = *state;
    char path[300];
    rig_folder(r, path, sizeof(path) - 20);
    mkdir(path, 0700);
    strcat(path, "/vlmd.yaml");
    write_file(path, "admin:\n  rate: 1000\n");
    r->config_file = path;
    rig_open(r);
    struct answer a = rig_ask(r, "GET", "/v1/stats", NULL, NULL);
    assert_string_equal(answer_header(&a, "X-RateLimit-Limit"), "1000");
    answer_free(&a);
    write_file(path, "admin:\n  rate: 77\ningest:\n  poll: 9s\n");
    cJSON *v = must(rig_ask(r, "POST", "/admin/config/reload", NULL, NULL), 200);
    assert_int_equal(cJSON_GetArraySize(json_get(v, "changes")), 2);
    for (cJSON *c = json_get(v, "changes")->child; c; c = c->next) {
        bool is_rate = strcmp(json_get_str(c, "key"), "admin.rate") == 0;
        assert_int_equal(json_get_bool(c, "applied", !is_rate), is_rate);
        assert_string_equal(json_get_str(c, "after"), is_rate ? "77" : "9s");
    }
    json_free(v);
    a = rig_ask(r, "GET", "/v1/stats", NULL, NULL);
    assert_string_equal(answer_header(&a, "X-RateLimit-Limit"), "77");
    answer_free(&a);
    write_file(path, "admin:\n  rate: 5\ngrace: soon\n");
    v = must(rig_ask(r, "POST", "/admin/config/reload", NULL, NULL), 409);
    assert_false(json_get_bool(v, "reloaded", true));
    assert_int_equal(cJSON_GetArraySize(json_get(v, "problems")), 1);
    json_free(v);
    a = rig_ask(r, "GET", "/v1/stats", NULL, NULL);
    assert_string_equal(answer_header(&a, "X-RateLimit-Limit"), "77");
    answer_free(&a);
    r->config_file = NULL;
}

// Requests that still wait are ended, and nothing is left (a sanitizer watches).
static void it_closes_while_requests_wait(void **state)
{
    struct rig *r = *state;
    char text[400];
    rig_open(r);
    rig_add_files(r, 3);
    int fds[20];
    static const char *const targets[] = {"/v1/search", "/v1/jobs/1?wait=100",
                                          "/v1/events", "/v1/days", "/health"};
    for (int i = 0; i < 20; i++) {
        int n =
            snprintf(text, sizeof(text),
                     "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n",
                     targets[i % 5], r->host, r->token);
        fds[i] = rig_connect(r);
        rig_write(r, fds[i], text, (size_t)n);
        if (i % 3 == 0) {
            rig_turn(r);
        }
    }
    rig_close(r);
    for (int i = 0; i < 20; i++) {
        close(fds[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_show_each_once),
        TEST(taken_order_is_by_time),
        TEST(wrong_parameters_are_named),
        TEST(days_and_apps_are_counted),
        TEST(a_job_is_cancelled_once),
        TEST(many_want_a_filter_or_all),
        TEST(forgetting_can_be_tried),
        TEST(a_picture_is_uploaded),
        TEST(what_is_no_picture_is_refused),
        TEST(a_form_is_taken),
        TEST(paths_are_confined),
        TEST(a_key_makes_one_job),
        TEST(a_picture_may_have_its_own_tier),
        TEST(a_batch_may_have_tiers),
        TEST(a_key_outlives_the_process),
        TEST(a_backend_that_is_away_is_no_internal_error),
        TEST(a_key_may_come_twice_at_once),
        TEST(a_batch_says_what_became_of_each),
        TEST(the_spool_is_swept_at_the_start),
        TEST(pictures_that_were_not_read_are_not_there),
        TEST(secrets_are_not_shown),
        TEST(configurations_are_checked_and_not_used),
        TEST(a_configuration_is_read_again),
        TEST(it_closes_while_requests_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
