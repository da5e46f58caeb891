// judge.c -- each way to fail has its remedy (PROTOCOLS.md 8.2, DESIGN.md 10).
//
// A failure counts against the picture only when the backend is well: otherwise an outage
// would fail whatever was under way.  Strikes bound that mercy, so that a picture that
// brings its backend down each time ends in the failure list.
// SPDX-License-Identifier: MIT
#include "spine/judge.h"

#include "spine/depth.h"
#include "spine/lesser.h"
#include "spine/pipeline.h"
#include "spine/remedy.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_INPUT_TRIES = 5,
    INPUT_BASE_MS = 500,
    FRESH_MS = 60000,  // a file this old is not being written any more
    MAX_STRIKES = 10,
    CRASH_MS = 30000,  // a server that crashed twice starts its model again meanwhile
};

int judge_fetch(int err, int status, char *words, size_t size)
{
    if (err) {
        if (!words[0]) {
            snprintf(words, size, "%s", err_words(err));
        }
        return err;
    }
    if (status >= 200 && status < 300) {
        return 0;
    }
    snprintf(words, size, "the server answered %d", status);
    if (status == 404 || status == 410) {
        return E_NOT_FOUND;
    }
    if (status == 401 || status == 403) {
        return E_ACCESS;
    }
    return status == 429 || status >= 500 ? E_SERVER : E_BAD_REQUEST;
}

static bool is_fresh(const struct job *j)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    return o->wall_ms(o->ctx) - j->row.mtime_ns / 1000000 < FRESH_MS;
}

int64_t judge_input(struct job *j, int code)
{
    bool is_transient = code == E_NOMEM || code == E_IO || code == E_FULL ||
                        code == E_NET || code == E_NET_CUT || code == E_FIRST_BYTE ||
                        code == E_STALL || code == E_TOTAL || code == E_SERVER;
    bool is_growing = code == E_CUT && !j->row.is_url && is_fresh(j);
    if ((!is_transient && !is_growing) || j->input_tries >= MAX_INPUT_TRIES) {
        return -1;
    }
    return (int64_t)INPUT_BASE_MS << j->input_tries++;
}

static struct verdict judge_sick(struct job *j, int err)
{
    if (++j->strikes > MAX_STRIKES) {
        return (struct verdict){.what = VERDICT_FAIL, .code = err};
    }
    bool is_smaller = err == E_MODEL_CRASH && remedy_take_crash(j) == REMEDY_PREPARE;
    return (struct verdict){.what = is_smaller ? VERDICT_AGAIN : VERDICT_WAIT,
                            .code = err};
}

static int64_t crash_ms(const struct retry_config *c)
{
    return c->cap_ms < CRASH_MS ? c->cap_ms : CRASH_MS;
}

static struct verdict judge_retry(struct job *j, int err, const struct retry_config *c,
                                  uint32_t random)
{
    struct verdict v = {.what = VERDICT_BACK_OFF, .code = err};
    j->tries++;
    if (!retry_may_again(c, j->tries)) {
        v.what = VERDICT_FAIL;
        return v;
    }
    switch (remedy_take(j, err)) {
    case REMEDY_NONE: v.what = VERDICT_FAIL; break;
    case REMEDY_PREPARE:
        v.what = VERDICT_AGAIN;
        v.delay_ms = err == E_MODEL_CRASH ? crash_ms(c) : 0;
        break;
    case REMEDY_ASK:
        v.delay_ms = retry_delay_ms(c, j->tries, j->ask.retry_after_ms, random);
        break;
    }
    return v;
}

// Another backend may be faster; the same one, once more, is as late.
static struct verdict judge_late(struct job *j)
{
    bool was_late = j->is_late;
    j->is_late = true;
    return (struct verdict){.what = was_late ? VERDICT_FAIL : VERDICT_WAIT,
                            .code = E_DEADLINE};
}

struct verdict judge_answer(struct job *j, int err, const struct retry_config *c,
                            uint32_t random)
{
    if (err == E_BAD_IMAGE) {  // of these bytes nothing better comes, of others it may
        return judge_retry(j, err, c, random);
    }
    if (err == E_DEADLINE) {
        return judge_late(j);
    }
    switch (err_class(err)) {
    case ERR_REROUTE: return (struct verdict){.what = VERDICT_WAIT, .code = err};
    case ERR_RETRY:
        return j->ask.is_backend_sick ? judge_sick(j, err)
                                      : judge_retry(j, err, c, random);
    case ERR_GIVE_UP:
    case ERR_BUG: break;
    }
    return (struct verdict){.what = VERDICT_FAIL, .code = err};
}

// ---- near-duplicates

static bool is_watched(const struct job *j)
{
    return j->pipeline->config.duplicates != IMAGE_NEAR_OFF && !j->row.is_url &&
           (j->row.priority == STORE_LIVE || j->row.priority == STORE_BACKFILL);
}

bool judge_is_compared(const struct job *j)
{
    return is_watched(j) && !j->row.is_redo;
}

static struct image_look look_of(const struct job *j)
{
    return (struct image_look){j->image.thumb, j->image.width, j->image.height};
}

bool judge_near_described(struct job *j, const struct store_frame *frames, int n)
{
    const struct image_look mine = look_of(j);
    for (int i = 0; i < n; i++) {
        const struct image_look other = {frames[i].thumb, frames[i].width,
                                         frames[i].height};
        j->change = image_compare(&mine, &other, j->pipeline->config.duplicates);
        if (j->change.is_duplicate) {
            j->duplicate_of = frames[i].job;
            j->is_near_duplicate = true;
            return true;
        }
    }
    return false;
}

static bool is_same_source(const struct job *a, const struct job *b)
{
    const char *x = a->row.root ? a->row.root : "", *y = b->row.root ? b->row.root : "";
    return strcmp(x, y) == 0 && strcmp(a->meta.screen, b->meta.screen) == 0 &&
           strcmp(a->meta.app, b->meta.app) == 0;
}

bool judge_near_under_way(const struct job *j, const struct job_lists *jobs)
{
    if (!judge_is_compared(j)) {
        return false;
    }
    static const enum job_state states[] = {JOB_RECOGNISING, JOB_SCREENING, JOB_WAITING,
                                            JOB_ASKING,      JOB_BACKOFF,   JOB_SAVING};
    const struct image_look mine = look_of(j);
    for (size_t s = 0; s < sizeof(states) / sizeof(states[0]); s++) {
        const struct list *head = &jobs->head[states[s]];
        for (const struct list *node = head->next; node != head; node = node->next) {
            const struct job *o = container_of(node, struct job, node);
            const struct image_look other = look_of(o);
            bool is_ahead = o->compared && o->has_image && is_watched(o) &&
                            (o->state != JOB_SAVING || o->outcome == STORE_ANSWERED);
            if (o != j && is_ahead && is_same_source(j, o) && depth_is_enough(j, o) &&
                image_compare(&mine, &other, j->pipeline->config.duplicates)
                    .is_duplicate) {
                return true;
            }
        }
    }
    return false;
}

// ---- what goes into the database

// The last STORE_MAX_ATTEMPTS of this lease; the store keeps those of earlier ones.
void judge_note_attempt(struct job *j, int err, int64_t wall_ms)
{
    if (j->n_attempts == STORE_MAX_ATTEMPTS) {
        memmove(&j->attempt_text[0], &j->attempt_text[1],
                sizeof(j->attempt_text[0]) * (STORE_MAX_ATTEMPTS - 1));
        memmove(&j->attempts[0], &j->attempts[1],
                sizeof(j->attempts[0]) * (STORE_MAX_ATTEMPTS - 1));
        j->n_attempts--;
    }
    int i = j->n_attempts++;
    struct job_attempt_text *t = &j->attempt_text[i];
    snprintf(t->backend, sizeof(t->backend), "%s", j->ask.backend);
    snprintf(t->model, sizeof(t->model), "%s", j->ask.model);
    snprintf(t->words, sizeof(t->words), "%.255s", err ? j->ask.err.msg : "");
    t->remedy[0] = 0;
    j->attempts[i] = (struct store_attempt){
        .at_ms = wall_ms,
        .code = err,
        .request_ms = j->ask.request_ms,
    };
    for (int k = 0; k < j->n_attempts; k++) {
        j->attempts[k].backend = j->attempt_text[k].backend;
        j->attempts[k].model = j->attempt_text[k].model;
        j->attempts[k].words = j->attempt_text[k].words;
        j->attempts[k].remedy = j->attempt_text[k].remedy;
    }
}

void judge_note_error(struct job *j, int code, const char *backend, const char *words)
{
    const struct pipeline_events *e = &j->pipeline->events;
    char clean[sizeof(j->ask.err.msg)];  // whole: half of a secret is none that is known
    if (!e->on_error) {
        return;
    }
    snprintf(clean, sizeof(clean), "%s", words);
    gate_clean_message(&j->gate, clean, sizeof(clean));
    const struct err_note note = {
        .code = code,
        .job = j->row.id,
        .cid = j->row.cid,
        .stage = job_state_name(j->state),
        .backend = backend,
        .words = clean,
    };
    e->on_error(e->arg, &note);
}

static int64_t span_ms(const struct job *j, enum job_state from, enum job_state to)
{
    int64_t a = j->entered_ms[from], b = j->entered_ms[to];
    return a && b >= a ? b - a : 0;
}

static int64_t prepare_ms(const struct job *j)
{
    enum job_state after = j->entered_ms[JOB_COMPARING] ? JOB_COMPARING : JOB_SAVING;
    return span_ms(j, j->row.is_url ? JOB_FETCHING : JOB_INSPECTING, after);
}

static void fill_result(struct job *j)
{
    const struct ask *a = &j->ask;
    const struct answer *n = &a->answer;
    j->result = (struct store_result){
        .backend = a->backend,
        .model = a->model,
        .prompt = a->prompt,
        .params = a->params,
        .is_degraded = a->is_degraded,
        .tier = lesser_tier(j),
        .summary = n->summary ? n->summary : "",
        .activity = n->activity ? n->activity : "",
        .app = n->app ? n->app : "",
        .details = n->details ? n->details : "",
        .tags = n->tags ? n->tags : "[]",
        .text = n->text ? n->text : "",
        .raw = n->raw ? n->raw : "",
        .finish_reason = a->finish_reason,
        .prompt_tokens = a->prompt_tokens,
        .completion_tokens = a->completion_tokens,
    };
}

static void fill_image(struct job *j, struct store_save *s)
{
    const struct image_req *m = &j->image;
    const uint8_t *thumb = j->plain_thumb ? j->plain_thumb : m->thumb;
    s->has_image = true;
    memcpy(s->content, m->content, sizeof(s->content));
    memcpy(s->thumb, thumb, sizeof(s->thumb));
    s->is_frame = is_watched(j);
    s->look = s->is_frame ? image_hash_look(thumb) : 0;
    s->size_bytes = j->row.is_url ? j->row.size_bytes : m->file_bytes;
    s->mtime_ns = j->row.is_url ? j->row.mtime_ns : m->mtime_ns;
    s->width = m->width;
    s->height = m->height;
    if (j->was_sent) {
        memcpy(s->sent_hash, m->sent_hash, sizeof(s->sent_hash));
        s->sent_width = m->sent_width;
        s->sent_height = m->sent_height;
        s->sent_bytes = (int64_t)m->jpeg.len;
    }
}

void judge_fill_save(struct job *j)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    int64_t claimed_ago = o->now_ms(o->ctx) - j->entered_ms[JOB_CLAIMED];
    int64_t queued_ms = o->wall_ms(o->ctx) - claimed_ago - j->row.queued_at_ms;
    struct store_save *s = &j->save;
    memset(s, 0, sizeof(*s));
    s->id = j->row.id;
    s->claims = j->row.claims;
    s->outcome = j->outcome;
    s->code = j->code;
    s->reason = j->reason;
    s->meta = (struct store_meta){
        .app = j->meta.app,
        .window = j->meta.window,
        .screen = j->meta.screen,
        .url = j->meta.url,
        .taken_at_ms = j->meta.taken_at_ms,
    };
    if (j->has_image) {
        fill_image(j, s);
    }
    s->duplicate_of = j->duplicate_of;
    s->is_near = j->is_near_duplicate;
    s->near_blocks = j->change.blocks;
    s->near_diff = j->change.max_diff;
    s->cached_result = j->cached_result;
    if (j->has_answer) {
        fill_result(j);
        s->result = &j->result;
    }
    enum fallback_step used = lesser_used(j);
    s->tier = tier_name(j->tier_asked);
    s->fallback = fallback_name(used);
    s->fallback_code = used ? lesser_reason(j) : 0;
    s->ocr_text = j->ocr_text.len ? buf_str(&j->ocr_text) : NULL;
    s->queued_ms = queued_ms > 0 ? queued_ms : 0;
    s->prepare_ms = prepare_ms(j);
    s->request_ms = j->has_answer ? j->ask.request_ms : 0;
    s->first_byte_ms = j->has_answer ? j->ask.first_byte_ms : 0;
    s->attempts = j->attempts;
    s->n_attempts = j->n_attempts;
}
