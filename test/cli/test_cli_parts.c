// test_cli_parts.c -- pure parts: times, counts, text for terminals, progress, records.
// SPDX-License-Identifier: MIT
#include "out.h"
#include "progress.h"
#include "record.h"
#include "face/face.h"
#include "face/timefmt.h"

#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

// Wednesday 2026-03-18 12:34:56 UTC; Berlin is an hour ahead.
#define NOW INT64_C(1773837296000)
#define DAY INT64_C(86400000)

static void assert_has_part(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("expected \"%s\" in: %s", part, text);
    }
}

static void zone(const char *tz)
{
    setenv("TZ", tz, 1);
    tzset();
}

static void test_time_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_end;
        int64_t ms;  // 0 = refused
    } rows[] = {
        {"now", false, NOW},
        {"30m", false, NOW - 1800000},
        {"2h", false, NOW - 7200000},
        {"3d", true, NOW - 3 * DAY},
        {"1w", false, NOW - 7 * DAY},
        {"45s", false, NOW - 45000},
        {"today", false, INT64_C(1773792000000)},
        {"today", true, INT64_C(1773792000000) + DAY - 1},
        {"Yesterday", false, INT64_C(1773792000000) - DAY},
        {"yesterday", true, INT64_C(1773792000000) - 1},
        {"2026-03-18", false, INT64_C(1773792000000)},
        {"2026-03-18", true, INT64_C(1773792000000) + DAY - 1},
        {"2026-03-18 12:34:56", false, NOW},
        {"2026-03-18T12:34:56Z", false, NOW},
        {"2026-03-18T12:34:56.250Z", false, NOW + 250},
        {"2026-03-18T13:34:56+01:00", false, NOW},
        {"2026-03-18T07:04:56-0530", false, NOW},
        {"2026-03-18 12:34", true, NOW - 56000},
        {"2024-02-29", false, INT64_C(1709164800000)},
        {"2026-02-29", false, 0},
        {"2026-13-01", false, 0},
        {"2026-03-18x", false, 0},
        {"2026-03-18 25:00", false, 0},
        {"2026-03-18 12:60", false, 0},
        {"2026-03-18 12:34 nonsense", false, 0},
        {"2026-03-18T12:34:56+1", false, 0},
        {"2026-03-18T12:34:56+24:00", false, 0},
        {"2026-3-1", false, 0},
        {"3", false, 0},
        {"d", false, 0},
        {"3y", false, 0},
        {"99999999d", false, 0},
        {"", false, 0},
        {"tomorrow", false, 0},
    };
    zone("UTC");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = 0;
        bool ok = time_parse(rows[i].text, NOW, rows[i].is_end, &ms);
        if (ok != (rows[i].ms != 0) || (ok && ms != rows[i].ms)) {
            fail_msg("%s -> %d %lld", rows[i].text, ok, (long long)ms);
        }
    }
    // The night to summer time has 23 hours.
    zone("Europe/Berlin");
    int64_t begin, end;
    assert_true(time_parse("2026-03-29", NOW, false, &begin));
    assert_true(time_parse("2026-03-29", NOW, true, &end));
    assert_int_equal(end + 1 - begin, 23 * 3600000);
    zone("UTC");
}

static void test_time_words(void **state)
{
    (void)state;
    char text[64];
    static const struct {
        int64_t ms;
        const char *span;
        const char *clock;
    } rows[] = {
        {-5, "0s", "0:00"},
        {7999, "7s", "0:07"},
        {200000, "3m 20s", "3:20"},
        {7500000, "2h 5m", "2:05:00"},
        {360000000, "4d 4h", "100:00:00"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        time_span(rows[i].ms, text, sizeof(text));
        assert_string_equal(text, rows[i].span);
        time_clock(rows[i].ms, text, sizeof(text));
        assert_string_equal(text, rows[i].clock);
    }
    time_iso(NOW + 7, text, sizeof(text));
    assert_string_equal(text, "2026-03-18T12:34:56.007Z");
    time_iso(-1, text, sizeof(text));
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    time_iso(-62167219200000, text, sizeof(text));
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
    time_iso(253402300799999, text, sizeof(text));
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    time_iso(253402300800000, text, sizeof(text));
    assert_string_equal(text, "10000-01-01T00:00:00.000Z");
    time_iso(NOW + 7, text, 11);
    assert_string_equal(text, "2026-03-18");
    zone("Europe/Berlin");
    time_local(NOW, text, sizeof(text));
    assert_string_equal(text, "2026-03-18 13:34");
    zone("UTC");
}

static void test_counts(void **state)
{
    (void)state;
    char text[40];
    static const struct {
        int64_t n;
        const char *count;
        const char *bytes;
    } rows[] = {
        {0, "0", "0 B"},
        {999, "999", "999 B"},
        {1000, "1,000", "1.0 kB"},
        {100000, "100,000", "100.0 kB"},
        {1234567, "1,234,567", "1.2 MB"},
        {999960, "999,960", "1.0 MB"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        count_text(rows[i].n, text, sizeof(text));
        assert_string_equal(text, rows[i].count);
        bytes_text(rows[i].n, text, sizeof(text));
        assert_string_equal(text, rows[i].bytes);
    }
    count_text(-1234, text, sizeof(text));
    assert_string_equal(text, "-1,234");
}

static void test_clip(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int columns;
        const char *clipped;
    } rows[] = {
        {"short", 10, "short"},
        {"exactly ten", 11, "exactly ten"},
        {"a long line", 6, "a lon\xe2\x80\xa6"},
        {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 6,
         "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
        {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 5,
         "\xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xa6"},
        {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4, "\xe6\x97\xa5\xe2\x80\xa6"},
        {"e\xcc\x81t\xc3\xa9", 3, "e\xcc\x81t\xc3\xa9"},
        {"two\nlines\x1b[31m", 40, "two lines [31m"},
        {"bad \xff byte", 40, "bad ? byte"},
        {"c1 \xc2\x9b"
         "31m",
         40, "c1   31m"},
        {"x", 0, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[64];
        text_clip(rows[i].text, rows[i].columns, out, sizeof(out));
        assert_string_equal(out, rows[i].clipped);
    }
    char tiny[8];
    text_clip("a very long line", 100, tiny, sizeof(tiny));
    assert_string_equal(tiny, "a very ");
    text_safe(NULL, tiny, sizeof(tiny));
    assert_string_equal(tiny, "");
}

static void test_progress(void **state)
{
    (void)state;
    char out[600];
    struct progress p = {.done = 25000,
                         .total = 100000,
                         .is_total_known = true,
                         .per_s = 12.5,
                         .paused = ""};
    assert_int_equal(progress_eta_ms(&p), 6000000);
    progress_bar(&p, 80, out, sizeof(out));
    assert_string_equal(out, "[##########..............................]  25,000/100,000 "
                             " 12.5/s  ETA 1:40:00");
    assert_int_equal(utf8_columns(out), 79);
    progress_bar(&p, 200, out, sizeof(out));
    assert_int_equal(strcspn(out, "]"), 51);
    progress_bar(&p, 40, out, sizeof(out));
    assert_string_equal(out, "25,000/100,000  12.5/s  ETA 1:40:00");
    progress_bar(&p, 20, out, sizeof(out));
    assert_string_equal(out, "25,000/100,000  12\xe2\x80\xa6");
    p.failed = 3;
    p.is_total_known = false;
    progress_line(&p, out, sizeof(out));
    assert_string_equal(out, "25,000/100,000+  12.5/s  ETA ?  3 failed");
    p.is_total_known = true;
    p.paused = "no backend answers\x1b[2J";
    progress_line(&p, out, sizeof(out));
    assert_string_equal(
        out, "25,000/100,000  12.5/s  ETA ?  3 failed  paused: no backend answers [2J");
    p = (struct progress){.done = 10, .total = 10, .is_total_known = true, .paused = ""};
    progress_bar(&p, 60, out, sizeof(out));
    assert_has_part(out, "####]  10/10  ETA ?");
    p = (struct progress){
        .is_total_known = true, .paused = "", .total = 3, .per_s = 1e-12};
    assert_int_equal(progress_eta_ms(&p), -1);
    p.total = 0;
    progress_bar(&p, 60, out, sizeof(out));
    assert_has_part(out, "[...");
}

// ---- records

static struct vlmd_item nothing(void)
{
    return (struct vlmd_item){.id = 7,
                              .correlation_id = "",
                              .duplicate_blocks = -1,
                              .duplicate_max_diff = -1,
                              .path = "/p/a.png",
                              .hash = "",
                              .sent_hash = "",
                              .verdict = "",
                              .masks = "",
                              .state = "ended",
                              .outcome = "answered",
                              .reason = "",
                              .error_class = "",
                              .error_todo = "",
                              .app = "",
                              .window = "",
                              .screen = "",
                              .page_url = "",
                              .summary = "",
                              .activity = "",
                              .seen_app = "",
                              .details = "",
                              .text = "",
                              .raw = "",
                              .tags = "",
                              .ocr_text = "",
                              .backend = "",
                              .model = "",
                              .prompt = "",
                              .tier = "",
                              .tier_asked = "",
                              .fallback = "",
                              .fallback_class = "",
                              .finish_reason = "",
                              .snippet = "",
                              .prompt_tokens = -1,
                              .completion_tokens = -1};
}

static struct cJSON *as_json(const struct vlmd_item *it)
{
    struct buf out = {.max_bytes = RECORD_MAX};
    assert_int_equal(record_json(it, &out), 0);
    assert_int_equal(out.data[out.len - 1], '\n');
    assert_null(memchr(out.data, '\n', out.len - 1));
    struct cJSON *json = json_parse(buf_str(&out), out.len);
    assert_non_null(json);
    buf_fini(&out);
    return json;
}

static void test_json_empty(void **state)
{
    (void)state;
    struct vlmd_item it = nothing();
    struct cJSON *json = as_json(&it);
    static const char *const nulls[] = {"description",
                                        "fields",
                                        "taken_at",
                                        "width",
                                        "model",
                                        "error",
                                        "app",
                                        "duplicate_of",
                                        "created_at",
                                        "prompt_tokens",
                                        "hash",
                                        "duplicate_blocks",
                                        "duplicate_max_diff",
                                        "duplicates_from",
                                        "duplicates_until",
                                        "verdict"};
    for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++) {
        assert_true(cJSON_IsNull(json_get(json, nulls[i])));
    }
    assert_string_equal(json_get_str(json, "path"), "/p/a.png");
    assert_int_equal(cJSON_GetArraySize(json_get(json, "masks")), 0);
    assert_int_equal(json_get_int(json, "attempts", -1), 0);
    assert_null(json_get(json, "snippet"));
    assert_null(json_get(json, "path_hex"));
    json_free(json);
}

static void test_json_full(void **state)
{
    (void)state;
    struct vlmd_item it = nothing();
    it.path = "/p/\xff\"\n.png";
    it.has_description = true;
    it.summary = "Sum";
    it.details = "Det\nails";
    it.tags = "[\"a\",\"b\"]";
    it.ocr_text = "ocr";
    it.error_class = "corrupt";
    it.reason = "is a damaged picture";
    it.error_todo = "save it again";
    it.taken_at_ms = NOW;
    it.duplicate_of = 3;
    it.duplicate_blocks = 0;
    it.duplicate_max_diff = 2;
    it.duplicates = 4;
    it.duplicates_from_ms = NOW - 1000;
    it.duplicates_until_ms = NOW + 1000;
    it.prompt_tokens = 0;
    it.verdict = "mask";
    it.masks = "1,2,30,40;500,6,7,8";
    it.snippet = "\x02Sum\x03";
    struct cJSON *json = as_json(&it);
    assert_int_equal(record_masks(&it), 2);
    assert_string_equal(json_get_str(json, "verdict"), "mask");
    const struct cJSON *second = cJSON_GetArrayItem(json_get(json, "masks"), 1);
    assert_int_equal(cJSON_GetArraySize(json_get(json, "masks")), 2);
    assert_int_equal(cJSON_GetArraySize(second), 4);
    assert_int_equal(cJSON_GetArrayItem(second, 0)->valueint, 500);
    assert_string_equal(json_get_str(json, "path"), "/p/\xef\xbf\xbd\"\n.png");
    assert_string_equal(json_get_str(json, "path_hex"), "2f702fff220a2e706e67");
    assert_string_equal(json_get_str(json, "description"), "Sum\n\nDet\nails");
    const struct cJSON *fields = json_get(json, "fields");
    assert_string_equal(json_get_str(fields, "text"), "ocr");
    assert_int_equal(cJSON_GetArraySize(json_get(fields, "tags")), 2);
    assert_string_equal(json_get_str(json_get(json, "error"), "class"), "corrupt");
    assert_string_equal(json_get_str(json, "taken_at"), "2026-03-18T12:34:56.000Z");
    assert_int_equal(json_get_int(json, "duplicate_of", 0), 3);
    assert_int_equal(json_get_int(json, "duplicate_blocks", -1), 0);
    assert_int_equal(json_get_int(json, "duplicate_max_diff", -1), 2);
    assert_int_equal(json_get_int(json, "duplicates", -1), 4);
    assert_string_equal(json_get_str(json, "duplicates_from"),
                        "2026-03-18T12:34:55.000Z");
    assert_string_equal(json_get_str(json, "duplicates_until"),
                        "2026-03-18T12:34:57.000Z");
    assert_int_equal(json_get_int(json, "prompt_tokens", -1), 0);
    assert_string_equal(json_get_str(json, "snippet"), "\x02Sum\x03");
    json_free(json);
    // Broken tags must not break the line.
    it.tags = "[\"a\"";
    json = as_json(&it);
    assert_int_equal(cJSON_GetArraySize(json_get(json_get(json, "fields"), "tags")), 0);
    json_free(json);
}

// Reads one RFC 4180 record; returns the number of cells.
static int read_csv(const char *s, char cells[40][256], const char **end)
{
    int n = 0;
    for (;;) {
        size_t len = 0;
        bool is_quoted = *s == '"';
        s += is_quoted;
        while (is_quoted ? (*s != '"' || s[1] == '"') : !strchr(",\r", *s)) {
            s += is_quoted && *s == '"';
            cells[n][len++] = *s++;
        }
        s += is_quoted;
        cells[n++][len] = 0;
        if (*s != ',') {
            break;
        }
        s++;
    }
    assert_int_equal(s[0], '\r');
    assert_int_equal(s[1], '\n');
    *end = s + 2;
    return n;
}

static void test_csv(void **state)
{
    (void)state;
    static char head[40][256], cells[40][256];
    const char *end;
    struct vlmd_item it = nothing();
    it.path = "/p/\xff,\"x\".png";
    it.has_description = true;
    it.summary = "=1+1";
    it.details = "line\r\nline";
    it.tags = "[\"a b\",\"c\",3]";
    it.taken_at_ms = NOW;
    int n = read_csv(record_csv_header(), head, &end);
    assert_int_equal(*end, 0);
    struct buf out = {.max_bytes = RECORD_MAX};
    assert_int_equal(record_csv(&it, &out), 0);
    assert_int_equal(read_csv(buf_str(&out), cells, &end), n);
    assert_int_equal(*end, 0);
    for (int i = 0; i < n; i++) {
        const char *expected =
            strcmp(head[i], "path") == 0          ? it.path
            : strcmp(head[i], "summary") == 0     ? "=1+1"
            : strcmp(head[i], "details") == 0     ? it.details
            : strcmp(head[i], "description") == 0 ? "=1+1\n\nline\r\nline"
            : strcmp(head[i], "tags") == 0        ? "a b c"
            : strcmp(head[i], "width") == 0       ? ""
            : strcmp(head[i], "taken_at") == 0    ? "2026-03-18T12:34:56.000Z"
            : strcmp(head[i], "degraded") == 0    ? "false"
                                                  : cells[i];
        assert_string_equal(cells[i], expected);
    }
    buf_clear(&out);
    out.max_bytes = 20;
    assert_int_equal(record_csv(&it, &out), E_TOOBIG);
    assert_int_equal(record_json(&it, &out), E_TOOBIG);
    buf_fini(&out);
}

static void why(const struct vlmd_item *it, const char *expected)
{
    struct buf out = {.max_bytes = RECORD_MAX};
    assert_int_equal(face_why(it, "/p/first.png", NOW, &out), 0);
    assert_string_equal(buf_str(&out), expected);
    buf_fini(&out);
}

static void test_why_not(void **state)
{
    (void)state;
    struct vlmd_item it = nothing();
    it.state = "queued";
    it.outcome = "";
    it.queued_at_ms = NOW - 200000;
    why(&it,
        "Not described yet: in the queue for 3m 20s. It is described as soon as `vlmd "
        "watch` or `vlmd batch` runs and a backend has time; see `vlmd status`.");
    assert_string_equal(record_state(&it), "waiting");
    it.reason = "no backend answers";
    it.next_try_at_ms = NOW + 61000;
    why(&it, "Not described yet: in the queue for 3m 20s. Waiting because: no backend "
             "answers. "
             "Next try at 2026-03-18 12:35 (in 1m 1s).");
    it.attempts = 2;
    it.error_class = "timeout_stall";
    it.reason = "the answer stopped half way";
    why(&it, "Not described yet: in the queue for 3m 20s. 2 requests failed: the answer "
             "stopped "
             "half way. Next try at 2026-03-18 12:35 (in 1m 1s).");
    assert_string_equal(record_state(&it), "retrying");
    it.state = "leased";
    why(&it, "A vlmd process works on it right now.");
    assert_string_equal(record_state(&it), "running");
    it.state = "ended";
    it.outcome = "failed";
    it.attempts = 1;
    it.error_todo = "see the backend's own log";
    why(&it, "Not described: failed after 1 request: the answer stopped half way "
             "(timeout_stall). What to do: see the backend's own log. Then: vlmd jobs "
             "retry 7");
    it.attempts = 0;
    it.error_class = "corrupt";
    it.reason = "is a damaged picture";
    it.error_todo = "";
    why(&it, "Not described, nothing was asked: is a damaged picture (corrupt).");
    it.outcome = "blocked";
    it.reason = "privacy.exclude_apps has KeePass*";
    why(&it,
        "Not described, nothing was sent: privacy.exclude_apps has KeePass*. To allow it "
        "change the rule under privacy in the configuration, then: vlmd jobs redo 7");
    it.outcome = "skipped";
    it.reason = "the file is gone";
    why(&it, "Not described: the file is gone.");
}

static void test_why(void **state)
{
    (void)state;
    struct vlmd_item it = nothing();
    it.has_description = true;
    it.described_at_ms = NOW;
    it.model = "m";
    it.backend = "b";
    why(&it, "Described by m at b (2026-03-18 12:34).");
    it.is_degraded = true;
    why(&it,
        "Described by text recognition only (2026-03-18 12:34); it is asked again when a "
        "vision model is there.");
    it.is_degraded = false;
    it.outcome = "cached";
    why(&it,
        "Same picture as one described before; its description was taken over. Described "
        "by m at b (2026-03-18 12:34).");
    it.outcome = "duplicate";
    it.duplicate_of = 3;
    why(&it,
        "Same picture as #3 (/p/first.png); has its description. Described by m at b "
        "(2026-03-18 12:34).");
    it.has_description = false;
    why(&it, "Same picture as #3 (/p/first.png); has its description. ");
    it.duplicate_blocks = 5;
    it.duplicate_max_diff = 80;
    why(&it,
        "Nearly the same as #3 (/p/first.png): 5 of 9216 blocks differ, by at most 80 "
        "of 255; has its description. ");
}

static void test_similar(void **state)
{
    (void)state;
    const int64_t minute = 60000, day = 24 * 60 * minute;
    const struct {
        int n;
        int64_t from_ms, until_ms;
        const char *words;
    } cases[] = {
        {0, 0, 0, ""},
        {1, NOW + minute, NOW + minute, "1 similar until 12:35"},
        {12, NOW + minute, NOW + 90 * minute, "12 similar until 14:04"},
        {3, NOW - minute, NOW + minute, "3 similar from 12:33 until 12:35"},
        {2, NOW + minute, NOW + day, "2 similar until 2026-03-19 12:34"},
        {2, NOW - day, NOW - minute, "2 similar from 2026-03-17 12:34 until 12:33"},
    };
    struct vlmd_item it = nothing();
    it.taken_at_ms = NOW;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[100];
        it.duplicates = cases[i].n;
        it.duplicates_from_ms = cases[i].from_ms;
        it.duplicates_until_ms = cases[i].until_ms;
        record_similar(&it, out, sizeof(out));
        assert_string_equal(out, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_parse), cmocka_unit_test(test_time_words),
        cmocka_unit_test(test_counts),     cmocka_unit_test(test_clip),
        cmocka_unit_test(test_progress),   cmocka_unit_test(test_json_empty),
        cmocka_unit_test(test_json_full),  cmocka_unit_test(test_csv),
        cmocka_unit_test(test_why_not),    cmocka_unit_test(test_similar),
        cmocka_unit_test(test_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
