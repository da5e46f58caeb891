// pipeline.c -- drives one job through the organs.
//
// step() runs a job until it waits for something.  It is called only right after job_move,
// or for a WAITING job when a backend may have room; each case names the callback that
// resumes it.  At most one asynchronous call is under way per job.
//
// The privacy gate (gate.c) is asked here and nowhere else: before the picture is opened, when
// its metadata is known, and before any byte goes to a backend.
// SPDX-License-Identifier: MIT
#include "pipeline.h"

#include "base/log.h"
#include "gate.h"
#include "judge.h"
#include "keep.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FETCH_TOTAL_MS = 60000,
    FETCH_STALL_MS = 15000,
    FETCH_CONNECT_MS = 10000,
    PARKED_MS = 1000,        // an equal picture is being asked: look again
    NEAR_PARKED_MS = 10000,  // one of this process that is alike: its end wakes
};

static void step(struct job *j);

static struct job *job_of_image(struct image_req *r)
{
    return container_of(r, struct job, image);
}

static int64_t now_of(const struct job *j)
{
    return j->pipeline->organs.now_ms(j->pipeline->organs.ctx);
}

static void move(struct job *j, enum job_state to)
{
    job_move(&j->pipeline->jobs, j, to, now_of(j));
}

// Stop, or the lease is gone: every callback but those of a finished answer asks first.
static bool leaves(struct job *j)
{
    if (!j->is_stopping && !j->has_lost_lease) {
        return false;
    }
    move(j, JOB_RELEASING);
    step(j);
    return true;
}

static void go(struct job *j, enum job_state to)
{
    move(j, to);
    step(j);
}

static void end(struct job *j, enum store_outcome outcome, int code, const char *reason)
{
    j->outcome = outcome;
    j->code = code;
    snprintf(j->reason, sizeof(j->reason), "%s", reason);
    go(j, JOB_SAVING);
}

static void back_off(struct job *j, enum job_state resume, int64_t delay_ms)
{
    j->resume = resume;
    j->wake_ms = now_of(j) + delay_ms;
    go(j, JOB_BACKOFF);
}

// ---- CLAIMED

static void copy_known_meta(struct job *j)
{
    const struct store_meta *m = &j->row.meta;
    snprintf(j->meta.app, sizeof(j->meta.app), "%s", m->app ? m->app : "");
    snprintf(j->meta.window, sizeof(j->meta.window), "%s", m->window ? m->window : "");
    snprintf(j->meta.screen, sizeof(j->meta.screen), "%s", m->screen ? m->screen : "");
    snprintf(j->meta.url, sizeof(j->meta.url), "%s", m->url ? m->url : "");
    j->meta.taken_at_ms = m->taken_at_ms;
}

// What the path or an offered app name already forbids is not even opened.
static void begin(struct job *j)
{
    char why[300];
    copy_known_meta(j);
    if (gate_is_denied(j, why, sizeof(why))) {
        end(j, STORE_BLOCKED, E_BLOCKED, why);
    } else {
        go(j, j->row.is_url ? JOB_FETCHING : JOB_INSPECTING);
    }
}

// ---- FETCHING

static void on_fetched(struct http_req *r, int err)
{
    struct job *j = container_of(r, struct job, req.http);
    int status = r->status;
    char words[300];
    snprintf(words, sizeof(words), "%s", r->error);
    buf_take(&j->fetched, &r->response);
    if (leaves(j)) {
        return;
    }
    int code = judge_fetch(err, status, words, sizeof(words));
    int64_t delay = judge_input(j, code);
    if (code == 0) {
        go(j, JOB_INSPECTING);
    } else if (delay >= 0) {
        back_off(j, JOB_FETCHING, delay);
    } else {
        end(j, STORE_FAILED, code, words);
    }
}

static void start_fetch(struct job *j)
{
    struct pipeline *p = j->pipeline;
    struct http_req *r = &j->req.http;
    memset(r, 0, sizeof(*r));
    r->method = "GET";
    r->url = j->row.path;
    r->timeouts = (struct http_timeouts){
        .connect_ms = FETCH_CONNECT_MS,
        .first_byte_ms = FETCH_TOTAL_MS,
        .stall_ms = FETCH_STALL_MS,
        .total_ms = FETCH_TOTAL_MS,
    };
    r->max_response_bytes = (size_t)p->config.max_file_bytes;
    int rc = p->organs.fetch(p->organs.ctx, r, on_fetched);
    if (rc) {
        end(j, STORE_FAILED, rc, err_words(rc));
    }
}

// ---- INSPECTING

// What the file says wins over what a list said, where it says something.
static void merge_meta(struct ingest_meta *known, const struct ingest_meta *found)
{
    if (found->app[0]) {
        memcpy(known->app, found->app, sizeof(known->app));
    }
    if (found->window[0]) {
        memcpy(known->window, found->window, sizeof(known->window));
    }
    if (found->screen[0]) {
        memcpy(known->screen, found->screen, sizeof(known->screen));
    }
    if (found->url[0]) {
        memcpy(known->url, found->url, sizeof(known->url));
    }
    if (found->taken_at_ms) {
        known->taken_at_ms = found->taken_at_ms;
    }
}

// The path of a job as the organs want it: below its root where it has one.
static const char *path_below_root(const struct job *j)
{
    const char *root = j->row.root;
    size_t n = root ? strlen(root) : 0;
    while (n > 0 && root[n - 1] == '/') {
        n--;
    }
    bool is_below = n > 0 && strncmp(j->row.path, root, n) == 0 && j->row.path[n] == '/';
    return is_below ? j->row.path + n + 1 : j->row.path;
}

static void end_input(struct job *j, int code, const char *words)
{
    int64_t delay = judge_input(j, code);
    if (delay >= 0) {
        back_off(j, j->row.is_url ? JOB_FETCHING : JOB_INSPECTING, delay);
    } else if (code == E_NOT_FOUND) {
        end(j, STORE_SKIPPED, code, "the file was deleted before it was read");
    } else {
        end(j, STORE_FAILED, code, words && words[0] ? words : err_words(code));
    }
}

static void on_inspected(struct meta_req *r, int err)
{
    struct job *j = container_of(r, struct job, req.meta);
    struct ingest_meta found = r->meta;
    char why[300];
    if (leaves(j)) {
        return;
    }
    if (err) {
        end_input(j, err, "");
        return;
    }
    merge_meta(&j->meta, &found);
    if (found.is_thumbnail) {
        end(j, STORE_SKIPPED, 0, "a tracker's thumbnail, not a screenshot");
    } else if (gate_is_excluded(j, why, sizeof(why))) {
        end(j, STORE_BLOCKED, E_BLOCKED, why);
    } else {
        go(j, JOB_PREPARING);
    }
}

static void start_inspect(struct job *j)
{
    struct pipeline *p = j->pipeline;
    struct meta_req *r = &j->req.meta;
    memset(r, 0, sizeof(*r));
    if (j->row.is_url) {
        r->bytes = j->fetched.data;
        r->bytes_len = j->fetched.len;
    }
    r->root = j->row.root;
    r->path = path_below_root(j);
    p->organs.inspect(p->organs.ctx, r, on_inspected);
}

// ---- PREPARING

static void on_prepared(struct image_req *r, int err)
{
    struct job *j = job_of_image(r);
    if (leaves(j)) {
        return;
    }
    if (err) {
        end_input(j, err, r->err.msg);
        return;
    }
    j->has_image = true;
    go(j, j->compared ? JOB_WAITING : JOB_COMPARING);
}

// Of the model that will most likely be asked; 0 = not known.
static int patch_px(const struct job *j)
{
    const struct pipeline *p = j->pipeline;
    char model[192] = "", prompt[48], params[128];
    if (p->config.patch_px || !j->target_tokens) {
        return p->config.patch_px;
    }
    bool is_known =
        p->organs.expect(p->organs.ctx, j->meta.app, j->meta.window, model, sizeof(model),
                         prompt, sizeof(prompt), params, sizeof(params));
    return is_known ? backend_patch_px(model) : 0;
}

static void start_prepare(struct job *j)
{
    struct pipeline *p = j->pipeline;
    struct image_req *r = &j->image;
    j->has_image = false;
    image_req_fini(r);
    memset(r, 0, sizeof(*r));
    if (j->row.is_url) {
        r->bytes = j->fetched.data;
        r->bytes_len = j->fetched.len;
    }
    r->root = j->row.root;
    r->path = path_below_root(j);
    r->target_px = j->target_px;
    r->target_patches = j->target_tokens;
    r->patch_px = patch_px(j);
    r->want_luma = j->wants_luma || p->organs.uses_stand_in(p->organs.ctx) ||
                   (p->config.reads_text_always && !j->compared);
    p->organs.prepare(p->organs.ctx, r, on_prepared);
}

// ---- COMPARING

static void on_compared(struct store_similar *r, int err)
{
    struct job *j = container_of(r, struct job, req.similar);
    struct store_similar found = *r;
    bool reads = j->pipeline->config.reads_text_always;
    bool is_near = judge_near_described(j, found.frames, found.n_frames);
    free(found.frames);
    if (leaves(j)) {
        return;
    }
    if (err) {
        log_warn("pipeline", "job=%lld compare class=%s %s", (long long)j->row.id,
                 err_name(err), found.err.msg);
    } else if (found.duplicate_of) {
        j->duplicate_of = found.duplicate_of;
        end(j, STORE_DUPLICATE, 0, "the same picture was described already");
        return;
    } else if (found.result) {
        j->cached_result = found.result;
        end(j, STORE_CACHED, 0, "");
        return;
    } else if (found.in_progress) {
        back_off(j, JOB_COMPARING, PARKED_MS);
        return;
    } else if (is_near) {
        end(j, STORE_DUPLICATE, 0, "nearly the same picture was described already");
        return;
    } else if (judge_near_under_way(j, &j->pipeline->jobs)) {
        back_off(j, JOB_COMPARING, NEAR_PARKED_MS);
        return;
    }
    j->compared = true;
    go(j, reads ? JOB_RECOGNISING : JOB_WAITING);
}

static void start_compare(struct job *j)
{
    struct pipeline *p = j->pipeline;
    if (j->row.is_redo) {
        j->compared = true;
        go(j, p->config.reads_text_always ? JOB_RECOGNISING : JOB_WAITING);
        return;
    }
    struct store_similar *r = &j->req.similar;
    memset(r, 0, sizeof(*r));
    r->id = j->row.id;
    memcpy(r->content, j->image.content, sizeof(r->content));
    bool is_known = p->organs.expect(
        p->organs.ctx, j->meta.app, j->meta.window, j->ask.model, sizeof(j->ask.model),
        j->ask.prompt, sizeof(j->ask.prompt), j->ask.params, sizeof(j->ask.params));
    r->model = is_known ? j->ask.model : "";
    r->prompt = is_known ? j->ask.prompt : "";
    r->params = is_known ? j->ask.params : "";
    r->wants_frames = judge_is_compared(j);
    r->look = image_hash_look(j->image.thumb);
    r->screen = j->meta.screen;
    r->app = j->meta.app;
    r->taken_at_ms = j->meta.taken_at_ms;
    p->organs.compare(p->organs.ctx, r, on_compared);
}

// ---- RECOGNISING

static void drop_luma(struct job *j)
{
    free(j->image.luma);
    j->image.luma = NULL;
}

// Without its text the picture is still worth describing.
static void on_recognised(struct ocr_req *r, int err)
{
    struct job *j = container_of(r, struct job, req.ocr);
    if (err == 0) {
        buf_take(&j->ocr_text, &r->text);
    } else if (err != E_CANCELED) {
        log_warn("pipeline", "job=%lld ocr class=%s %s", (long long)j->row.id,
                 err_name(err), r->err.msg);
    }
    ocr_req_fini(r);
    if (!j->pipeline->organs.uses_stand_in(j->pipeline->organs.ctx)) {
        drop_luma(j);
    }
    if (!leaves(j)) {
        go(j, JOB_WAITING);
    }
}

static void start_recognise(struct job *j)
{
    struct pipeline *p = j->pipeline;
    if (!j->image.luma) {
        go(j, JOB_WAITING);
        return;
    }
    struct ocr_req *r = &j->req.ocr;
    memset(r, 0, sizeof(*r));
    r->luma = j->image.luma;
    r->width = j->image.width;
    r->height = j->image.height;
    p->organs.recognise(p->organs.ctx, r, on_recognised);
}

// ---- WAITING, ASKING

static void count_request(struct job *j)
{
    struct pipeline_totals *t = &j->pipeline->totals;
    const struct ask *a = &j->ask;
    t->requests++;
    t->bytes_sent += a->bytes_sent;
    t->prompt_tokens += a->prompt_tokens > 0 ? a->prompt_tokens : 0;
    t->completion_tokens += a->completion_tokens > 0 ? a->completion_tokens : 0;
}

static void follow(struct job *j, const struct verdict *v)
{
    switch (v->what) {
    case VERDICT_FAIL: end(j, STORE_FAILED, v->code, j->ask.err.msg); return;
    case VERDICT_WAIT: go(j, JOB_WAITING); return;
    case VERDICT_BACK_OFF: back_off(j, JOB_WAITING, v->delay_ms); return;
    case VERDICT_SMALLER: go(j, JOB_PREPARING); return;
    }
}

// A model appeared while OCR was reading.  The descriptions that are to be replaced are
// being counted now, and this one would come too late.
static bool is_outdated(const struct job *j)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    return j->ask.is_degraded && !j->is_stopping && !o->uses_stand_in(o->ctx);
}

static void on_asked(struct ask *a, int err)
{
    struct job *j = container_of(a, struct job, ask);
    j->was_sent |= a->bytes_sent > 0;
    if (err != E_CANCELED) {
        count_request(j);
        judge_note_attempt(j, err, j->pipeline->organs.wall_ms(j->pipeline->organs.ctx));
    }
    if (err == 0 && is_outdated(j)) {
        go(j, JOB_WAITING);
        return;
    }
    if (err == 0) {
        j->has_answer = true;
        end(j, STORE_ANSWERED, 0, "");
        return;
    }
    if (leaves(j)) {
        return;
    }
    struct verdict v = judge_answer(j, err, &j->pipeline->config.retry,
                                    j->pipeline->organs.random(j->pipeline->organs.ctx));
    log_debug("pipeline", "job=%lld cid=%s backend=%s class=%s tries=%d strikes=%d",
              (long long)j->row.id, j->row.cid, a->backend, err_name(err), j->tries,
              j->strikes);
    follow(j, &v);
}

static void fill_ask(struct job *j)
{
    struct ask *a = &j->ask;
    a->jpeg = j->image.jpeg.data;
    a->jpeg_len = j->image.jpeg.len;
    a->width = j->image.sent_width;
    a->height = j->image.sent_height;
    a->luma = j->image.luma;
    a->luma_width = j->image.width;
    a->luma_height = j->image.height;
    a->app = j->meta.app;
    a->window = j->meta.window;
    a->cid = j->row.cid;
    a->seed = (unsigned)(j->row.attempts + j->tries + j->strikes) + 1;
    a->cap_doublings = j->cap_doublings;
    a->no_schema = j->no_schema;
    a->needs_model = j->row.is_degraded;
    a->may_send = gate_may_send;
}

// Stays in WAITING while no backend has room: pipeline_pump tries again.
static void try_ask(struct job *j)
{
    struct pipeline *p = j->pipeline;
    bool needs_luma =
        !j->row.is_degraded && !j->image.luma && p->organs.uses_stand_in(p->organs.ctx);
    if (needs_luma) {
        j->wants_luma = true;
        go(j, JOB_PREPARING);
        return;
    }
    fill_ask(j);
    int rc = p->organs.ask(p->organs.ctx, &j->ask, on_asked);
    if (rc == 0) {
        move(j, JOB_ASKING);
    } else if (rc != E_BUSY) {
        end(j, STORE_BLOCKED, rc, j->ask.err.msg);
    }
}

// ---- the step function

static void step(struct job *j)
{
    switch (j->state) {
    case JOB_CLAIMED: begin(j); return;                // goes on at once
    case JOB_FETCHING: start_fetch(j); return;         // on_fetched
    case JOB_INSPECTING: start_inspect(j); return;     // on_inspected
    case JOB_PREPARING: start_prepare(j); return;      // on_prepared
    case JOB_COMPARING: start_compare(j); return;      // on_compared
    case JOB_RECOGNISING: start_recognise(j); return;  // on_recognised
    case JOB_WAITING: try_ask(j); return;              // on_asked, or pipeline_pump
    case JOB_BACKOFF: return;                          // pipeline_tick
    case JOB_SAVING: keep_save(j); return;             // keep.c
    case JOB_RELEASING: keep_release(j); return;       // keep.c
    case JOB_ASKING:
    case JOB_GONE:
    case JOB_STATES: assert(!"no step from here");
    }
}

// ---- public

void pipeline_init(struct pipeline *p, const struct pipeline_organs *o,
                   const struct pipeline_config *c, const struct pipeline_events *e)
{
    *p = (struct pipeline){.organs = *o, .config = *c, .events = *e};
    job_lists_init(&p->jobs);
}

void pipeline_add(struct pipeline *p, struct store_job *row)
{
    struct job *j = job_new(&p->jobs, row, p->organs.now_ms(p->organs.ctx));
    j->pipeline = p;
    j->target_px = p->config.target_px;
    j->target_tokens = p->config.target_tokens;
    j->is_stopping = p->is_stopping;
    if (!leaves(j)) {
        step(j);
    }
}

void pipeline_pump(struct pipeline *p)
{
    if (p->is_pumping) {
        return;
    }
    p->is_pumping = true;
    struct list *node, *tmp;
    list_each(node, tmp, &p->jobs.head[JOB_WAITING])
    {
        struct job *j = container_of(node, struct job, node);
        try_ask(j);
        // Whoever takes anything and is refused: so would be all the others.
        if (j->state == JOB_WAITING && !j->ask.needs_model) {
            break;
        }
    }
    p->is_pumping = false;
}

static void wake_due(struct pipeline *p, enum job_state state, int64_t now_ms,
                     int64_t *next_ms)
{
    struct list *node, *tmp;
    list_each(node, tmp, &p->jobs.head[state])
    {
        struct job *j = container_of(node, struct job, node);
        if (j->wake_ms > now_ms) {
            *next_ms = j->wake_ms < *next_ms ? j->wake_ms : *next_ms;
        } else if (state == JOB_SAVING) {
            keep_save_again(j);
        } else {
            go(j, j->resume);
        }
    }
}

int64_t pipeline_tick(struct pipeline *p, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    wake_due(p, JOB_BACKOFF, now_ms, &next);
    wake_due(p, JOB_SAVING, now_ms, &next);  // those that were refused
    return next;
}

static void cancel_request(struct job *j, bool with_ask)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    switch (j->state) {
    case JOB_FETCHING: o->fetch_cancel(o->ctx, &j->req.http); return;
    case JOB_INSPECTING: o->inspect_cancel(o->ctx, &j->req.meta); return;
    case JOB_PREPARING: o->prepare_cancel(o->ctx, &j->image); return;
    case JOB_COMPARING: o->compare_cancel(o->ctx, &j->req.similar); return;
    case JOB_RECOGNISING: o->recognise_cancel(o->ctx, &j->req.ocr); return;
    case JOB_ASKING:
        if (with_ask) {
            o->ask_cancel(o->ctx, &j->ask);
        }
        return;
    case JOB_WAITING:
    case JOB_BACKOFF: go(j, JOB_RELEASING); return;
    case JOB_SAVING:
        if (j->wake_ms != INT64_MAX) {
            j->wake_ms = 0;  // one more try, then it is left to the lease
        }
        return;
    case JOB_RELEASING:
    case JOB_CLAIMED:
    case JOB_GONE:
    case JOB_STATES: return;
    }
}

void pipeline_stop(struct pipeline *p, bool now)
{
    p->is_stopping = true;
    for (int s = JOB_CLAIMED; s < JOB_GONE; s++) {
        struct list *node, *tmp;
        list_each(node, tmp, &p->jobs.head[s])
        {
            struct job *j = container_of(node, struct job, node);
            j->is_stopping = true;
            cancel_request(j, now);
        }
    }
}

static void give_back(struct job *j)
{
    j->is_stopping = true;
    go(j, JOB_RELEASING);
}

void pipeline_shed(struct pipeline *p)
{
    struct list *node, *tmp;
    list_each(node, tmp, &p->jobs.head[JOB_WAITING])
    {
        give_back(container_of(node, struct job, node));
    }
}

void pipeline_shed_upgrades(struct pipeline *p)
{
    struct list *node, *tmp;
    list_each(node, tmp, &p->jobs.head[JOB_WAITING])
    {
        struct job *j = container_of(node, struct job, node);
        if (j->row.is_degraded) {
            give_back(j);
        }
    }
}

void pipeline_lose(struct pipeline *p, int64_t id)
{
    for (int s = JOB_CLAIMED; s < JOB_GONE; s++) {
        struct list *node, *tmp;
        list_each(node, tmp, &p->jobs.head[s])
        {
            struct job *j = container_of(node, struct job, node);
            if (j->row.id == id) {
                j->has_lost_lease = true;
                cancel_request(j, true);
                return;
            }
        }
    }
}

int pipeline_ids(const struct pipeline *p, int64_t *ids, int max)
{
    int n = 0;
    for (int s = JOB_CLAIMED; s < JOB_GONE; s++) {
        const struct list *head = &p->jobs.head[s];
        for (const struct list *node = head->next; node != head && n < max;
             node = node->next) {
            ids[n++] = container_of(node, struct job, node)->row.id;
        }
    }
    return n;
}
