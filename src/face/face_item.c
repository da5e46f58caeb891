// face_item.c -- one picture as JSON, for the command line and the HTTP interface alike.
//
// Members are always the same ones, null when not known, so that a reader needs no special
// cases.
// SPDX-License-Identifier: MIT
#include "face/face.h"

#include "base/utf8.h"
#include "face/timefmt.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int64_t face_taken_ms(const struct vlmd_item *it)
{
    return it->taken_at_ms ? it->taken_at_ms : it->queued_at_ms;
}

int face_description(const struct vlmd_item *it, struct buf *out)
{
    int rc = buf_add_str(out, it->summary);
    if (rc == 0 && *it->details && strcmp(it->details, it->summary) != 0) {
        rc = buf_printf(out, "%s%s", *it->summary ? "\n\n" : "", it->details);
    }
    return rc;
}

// ---- JSON

void face_text(struct json_writer *w, const char *key, const char *s)
{
    json_str(w, key, s && *s ? s : NULL);
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

void face_time(struct json_writer *w, const char *key, int64_t at_ms)
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
    struct buf hex = {.max_bytes = FACE_MAX};
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
    struct buf text = {.max_bytes = FACE_MAX};
    int rc = face_description(it, &text);
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

static void request_members(struct json_writer *w, const struct vlmd_item *it)
{
    face_text(w, "model", it->model);
    face_text(w, "backend", it->backend);
    face_text(w, "prompt", it->prompt);
    face_text(w, "tier", it->tier);
    face_text(w, "tier_asked", it->tier_asked);
    face_text(w, "fallback", it->fallback);
    face_text(w, "fallback_class", it->fallback_class);
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
    face_time(w, "duplicates_from", it->duplicates_from_ms);
    face_time(w, "duplicates_until", it->duplicates_until_ms);
    face_time(w, "queued_at", it->queued_at_ms);
    face_time(w, "next_try_at", it->next_try_at_ms);
    face_time(w, "created_at", it->described_at_ms);
}

void face_item(struct json_writer *w, const struct vlmd_item *it)
{
    json_int(w, "id", it->id);
    json_str(w, "correlation_id", it->correlation_id);
    path_members(w, it->path);
    json_bool(w, "address_removed", it->is_address_removed);
    face_text(w, "hash", it->hash);
    face_text(w, "sent_hash", it->sent_hash);
    json_str(w, "state", it->state);
    face_text(w, "outcome", it->outcome);
    face_text(w, "reason", it->reason);
    fields_member(w, it);
    face_text(w, "app", it->app);
    face_text(w, "window", it->window);
    face_text(w, "screen", it->screen);
    face_text(w, "page_url", it->page_url);
    face_time(w, "taken_at", it->taken_at_ms);
    int_or_null(w, "width", it->width, 0);
    int_or_null(w, "height", it->height, 0);
    int_or_null(w, "sent_width", it->sent_width, 0);
    int_or_null(w, "sent_height", it->sent_height, 0);
    json_int(w, "sent_bytes", it->sent_bytes);
    face_text(w, "verdict", it->verdict);
    masks_member(w, it->masks);
    request_members(w, it);
    if (*it->snippet) {
        json_str(w, "snippet", it->snippet);
    }
}
