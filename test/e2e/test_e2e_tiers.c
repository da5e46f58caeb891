// test_e2e_tiers.c -- several tiers at once in one process: each picture is sent and told of as
// it was asked for.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include "base/json.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { W = 1000, H = 560, ALL = 3 };

static const struct {
    const char *tier, *rule, *cap;
    int px;
} tiers[ALL] = {{"quick", NULL, "\"max_tokens\":500", 320},
                {"standard", "Look twice.", "\"max_tokens\":750", 640},
                {"deep", "Look thrice.", "\"max_tokens\":1000", 960}};

static const char config[] =
    "backend: {max_tokens: 500}\n"
    "image: {patch_px: 1}\n"
    "tiers: {quick_px: 320, standard_px: 640, deep_px: 960,\n"
    "  standard_prompt: Look twice., deep_prompt: Look thrice.}\n";

struct served {
    struct place *p;
    struct fake f;
    struct proc *run;
    struct backend http;  // only its port
    char head[300];       // header lines with the token
};

static void begin(struct place *p, struct served *s)
{
    static const char *const env[] = {"VLMD_ADMIN_LISTEN=127.0.0.1:0", NULL};
    const struct spawn how = {.env = env};
    char flags[300], dirs[300];
    *s = (struct served){.p = p};
    make_folder(place_path(p, "kept"));
    make_folder(place_path(p, "given"));
    place_config(p, config);
    snprintf(flags, sizeof(flags), "--kind llama-server --slots 4 --keep %s",
             place_path(p, "kept"));
    fake_start(p, &s->f, flags);
    snprintf(dirs, sizeof(dirs), "admin.submit_dirs=%s", place_path(p, "given"));
    s->run = VLMD_START_WITH(p, &how, "serve", "--backend", s->f.url, "--set", dirs);
    proc_await(s->run, &s->run->err, "page at http://127.0.0.1:");
    s->http.port = atoi(strstr(s->run->err.text, "page at http://127.0.0.1:") + 25);
    char *token = read_text(place_path(p, "data/vlmd/api-token"));
    snprintf(s->head, sizeof(s->head),
             "Host: 127.0.0.1\r\nAuthorization: Bearer %.64s\r\n", token);
    free(token);
}

static void end(struct served *s)
{
    proc_signal(s->run, SIGINT);
    proc_expect(s->run, 130);
    fake_stop(&s->f);
}

static struct cJSON *post(struct served *s, const char *target, const char *type,
                          const void *body, size_t len, int status)
{
    char head[500];
    struct reply r;
    snprintf(head, sizeof(head), "%sContent-Type: %s\r\n", s->head, type);
    int fd = client_connect(&s->http);
    client_send(fd, "POST", target, head, body, len);
    client_read(fd, &r);
    close(fd);
    if (r.status != status) {
        fail_msg("%s: %d instead of %d: %s", target, r.status, status, r.body);
    }
    struct cJSON *json = json_parse(r.body, r.body_len);
    assert_non_null(json);
    reply_free(&r);
    return json;
}

static int64_t id_of(struct cJSON *job)
{
    int64_t id = json_get_int(job, "id", 0);
    assert_true(id > 0);
    assert_true(json_get_bool(job, "is_new", false));
    json_free(job);
    return id;
}

// A picture with the tier in the query.
static int64_t post_bytes(struct served *s, const char *tier, uint32_t seed)
{
    char target[100];
    size_t len;
    uint8_t *png = picture_noise(W, H, seed, &len);
    snprintf(target, sizeof(target), "/v1/jobs?tier=%s", tier);
    int64_t id = id_of(post(s, target, "image/png", png, len, 202));
    free(png);
    return id;
}

// A path, with the tier beside it.
static struct cJSON *post_path(struct served *s, const char *path, const char *tier,
                               int status)
{
    char body[500];
    int n = snprintf(body, sizeof(body), "{\"path\":\"%s\",\"tier\":\"%s\"}", path, tier);
    return post(s, "/v1/jobs", "application/json", body, (size_t)n, status);
}

// A form, with the tier as a field.
static int64_t post_form(struct served *s, const char *tier, uint32_t seed)
{
    size_t len;
    uint8_t *png = picture_noise(W, H, seed, &len);
    char *body = malloc(len + 500);
    int n = sprintf(body,
                    "--x\r\nContent-Disposition: form-data; name=\"tier\"\r\n\r\n%s\r\n"
                    "--x\r\nContent-Disposition: form-data; name=\"file\";"
                    " filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n",
                    tier);
    memcpy(body + n, png, len);
    memcpy(body + n + len, "\r\n--x--\r\n", 9);
    int64_t id = id_of(
        post(s, "/v1/jobs", "multipart/form-data; boundary=x", body, n + len + 9, 202));
    free(body);
    free(png);
    return id;
}

static struct cJSON *await_ended(struct served *s, int64_t id)
{
    char path[60];
    struct reply r;
    snprintf(path, sizeof(path), "/v1/jobs/%lld?wait=60", (long long)id);
    ask_with(&s->http, "GET", path, s->head, NULL, &r);
    struct cJSON *item = json_parse(r.body, r.body_len);
    assert_non_null(item);
    assert_string_equal(json_get_str(item, "state"), "ended");
    reply_free(&r);
    return item;
}

static void says(struct served *s, int64_t id, int t)
{
    struct cJSON *item = await_ended(s, id);
    assert_string_equal(json_get_str(item, "tier_asked"), tiers[t].tier);
    assert_string_equal(json_get_str(item, "tier"), tiers[t].tier);
    assert_int_equal(json_get_int(item, "sent_width", 0), tiers[t].px);
    json_free(item);
}

// ---- what the server got

// Width of a JPEG: in its first SOF segment.
static int jpeg_width(const char *path)
{
    static uint8_t b[4 << 20];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(b, 1, sizeof(b), f), at = 2;
    fclose(f);
    while (at + 9 < n && b[at] == 0xff && (b[at + 1] & 0xf0) != 0xc0) {
        at += 2 + ((size_t)b[at + 2] << 8 | b[at + 3]);
    }
    while (at + 9 < n && b[at] == 0xff && b[at + 1] == 0xc4) {
        at += 2 + ((size_t)b[at + 2] << 8 | b[at + 3]);
    }
    assert_true(at + 9 < n && b[at] == 0xff);
    return b[at + 7] << 8 | b[at + 8];
}

static int pictures_of_width(struct place *p, int width)
{
    glob_t found = {0};
    int n = 0;
    assert_int_equal(glob(place_path(p, "kept/*.jp*g"), 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        n += jpeg_width(found.gl_pathv[i]) == width;
    }
    globfree(&found);
    return n;
}

static int bodies_with(struct place *p, const char *one, const char *two)
{
    glob_t found = {0};
    int n = 0;
    assert_int_equal(glob(place_path(p, "kept/body-*.json"), 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *body = read_text(found.gl_pathv[i]);
        n += strstr(body, "base64,") && strstr(body, one) && (!two || strstr(body, two));
        free(body);
    }
    globfree(&found);
    return n;
}

// ---- tests

static void each_is_looked_at_as_it_was_asked_for(void **state)
{
    struct served s;
    int64_t ids[ALL];
    size_t len;
    begin(*state, &s);
    const char *given = place_path(s.p, "given/a.png");
    uint8_t *png = picture_noise(W, H, 1, &len);
    write_bytes(given, png, len);
    free(png);
    fake_control(&s.f, "{\"latency_ms\":300}");  // all are under way at once
    ids[0] = post_bytes(&s, "quick", 2);
    ids[1] = id_of(post_path(&s, given, "standard", 202));
    ids[2] = post_form(&s, "deep", 3);
    for (int t = 0; t < ALL; t++) {
        says(&s, ids[t], t);
        assert_int_equal(pictures_of_width(s.p, tiers[t].px), 1);
        assert_int_equal(bodies_with(s.p, tiers[t].cap, tiers[t].rule), 1);
    }
    // The same file once more: known, unless it is to be looked at more closely.
    json_free(post_path(&s, given, "standard", 200));
    assert_int_equal(id_of(post_path(&s, given, "deep", 202)), ids[1]);
    says(&s, ids[1], 2);
    assert_int_equal(pictures_of_width(s.p, tiers[2].px), 2);
    // The same bytes with another tier are no duplicate.
    says(&s, post_bytes(&s, "deep", 2), 2);
    // What names none is as the process is.
    png = picture_noise(W, H, 4, &len);
    says(&s, id_of(post(&s, "/v1/jobs", "image/png", png, len, 202)), 0);
    free(png);
    struct cJSON *wrong = post_path(&s, given, "huge", 400);
    assert_string_equal(json_get_str(json_get(wrong, "error"), "field"), "tier");
    json_free(wrong);
    end(&s);
}

static void a_row_says(struct place *p, const char *tier)
{
    struct rows rows;
    rows_export(p, &rows);
    assert_int_equal(rows.n, 1);
    assert_int_equal(rows_count(&rows, "tier_asked", tier), 1);
    assert_int_equal(rows_count(&rows, "tier", tier), 1);
    rows_free(&rows);
}

static void redo_may_look_more_closely(void **state)
{
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "--kind llama-server");
    picture_write(place_path(p, "in"), NULL, 1);
    place_config(p, "tier: quick\n");
    VLMD_EXPECT(p, 0, "batch", "--backend", f.url, place_path(p, "in"));
    a_row_says(p, "quick");
    VLMD_EXPECT(p, 0, "jobs", "redo", "--all", "--tier", "deep");
    VLMD_EXPECT(p, 0, "batch", "--backend", f.url, place_path(p, "in"));
    a_row_says(p, "deep");
    VLMD_EXPECT(p, 0, "jobs", "redo", "--all");  // as it was asked for
    VLMD_EXPECT(p, 0, "batch", "--backend", f.url, place_path(p, "in"));
    a_row_says(p, "deep");
    fake_stop(&f);
}

// A line of a list may say how closely its picture is looked at; the others are as the command
// says.
static void lines_of_a_list_name_theirs(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct rows rows;
    char list[1000], at[300];
    fake_start(p, &f, "--kind llama-server");
    for (int i = 0; i < 4; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
    glob_t found = {0};
    assert_int_equal(glob(place_path(p, "in/*"), 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 4);
    snprintf(list, sizeof(list),
             "{\"path\":\"%s\",\"tier\":\"deep\"}\n{\"path\":\"%s\",\"tier\":\"quick\"}\n"
             "%s\n{\"path\":\"%s\",\"tier\":\"huge\"}\n",
             found.gl_pathv[0], found.gl_pathv[1], found.gl_pathv[2], found.gl_pathv[3]);
    write_bytes(place_path(p, "list"), list, strlen(list));
    snprintf(at, sizeof(at), "@%s", place_path(p, "list"));
    struct proc *run =
        VLMD_EXPECT(p, 1, "batch", "--backend", f.url, "--tier", "standard", at);
    assert_non_null(
        strstr(run->err.text, "line 4: \"tier\" is none of quick, standard, deep"));
    rows_export(p, &rows);
    assert_int_equal(rows.n, 3);
    static const char *const expected[] = {"deep", "quick", "standard"};
    for (int i = 0; i < 3; i++) {
        const cJSON *row = rows_find(&rows, strrchr(found.gl_pathv[i], '/'));
        assert_non_null(row);
        assert_string_equal(text_of(row, "tier_asked"), expected[i]);
        assert_string_equal(text_of(row, "tier"), expected[i]);
    }
    rows_free(&rows);
    globfree(&found);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_is_looked_at_as_it_was_asked_for,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(redo_may_look_more_closely, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(lines_of_a_list_name_theirs, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
