// record.c -- see record.h.
// SPDX-License-Identifier: MIT
#include "record.h"

#include "face/face.h"
#include "face/timefmt.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- JSON

int record_json(const struct vlmd_item *it, struct buf *out)
{
    struct json_writer w;
    json_init(&w, out);
    json_object(&w, NULL);
    face_item(&w, it);
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
    int rc = it->has_description ? face_description(it, &text) : 0;
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
    int rc = face_description(it, out);
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

int record_masks(const struct vlmd_item *it)
{
    int n = *it->masks != 0;
    for (const char *at = strchr(it->masks, ';'); at; at = strchr(at + 1, ';')) {
        n += at[1] != 0;
    }
    return n;
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
    time_local(face_taken_ms(it), own, sizeof(own));
    time_local(it->duplicates_from_ms, from, sizeof(from));
    time_local(it->duplicates_until_ms, until, sizeof(until));
    if (!it->duplicates) {
        *out = 0;
    } else if (it->duplicates_from_ms < face_taken_ms(it)) {
        snprintf(out, size, "%d similar from %s until %s", it->duplicates,
                 short_time(from, own), short_time(until, own));
    } else {
        snprintf(out, size, "%d similar until %s", it->duplicates,
                 short_time(until, own));
    }
}
