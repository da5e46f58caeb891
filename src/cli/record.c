// record.c -- see record.h.
//
// JSON members are always the same ones, null when not known, so that a reader needs no
// special cases.
// SPDX-License-Identifier: MIT
#include "record.h"

#include "base/utf8.h"
#include "timefmt.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int64_t record_time(const struct vlmd_item *it)
{
    return it->taken_at_ms ? it->taken_at_ms : it->queued_at_ms;
}

int record_description(const struct vlmd_item *it, struct buf *out)
{
    int rc = buf_add_str(out, it->summary);
    if (rc == 0 && *it->details && strcmp(it->details, it->summary) != 0) {
        rc = buf_printf(out, "%s%s", *it->summary ? "\n\n" : "", it->details);
    }
    return rc;
}

// ---- JSON

static void text_or_null(struct json_writer *w, const char *key, const char *s)
{
    json_str(w, key, *s ? s : NULL);
}

static void int_or_null(struct json_writer *w, const char *key, int64_t n,
                        int64_t nothing)
{
    if (n == nothing) {
        json_null(w, key);
    } else {
        json_int(w, key, n);
    }
}

static void time_or_null(struct json_writer *w, const char *key, int64_t at_ms)
{
    char stamp[64];
    time_iso(at_ms, stamp, sizeof(stamp));
    json_str(w, key, at_ms ? stamp : NULL);
}

// A path is bytes; JSON is text.  Where they differ the bytes are given as well.
static void path_members(struct json_writer *w, const char *path)
{
    json_str(w, "path", path);
    size_t len = strlen(path);
    if (utf8_is_valid(path, len)) {
        return;
    }
    struct buf hex = {.max_bytes = RECORD_MAX};
    int rc = 0;
    for (size_t i = 0; i < len && rc == 0; i++) {
        rc = buf_printf(&hex, "%02x", (unsigned char)path[i]);
    }
    json_str(w, "path_hex", rc ? NULL : buf_str(&hex));
    buf_fini(&hex);
}

static void tags_member(struct json_writer *w, const char *tags)
{
    struct cJSON *parsed = *tags ? json_parse(tags, strlen(tags)) : NULL;
    if (cJSON_IsArray(parsed)) {
        json_raw(w, "tags", tags);
    } else {
        json_array(w, "tags");
        json_array_end(w);
    }
    json_free(parsed);
}

static void fields_member(struct json_writer *w, const struct vlmd_item *it)
{
    if (!it->has_description) {
        json_null(w, "description");
        json_null(w, "fields");
        return;
    }
    struct buf text = {.max_bytes = RECORD_MAX};
    int rc = record_description(it, &text);
    json_str(w, "description", rc ? NULL : buf_str(&text));
    buf_fini(&text);
    json_object(w, "fields");
    json_str(w, "summary", it->summary);
    json_str(w, "activity", it->activity);
    json_str(w, "app", it->seen_app);
    json_str(w, "details", it->details);
    tags_member(w, it->tags);
    json_str(w, "text", *it->text ? it->text : it->ocr_text);
    json_object_end(w);
}

static void error_member(struct json_writer *w, const struct vlmd_item *it)
{
    if (!*it->error_class) {
        json_null(w, "error");
        return;
    }
    json_object(w, "error");
    json_str(w, "class", it->error_class);
    json_str(w, "message", it->reason);
    json_str(w, "todo", it->error_todo);
    json_object_end(w);
}

// "x,y,w,h;..." as [[x,y,w,h],...].
static void masks_member(struct json_writer *w, const char *masks)
{
    int64_t n[4];
    json_array(w, "masks");
    while (sscanf(masks, "%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64, &n[0], &n[1],
                  &n[2], &n[3]) == 4) {
        json_array(w, NULL);
        for (int i = 0; i < 4; i++) {
            json_int(w, NULL, n[i]);
        }
        json_array_end(w);
        masks += strcspn(masks, ";");
        masks += *masks == ';';
    }
    json_array_end(w);
}

int record_masks(const struct vlmd_item *it)
{
    int n = *it->masks != 0;
    for (const char *at = strchr(it->masks, ';'); at; at = strchr(at + 1, ';')) {
        n += at[1] != 0;
    }
    return n;
}

static void request_members(struct json_writer *w, const struct vlmd_item *it)
{
    text_or_null(w, "model", it->model);
    text_or_null(w, "backend", it->backend);
    text_or_null(w, "prompt", it->prompt);
    text_or_null(w, "tier", it->tier);
    json_bool(w, "degraded", it->is_degraded);
    json_int(w, "attempts", it->attempts);
    int_or_null(w, "prompt_tokens", it->prompt_tokens, -1);
    int_or_null(w, "completion_tokens", it->completion_tokens, -1);
    json_int(w, "queued_ms", it->queued_ms);
    json_int(w, "prepare_ms", it->prepare_ms);
    json_int(w, "request_ms", it->request_ms);
    error_member(w, it);
    int_or_null(w, "duplicate_of", it->duplicate_of, 0);
    int_or_null(w, "duplicate_blocks", it->duplicate_blocks, -1);
    int_or_null(w, "duplicate_max_diff", it->duplicate_max_diff, -1);
    json_int(w, "duplicates", it->duplicates);
    time_or_null(w, "duplicates_from", it->duplicates_from_ms);
    time_or_null(w, "duplicates_until", it->duplicates_until_ms);
    time_or_null(w, "queued_at", it->queued_at_ms);
    time_or_null(w, "next_try_at", it->next_try_at_ms);
    time_or_null(w, "created_at", it->described_at_ms);
}

void record_members(struct json_writer *w, const struct vlmd_item *it)
{
    json_int(w, "id", it->id);
    path_members(w, it->path);
    text_or_null(w, "hash", it->hash);
    text_or_null(w, "sent_hash", it->sent_hash);
    json_str(w, "state", it->state);
    text_or_null(w, "outcome", it->outcome);
    text_or_null(w, "reason", it->reason);
    fields_member(w, it);
    text_or_null(w, "app", it->app);
    text_or_null(w, "window", it->window);
    text_or_null(w, "screen", it->screen);
    text_or_null(w, "page_url", it->page_url);
    time_or_null(w, "taken_at", it->taken_at_ms);
    int_or_null(w, "width", it->width, 0);
    int_or_null(w, "height", it->height, 0);
    int_or_null(w, "sent_width", it->sent_width, 0);
    int_or_null(w, "sent_height", it->sent_height, 0);
    json_int(w, "sent_bytes", it->sent_bytes);
    text_or_null(w, "verdict", it->verdict);
    masks_member(w, it->masks);
    request_members(w, it);
    if (*it->snippet) {
        json_str(w, "snippet", it->snippet);
    }
}

int record_json(const struct vlmd_item *it, struct buf *out)
{
    struct json_writer w;
    json_init(&w, out);
    json_object(&w, NULL);
    record_members(&w, it);
    json_object_end(&w);
    return w.rc ? w.rc : buf_add_str(out, "\n");
}

// ---- CSV

const char *record_csv_header(void)
{
    return "id,path,hash,state,outcome,reason,error_class,description,summary,activity,"
           "seen_app,details,tags,text,app,window,taken_at,width,height,sent_width,"
           "sent_height,sent_bytes,model,backend,degraded,attempts,prompt_tokens,"
           "completion_tokens,queued_ms,prepare_ms,request_ms,duplicate_of,created_"
           "at\r\n";
}

struct csv {
    struct buf *out;
    int rc;
    bool has_cell;
};

static void csv_bytes(struct csv *c, const char *s, size_t len)
{
    if (c->rc == 0) {
        c->rc = buf_add(c->out, s, len);
    }
}

static void csv_cell(struct csv *c, const char *s)
{
    if (c->has_cell) {
        csv_bytes(c, ",", 1);
    }
    c->has_cell = true;
    if (!strpbrk(s, ",\"\r\n")) {
        csv_bytes(c, s, strlen(s));
        return;
    }
    csv_bytes(c, "\"", 1);
    for (const char *quote; (quote = strchr(s, '"')); s = quote + 1) {
        csv_bytes(c, s, (size_t)(quote - s) + 1);
        csv_bytes(c, "\"", 1);
    }
    csv_bytes(c, s, strlen(s));
    csv_bytes(c, "\"", 1);
}

static void csv_int(struct csv *c, int64_t n, int64_t nothing)
{
    char text[32] = "";
    if (n != nothing) {
        snprintf(text, sizeof(text), "%" PRId64, n);
    }
    csv_cell(c, text);
}

static void csv_time(struct csv *c, int64_t at_ms)
{
    char stamp[64] = "";
    if (at_ms) {
        time_iso(at_ms, stamp, sizeof(stamp));
    }
    csv_cell(c, stamp);
}

// Tags as words with blanks between.
static void csv_tags(struct csv *c, const char *tags)
{
    struct buf words = {.max_bytes = RECORD_MAX};
    struct cJSON *parsed = *tags ? json_parse(tags, strlen(tags)) : NULL;
    int rc = 0;
    for (struct cJSON *t = cJSON_IsArray(parsed) ? parsed->child : NULL; t && rc == 0;
         t = t->next) {
        if (cJSON_IsString(t)) {
            rc = buf_printf(&words, "%s%s", words.len ? " " : "", t->valuestring);
        }
    }
    csv_cell(c, buf_str(&words));
    c->rc = c->rc ? c->rc : rc;
    json_free(parsed);
    buf_fini(&words);
}

static void csv_description(struct csv *c, const struct vlmd_item *it)
{
    struct buf text = {.max_bytes = RECORD_MAX};
    int rc = it->has_description ? record_description(it, &text) : 0;
    csv_cell(c, buf_str(&text));
    c->rc = c->rc ? c->rc : rc;
    buf_fini(&text);
    csv_cell(c, it->summary);
    csv_cell(c, it->activity);
    csv_cell(c, it->seen_app);
    csv_cell(c, it->details);
    csv_tags(c, it->tags);
    csv_cell(c, *it->text ? it->text : it->ocr_text);
}

int record_csv(const struct vlmd_item *it, struct buf *out)
{
    struct csv c = {.out = out};
    csv_int(&c, it->id, -1);
    csv_cell(&c, it->path);
    csv_cell(&c, it->hash);
    csv_cell(&c, it->state);
    csv_cell(&c, it->outcome);
    csv_cell(&c, it->reason);
    csv_cell(&c, it->error_class);
    csv_description(&c, it);
    csv_cell(&c, it->app);
    csv_cell(&c, it->window);
    csv_time(&c, it->taken_at_ms);
    csv_int(&c, it->width, 0);
    csv_int(&c, it->height, 0);
    csv_int(&c, it->sent_width, 0);
    csv_int(&c, it->sent_height, 0);
    csv_int(&c, it->sent_bytes, -1);
    csv_cell(&c, it->model);
    csv_cell(&c, it->backend);
    csv_cell(&c, it->is_degraded ? "true" : "false");
    csv_int(&c, it->attempts, -1);
    csv_int(&c, it->prompt_tokens, -1);
    csv_int(&c, it->completion_tokens, -1);
    csv_int(&c, it->queued_ms, -1);
    csv_int(&c, it->prepare_ms, -1);
    csv_int(&c, it->request_ms, -1);
    csv_int(&c, it->duplicate_of, 0);
    csv_time(&c, it->described_at_ms);
    csv_bytes(&c, "\r\n", 2);
    return c.rc;
}

// ---- text

int record_txt(const struct vlmd_item *it, struct buf *out)
{
    int rc = record_description(it, out);
    const char *text = *it->text ? it->text : it->ocr_text;
    if (rc == 0 && *text && strcmp(text, it->summary) != 0) {
        rc = buf_printf(out, "\n\n%s", text);
    }
    return rc ? rc : buf_add_str(out, "\n");
}

// ---- words

const char *record_state(const struct vlmd_item *it)
{
    if (strcmp(it->state, "leased") == 0) {
        return "running";
    }
    if (strcmp(it->state, "queued") == 0) {
        return *it->error_class ? "retrying" : "waiting";
    }
    return strcmp(it->outcome, "answered") == 0 ? "described" : it->outcome;
}

static int why_queued(const struct vlmd_item *it, int64_t now_ms, struct buf *out)
{
    char span[64];
    time_span(now_ms - it->queued_at_ms, span, sizeof(span));
    int rc = buf_printf(out, "Not described yet: in the queue for %s.", span);
    if (rc == 0 && it->attempts > 0) {
        rc =
            buf_printf(out, " %d request%s failed%s%s.", it->attempts,
                       it->attempts == 1 ? "" : "s", *it->reason ? ": " : "", it->reason);
    } else if (rc == 0 && *it->reason) {
        rc = buf_printf(out, " Waiting because: %s.", it->reason);
    }
    if (rc == 0 && it->next_try_at_ms > now_ms) {
        char at[64];
        time_local(it->next_try_at_ms, at, sizeof(at));
        time_span(it->next_try_at_ms - now_ms, span, sizeof(span));
        rc = buf_printf(out, " Next try at %s (in %s).", at, span);
    } else if (rc == 0 && it->attempts == 0) {
        rc = buf_add_str(out,
                         " It is described as soon as `vlmd watch` or `vlmd batch` runs "
                         "and a backend has time; see `vlmd status`.");
    }
    return rc;
}

static int why_failed(const struct vlmd_item *it, struct buf *out)
{
    int rc = it->attempts
                 ? buf_printf(out, "Not described: failed after %d request%s: %s (%s).",
                              it->attempts, it->attempts == 1 ? "" : "s", it->reason,
                              it->error_class)
                 : buf_printf(out, "Not described, nothing was asked: %s (%s).",
                              it->reason, it->error_class);
    if (rc == 0 && *it->error_todo) {
        rc = buf_printf(out, " What to do: %s. Then: vlmd jobs retry %" PRId64,
                        it->error_todo, it->id);
    }
    return rc;
}

// Without the day where it is the same one.
static const char *short_time(const char *at, const char *beside)
{
    const size_t day = strlen("2026-11-21 ");
    return strlen(at) > day && strncmp(at, beside, day) == 0 ? at + day : at;
}

void record_similar(const struct vlmd_item *it, char *out, size_t size)
{
    char own[64], from[64], until[64];
    time_local(record_time(it), own, sizeof(own));
    time_local(it->duplicates_from_ms, from, sizeof(from));
    time_local(it->duplicates_until_ms, until, sizeof(until));
    if (!it->duplicates) {
        *out = 0;
    } else if (it->duplicates_from_ms < record_time(it)) {
        snprintf(out, size, "%d similar from %s until %s", it->duplicates,
                 short_time(from, own), short_time(until, own));
    } else {
        snprintf(out, size, "%d similar until %s", it->duplicates,
                 short_time(until, own));
    }
}

static int why_described(const struct vlmd_item *it, const char *original,
                         struct buf *out)
{
    char at[64];
    time_local(it->described_at_ms, at, sizeof(at));
    int rc = 0;
    if (it->duplicate_of && it->duplicate_blocks >= 0) {
        rc = buf_printf(
            out,
            "Nearly the same as #%" PRId64 "%s%s%s: %d of 9216 blocks differ, "
            "by at most %d of 255; has its description. ",
            it->duplicate_of, *original ? " (" : "", original, *original ? ")" : "",
            it->duplicate_blocks, it->duplicate_max_diff);
    } else if (it->duplicate_of) {
        rc = buf_printf(out, "Same picture as #%" PRId64 "%s%s%s; has its description. ",
                        it->duplicate_of, *original ? " (" : "", original,
                        *original ? ")" : "");
    } else if (strcmp(it->outcome, "cached") == 0) {
        rc = buf_add_str(out, "Same picture as one described before; its description was "
                              "taken over. ");
    }
    if (rc || !it->has_description) {
        return rc;
    }
    if (it->is_degraded) {
        return buf_printf(
            out,
            "Described by text recognition only (%s); it is asked again when a "
            "vision model is there.",
            at);
    }
    return buf_printf(out, "Described by %s at %s (%s).",
                      *it->model ? it->model : "a model",
                      *it->backend ? it->backend : "a backend", at);
}

int record_why(const struct vlmd_item *it, const char *original, int64_t now_ms,
               struct buf *out)
{
    if (strcmp(it->state, "leased") == 0) {
        return buf_add_str(out, "A vlmd process works on it right now.");
    }
    if (strcmp(it->state, "queued") == 0) {
        return why_queued(it, now_ms, out);
    }
    if (strcmp(it->outcome, "blocked") == 0) {
        return buf_printf(
            out,
            "Not described, nothing was sent: %s. To allow it change the rule "
            "under privacy in the configuration, then: vlmd jobs redo %" PRId64,
            it->reason, it->id);
    }
    if (strcmp(it->outcome, "skipped") == 0) {
        return buf_printf(out, "Not described: %s.", it->reason);
    }
    if (strcmp(it->outcome, "failed") == 0) {
        return why_failed(it, out);
    }
    return why_described(it, original, out);
}
