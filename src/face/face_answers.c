// face_answers.c -- attempts, models, events and configuration keys as JSON.
// SPDX-License-Identifier: MIT
#include "face/face.h"

void face_attempt(struct json_writer *w, const struct vlmd_attempt *a)
{
    json_object(w, NULL);
    face_time(w, "at", a->at_ms);
    json_str(w, "backend", a->backend);
    json_str(w, "model", a->model);
    face_text(w, "class", a->error_class);
    json_str(w, "message", a->message);
    face_text(w, "remedy", a->remedy);
    json_int(w, "request_ms", a->request_ms);
    json_object_end(w);
}

void face_model(struct json_writer *w, const struct vlmd_model *m)
{
    json_object(w, NULL);
    json_str(w, "backend", m->backend);
    json_str(w, "url", m->url);
    json_str(w, "kind", m->kind);
    face_text(w, "model", m->model);
    json_bool(w, "has_vision", m->has_vision);
    json_bool(w, "is_loaded", m->is_loaded);
    json_bool(w, "is_chosen", m->is_chosen);
    face_text(w, "error", m->error);
    json_bool(w, "is_kept", m->is_kept);
    if (m->is_chosen || m->known_at_ms) {
        json_object(w, "facts");
        face_time(w, "known_at", m->known_at_ms);
        json_bool(w, "is_vision_sure", m->is_vision_sure);
        json_str(w, "version", m->version);
        json_str(w, "formats", m->formats);
        json_int(w, "max_image_px", m->max_image_px);
        json_int(w, "slots", m->slots);
        json_int(w, "n_ctx", m->n_ctx);
        json_int(w, "patch_px", m->patch_px);
        json_str(w, "unload", m->unload);
        json_str(w, "thinking", m->thinking);
        json_object_end(w);
    }
    json_object_end(w);
}

const char *face_event_name(enum vlmd_event_type type)
{
    switch (type) {
    case VLMD_EVENT_JOB: return "job";
    case VLMD_EVENT_PROBLEM: return "problem";
    case VLMD_EVENT_NOTICE: return "notice";
    case VLMD_EVENT_PAUSED: return "paused";
    case VLMD_EVENT_RESUMED: return "resumed";
    case VLMD_EVENT_SCANNED: return "scanned";
    case VLMD_EVENT_BATCH: return "batch";
    case VLMD_EVENT_ALERT: return "alert";
    }
    return "";
}

void face_event(struct json_writer *w, const struct vlmd_event *e)
{
    json_object(w, NULL);
    json_str(w, "type", face_event_name(e->type));
    face_time(w, "at", e->at_ms);
    if (e->item) {
        json_object(w, "item");
        face_item(w, e->item);
        json_object_end(w);
    } else {
        json_null(w, "item");
    }
    face_text(w, "path", e->path);
    face_text(w, "error_class", e->error_class);
    face_text(w, "words", e->words);
    json_int(w, "n", e->n);
    json_null(w, "stats");
    json_object_end(w);
}

void face_key(struct json_writer *w, const struct vlmd_key *k)
{
    json_object(w, NULL);
    json_str(w, "key", k->key);
    json_str(w, "value", k->value);
    json_str(w, "origin", k->origin);
    json_str(w, "default", k->def);
    json_str(w, "type", k->type);
    json_str(w, "range", k->range);
    json_str(w, "help", k->help);
    json_bool(w, "is_reloadable", k->is_reloadable);
    json_object_end(w);
}
