// route_submit.c -- pictures are given: uploaded, or named by path or URL.
//
// A picture that is uploaded lies in the spool until it is described (spool.h).  An
// Idempotency-Key is kept in the database with the hash of its body: the same again is the
// same job, also after a crash.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"
#include "events.h"
#include "multipart.h"

#include "base/mem.h"
#include "face/timefmt.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_WAIT_S = 120, MAX_BATCH = 1000, KEY_BYTES = 200, FORM_TEXTS = 6 };

// ---- one submission

struct submission {
    struct waiter waiter;
    struct exchange *x;
    struct buf body;          // owned
    struct cJSON *json;       // owned, NULL = none
    char *texts[FORM_TEXTS];  // owned: of a form
    struct vlmd_input in;
    int64_t wait_ms;
    int64_t id;
    bool is_new;
    struct vlmd_once once;
};

static void free_submission(void *state)
{
    struct submission *s = state;
    events_wait_stop(&s->waiter);
    buf_fini(&s->body);
    json_free(s->json);
    for (int i = 0; i < FORM_TEXTS; i++) {
        free(s->texts[i]);
    }
    free(s);
}

static void reply_job(struct submission *s, const struct vlmd_item *item,
                      const char *state)
{
    struct exchange *x = s->x;
    char location[40];
    bool is_ended = item && strcmp(item->state, "ended") == 0;
    snprintf(location, sizeof(location), "/v1/jobs/%" PRId64, s->id);
    reply_begin(x);
    json_object(&x->w, NULL);
    json_int(&x->w, "id", s->id);
    json_bool(&x->w, "is_new", s->is_new);
    json_str(&x->w, "state", item ? item->state : state);
    if (is_ended) {
        json_object(&x->w, "item");
        face_item(&x->w, item);
        json_object_end(&x->w);
    } else {
        json_null(&x->w, "item");
    }
    json_str(&x->w, "location", location);
    json_object_end(&x->w);
    reply_header(x, "Location", location);
    reply_json(x, is_ended ? 200 : 202);
}

static void on_waited(struct waiter *w, const struct vlmd_item *item)
{
    struct submission *s = container_of(w, struct submission, waiter);
    if (item && item->id != s->id) {
        s->id = item->id;  // the file was only touched
        s->is_new = false;
    }
    reply_job(s, item, "queued");
    exchange_drop(s->x);
}

static void on_gone(struct exchange *x)
{
    struct submission *s = x->state;
    if (list_is_linked(&s->waiter.node)) {
        events_wait_stop(&s->waiter);
        exchange_drop(x);
    }
}

static bool on_known_item(void *arg, const struct vlmd_item *it)
{
    struct submission *s = arg;
    reply_job(s, it, it->state);
    return false;
}

static void on_known_end(void *arg, int err, const char *message)
{
    struct submission *s = arg;
    if (err) {
        reply_failed(s->x, err, message);
    } else if (!s->x->is_answered) {
        reply_job(s, NULL, "queued");
    }
    exchange_drop(s->x);
}

// It may have ended long ago, so nothing would be told of it any more.
static void look(struct submission *s)
{
    const struct vlmd_query q = {.id = s->id, .limit = 1};
    int rc = vlmd_search(s->x->admin->v, &q, on_known_item, on_known_end, s);
    if (rc) {
        on_known_end(s, rc, "");
    }
}

static void on_submitted(void *arg, int err, int64_t id, bool is_new, const char *message)
{
    struct submission *s = arg;
    struct exchange *x = s->x;
    s->id = err ? 0 : id;
    s->is_new = is_new;
    if (err == VLMD_ERR_REUSED) {
        reply_error(x, 422, "Idempotency-Key", "it came with another body before");
        exchange_drop(x);
    } else if (err) {
        reply_failed(x, err, message);
        exchange_drop(x);
    } else if (!is_new) {
        look(s);
    } else if (s->wait_ms && x->http) {
        events_wait(x->admin->events, &s->waiter, id, s->wait_ms);
    } else {
        reply_job(s, NULL, "queued");
        exchange_drop(x);
    }
}

static void note_outside(struct exchange *x)
{
    guards_note(x, "path_refused", "a file outside the folders that may be named");
}

static void refuse(struct exchange *x, int err)
{
    if (err == E_OUTSIDE) {
        note_outside(x);
        reply_error(x, 403, "path",
                    "it is in no watched folder (admin.submit_dirs may name others)");
    } else if (err == E_NOT_FOUND) {
        reply_error(x, 400, "path", "there is no such file");
    } else if (err == E_USAGE) {
        reply_error(x, 503, NULL,
                    "this process works off a batch: it takes nothing else");
    } else {
        reply_failed(x, err, "");
    }
}

static void submit(struct submission *s)
{
    struct exchange *x = s->x;
    exchange_hold(x);
    int rc = vlmd_submit(x->admin->v, &s->in, on_submitted, s);
    if (rc) {
        refuse(x, rc);
        exchange_drop(x);
    }
}

// ---- what was sent

static bool read_meta(struct exchange *x, const struct cJSON *o, struct vlmd_input *in)
{
    return body_text(x, o, "app", 256, &in->app) &&
           body_text(x, o, "window", 1024, &in->window) &&
           body_text(x, o, "screen", 256, &in->screen) &&
           body_text(x, o, "page_url", 2048, &in->page_url) &&
           body_time(x, o, "taken_at", false, &in->taken_at_ms);
}

static bool check_place(struct exchange *x, const struct vlmd_input *in)
{
    if (!in->path == !in->url) {
        reply_error(x, 400, "path", "one of path and url is needed");
        return false;
    }
    if (in->path && in->path[0] != '/') {
        reply_error(x, 400, "path", "path is absolute");
        return false;
    }
    if (in->url && strncasecmp(in->url, "http://", 7) != 0 &&
        strncasecmp(in->url, "https://", 8) != 0) {
        reply_error(x, 400, "url", "url begins with http:// or https://");
        return false;
    }
    return true;
}

static bool check_tier(struct exchange *x, const char *tier)
{
    if (!tier || known_name("quick standard deep", tier)) {
        return true;
    }
    reply_error(x, 400, "tier", "tier is one of quick|standard|deep");
    return false;
}

#define INPUT_MEMBERS "path url app window screen page_url taken_at tier"

static bool read_input(struct exchange *x, const struct cJSON *o, struct vlmd_input *in)
{
    in->is_confined = true;
    return body_text(x, o, "path", 4095, &in->path) &&
           body_text(x, o, "url", 8192, &in->url) && read_meta(x, o, in) &&
           check_place(x, in);
}

// Of the query or of the body.
static bool take_tier(struct submission *s, const char *said)
{
    if (!said || !*said) {
        return true;
    }
    if (s->in.tier) {
        reply_error(s->x, 400, "tier", "tier is said twice");
        return false;
    }
    s->in.tier = said;
    return check_tier(s->x, said);
}

static bool set_text(struct submission *s, const struct multipart_part *p)
{
    static const char *const names[FORM_TEXTS] = {"app",      "window",   "screen",
                                                  "page_url", "taken_at", "tier"};
    for (int i = 0; i < FORM_TEXTS; i++) {
        if (strcmp(p->name, names[i]) == 0 && !s->texts[i] && p->len <= 2048 &&
            !memchr(p->data, 0, p->len)) {
            s->texts[i] = strndup(p->data, p->len);
            return s->texts[i] != NULL;
        }
    }
    return false;
}

static bool take_part(struct submission *s, const struct multipart_part *p)
{
    if (strcmp(p->name, "file") == 0 && !s->in.bytes) {
        s->in.bytes = p->data;
        s->in.n_bytes = p->len;
        return true;
    }
    if (!p->is_file && set_text(s, p)) {
        return true;
    }
    reply_error(s->x, 400, "file",
                "a form has one file, and app, window, screen, "
                "page_url, taken_at, tier as texts");
    return false;
}

static bool read_form(struct submission *s, const char *type)
{
    struct exchange *x = s->x;
    struct multipart m;
    struct multipart_part part;
    int rc = multipart_begin(&m, type, buf_str(&s->body), s->body.len);
    rc = rc ? rc : multipart_next(&m, &part);
    for (; rc == 1; rc = multipart_next(&m, &part)) {
        if (!take_part(s, &part)) {
            return false;
        }
    }
    if (rc || !s->in.bytes) {
        reply_error(x, 400, "file", rc ? "this is no form" : "the form has no file");
        return false;
    }
    s->in.app = s->texts[0];
    s->in.window = s->texts[1];
    s->in.screen = s->texts[2];
    s->in.page_url = s->texts[3];
    if (s->texts[4] &&
        !time_parse(s->texts[4], loop_wall_ms(), false, &s->in.taken_at_ms)) {
        reply_error(x, 400, "taken_at", "taken_at is a time in ISO 8601");
        return false;
    }
    return take_tier(s, s->texts[5]);
}

static bool starts(const char *type, const char *with)
{
    return type && strncasecmp(type, with, strlen(with)) == 0;
}

static bool read_body(struct submission *s)
{
    struct exchange *x = s->x;
    const char *type = httpd_header(x->http, "Content-Type");
    if (starts(type, "application/json")) {
        const char *tier = NULL;
        return body_object(x, INPUT_MEMBERS, &s->json) &&
               read_input(x, s->json, &s->in) &&
               body_text(x, s->json, "tier", 64, &tier) && take_tier(s, tier);
    }
    struct buf *body = NULL;
    if (httpd_body(x->http, &body) || !body->len) {
        reply_error(x, 400, NULL, "the body is empty");
        return false;
    }
    buf_take(&s->body, body);
    if (starts(type, "multipart/form-data")) {
        return read_form(s, type);
    }
    if (starts(type, "image/") || starts(type, "application/octet-stream")) {
        s->in.bytes = s->body.data;
        s->in.n_bytes = s->body.len;
        return true;
    }
    reply_error(x, 415, "Content-Type",
                "send application/json, multipart/form-data or a picture");
    return false;
}

// A tier in the query is part of what is asked.
static void hash_asked(const struct buf *body, const char *tier,
                       unsigned char out[SHA256_DIGEST_LENGTH])
{
    char both[SHA256_DIGEST_LENGTH + 16] = {0};
    SHA256(body->data ? body->data : (const uint8_t *)"", body->len, out);
    if (tier) {
        memcpy(both, out, SHA256_DIGEST_LENGTH);
        snprintf(both + SHA256_DIGEST_LENGTH, sizeof(both) - SHA256_DIGEST_LENGTH, "%s",
                 tier);
        SHA256((const unsigned char *)both, sizeof(both), out);
    }
}

// The same key with the same body goes on with the job it made.
static bool check_key(struct submission *s)
{
    struct exchange *x = s->x;
    const char *key = httpd_header(x->http, "Idempotency-Key");
    struct buf *body = NULL;
    char salted[KEY_BYTES + JWT_NAME + 2];
    if (!key || !*key) {
        return true;
    }
    if (strlen(key) > KEY_BYTES) {
        reply_error(x, 400, "Idempotency-Key", "it is too long (at most %d)", KEY_BYTES);
        return false;
    }
    int n = snprintf(salted, sizeof(salted), "%s %s", x->who.name, key);
    SHA256((unsigned char *)salted, (size_t)n, s->once.key);
    if (httpd_body(x->http, &body)) {
        return true;  // answered later
    }
    hash_asked(body, s->in.tier, s->once.body);
    s->in.once = &s->once;
    return true;
}

void route_submit(struct exchange *x)
{
    int64_t wait_s;
    int priority, tier;
    if (!param_int(x, "wait", 0, MAX_WAIT_S, 0, &wait_s) ||
        !param_choice(x, "priority", "interactive|normal", 0, &priority) ||
        !param_choice(x, "tier", "quick|standard|deep", -1, &tier)) {
        return;
    }
    struct submission *s = mem_new(struct submission);
    s->x = x;
    s->wait_ms = wait_s * 1000;
    s->in.is_interactive = priority == 0;
    s->in.tier = tier < 0 ? NULL : httpd_param(x->http, "tier");
    s->in.traceparent = httpd_header(x->http, "traceparent");
    s->waiter.on_ended = on_waited;
    x->state = s;
    x->free_state = free_submission;
    x->on_gone = on_gone;
    if (check_key(s) && read_body(s)) {
        submit(s);
    }
}

// ---- many

struct batch {
    struct exchange *x;
    struct cJSON *json;  // owned
    int n, n_left;
    struct entry {
        struct batch *batch;
        int index;
        int err;
        int64_t id;
        bool is_new;
    } entries[MAX_BATCH];
};

static void free_batch(void *state)
{
    struct batch *b = state;
    json_free(b->json);
    free(b);
}

static void write_entries(struct json_writer *w, const struct batch *b, bool refused)
{
    for (int i = 0; i < b->n; i++) {
        const struct entry *e = &b->entries[i];
        if ((e->err != 0) != refused) {
            continue;
        }
        json_object(w, NULL);
        json_int(w, "index", e->index);
        if (refused) {
            json_str(w, "code", err_name(e->err));
            json_str(w, "message", err_words(e->err));
        } else {
            json_int(w, "id", e->id);
            json_bool(w, "is_new", e->is_new);
        }
        json_object_end(w);
    }
}

static void end_batch(struct batch *b)
{
    struct exchange *x = b->x;
    reply_begin(x);
    json_object(&x->w, NULL);
    json_array(&x->w, "accepted");
    write_entries(&x->w, b, false);
    json_array_end(&x->w);
    json_array(&x->w, "refused");
    write_entries(&x->w, b, true);
    json_array_end(&x->w);
    json_object_end(&x->w);
    reply_json(x, 200);
    exchange_drop(x);
}

static void on_entry(void *arg, int err, int64_t id, bool is_new, const char *message)
{
    struct entry *e = arg;
    (void)message;
    e->err = err;
    e->id = id;
    e->is_new = is_new;
    if (--e->batch->n_left == 0) {
        end_batch(e->batch);
    }
}

// A path, a URL, or an object as for one; its own tier, or that of all.
static int read_entry(const struct cJSON *m, const char *tier, struct vlmd_input *in)
{
    const char *text = cJSON_GetStringValue(m);
    bool is_url = text && (strncasecmp(text, "http://", 7) == 0 ||
                           strncasecmp(text, "https://", 8) == 0);
    *in = (struct vlmd_input){.is_confined = true};
    in->url = is_url ? text : json_get_str(m, "url");
    in->path = text && !is_url ? text : json_get_str(m, "path");
    in->app = json_get_str(m, "app");
    in->window = json_get_str(m, "window");
    in->screen = json_get_str(m, "screen");
    in->page_url = json_get_str(m, "page_url");
    in->tier = json_get_str(m, "tier") ? json_get_str(m, "tier") : tier;
    const char *taken = json_get_str(m, "taken_at");
    if (taken && !time_parse(taken, loop_wall_ms(), false, &in->taken_at_ms)) {
        return E_USAGE;
    }
    return !in->path == !in->url || (in->path && in->path[0] != '/') ? E_USAGE : 0;
}

void route_batch(struct exchange *x)
{
    struct cJSON *o = NULL;
    const char *tier = NULL;
    if (!body_object(x, "inputs tier", &o)) {
        return;
    }
    if (!body_text(x, o, "tier", 64, &tier) || !check_tier(x, tier)) {
        json_free(o);
        return;
    }
    const struct cJSON *inputs = json_get(o, "inputs");
    int n = cJSON_IsArray(inputs) ? cJSON_GetArraySize(inputs) : 0;
    if (n < 1 || n > MAX_BATCH) {
        reply_error(x, n ? 413 : 400, "inputs", "inputs is a list of 1 to %d", MAX_BATCH);
        json_free(o);
        return;
    }
    struct batch *b = mem_new(struct batch);
    *b = (struct batch){.x = x, .json = o, .n = n, .n_left = n + 1};
    x->state = b;
    x->free_state = free_batch;
    exchange_hold(x);
    int i = 0;
    for (const struct cJSON *m = inputs->child; m; m = m->next, i++) {
        struct vlmd_input in;
        struct entry *e = &b->entries[i];
        *e = (struct entry){.batch = b, .index = i};
        int rc = read_entry(m, tier, &in);
        rc = rc ? rc : vlmd_submit(x->admin->v, &in, on_entry, e);
        if (rc == E_OUTSIDE) {
            note_outside(x);
        }
        if (rc) {
            on_entry(e, rc, 0, false, "");
        }
    }
    if (--b->n_left == 0) {  // all were refused at once
        end_batch(b);
    }
}
