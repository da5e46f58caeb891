// learn.c -- what is learned about a picture before a model is asked.
//
// One function starts the call of each state, the callback after it decides what comes next:
// the bytes, the metadata inside, the small picture, what is like it, its text.
// SPDX-License-Identifier: MIT
#include "spine/learn.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "spine/depth.h"
#include "spine/judge.h"
#include "spine/lesser.h"
#include "spine/screening.h"
#include "spine/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FETCH_TOTAL_MS = 60000,
    FETCH_STALL_MS = 15000,
    FETCH_CONNECT_MS = 10000,
    SHORT_BYTES = 512,       // of title, address and path
    PARKED_MS = 1000,        // an equal picture is being asked: look again
    NEAR_PARKED_MS = 10000,  // one of this process that is alike: its end wakes
};

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
void learn_begin(struct job *j)
{
    char why[GATE_WORDS];
    copy_known_meta(j);
    gate_init(&j->gate, &j->pipeline->config.gate, j->row.path, &j->meta,
              j->row.is_url ? 0 : j->row.mtime_ns / 1000000);
    j->gate.has_lost_meta = j->row.is_meta_erased;
    if (gate_is_denied(&j->gate, step_wall_ms(j), why, sizeof(why))) {
        step_end(j, STORE_BLOCKED, E_BLOCKED, why);
    } else {
        step_go(j, j->row.is_url ? JOB_FETCHING : JOB_INSPECTING);
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
    if (step_leaves(j)) {
        return;
    }
    int code = judge_fetch(err, status, words, sizeof(words));
    int64_t delay = judge_input(j, code);
    if (code == 0) {
        step_go(j, JOB_INSPECTING);
    } else if (delay >= 0) {
        step_back_off(j, JOB_FETCHING, delay);
    } else {
        step_end(j, STORE_FAILED, code, words);
    }
}

void learn_fetch(struct job *j)
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
        step_end(j, STORE_FAILED, rc, err_words(rc));
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
        step_back_off(j, j->row.is_url ? JOB_FETCHING : JOB_INSPECTING, delay);
    } else if (code == E_NOT_FOUND) {
        step_end(j, STORE_SKIPPED, code, "the file was deleted before it was read");
    } else {
        step_end(j, STORE_FAILED, code, words && words[0] ? words : err_words(code));
    }
}

// What rules can be asked about in a moment, whatever stands in it.
static bool is_short(const struct job *j)
{
    return strlen(j->meta.window) + strlen(j->meta.url) + strlen(j->row.path) <=
           SHORT_BYTES;
}

// The text beside the picture is looked at, not kept.
static void take_outside(struct job *j, char *text, bool is_cut)
{
    if (is_cut) {
        log_warn("pipeline",
                 "job=%lld cid=%s more text stands beside the picture than is looked at",
                 (long long)j->row.id, j->row.cid);
    }
    if (text || !is_short(j)) {
        screen_outside(j, text, is_cut);
        return;
    }
    const int64_t began_us = clock_us();
    gate_learn_beside(&j->gate, NULL, is_cut);
    gate_learn_meta(&j->gate);
    j->privacy_us += clock_us() - began_us;
    step_go(j, JOB_PREPARING);
}

static void on_inspected(struct meta_req *r, int err)
{
    struct job *j = container_of(r, struct job, req.meta);
    struct ingest_meta found = r->meta;
    struct file_version version = r->version;
    char *beside = r->beside;
    const bool is_cut = r->is_beside_cut;
    char why[GATE_WORDS];
    r->beside = NULL;
    if (step_leaves(j)) {
        free(beside);
        return;
    }
    if (err) {
        free(beside);
        end_input(j, err, "");
        return;
    }
    j->version = version;
    merge_meta(&j->meta, &found);
    if (found.is_thumbnail) {
        free(beside);
        step_end(j, STORE_SKIPPED, 0, "a tracker's thumbnail, not a screenshot");
    } else if (gate_is_excluded(&j->gate, step_wall_ms(j), why, sizeof(why))) {
        free(beside);
        step_end(j, STORE_BLOCKED, E_BLOCKED, why);
    } else {
        take_outside(j, beside, is_cut);
    }
}

void learn_inspect(struct job *j)
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

// What is known of the picture is known of these bytes only.
static bool is_another(const struct job *j)
{
    return j->has_content &&
           memcmp(j->content, j->image.content, sizeof(j->content)) != 0;
}

// Is its text wanted, and was it not tried to read it?
static bool must_read(const struct job *j)
{
    const struct gate *g = &j->gate;
    bool is_wanted =
        j->pipeline->config.reads_text_always || gate_needs_text(g) || g->wants_text;
    return is_wanted && j->image.luma && !g->is_text_known && !g->is_text_lacking;
}

static void take_prepared(struct job *j)
{
    struct image_req *r = &j->image;
    if (is_another(j)) {
        gate_forget_text(&j->gate);
        j->compared = j->has_content = false;
        end_input(j, E_CUT, "the picture changed while it was looked at");
        return;
    }
    j->has_image = true;
    j->has_content = true;
    memcpy(j->content, r->content, sizeof(j->content));
    gate_note_prepared(&j->gate, r->n_masks);
    if (r->want_luma && !r->luma) {
        gate_lack_text(&j->gate);
    }
    if (j->fallback >= FALLBACK_OCR) {
        lesser_prepared(j);
        return;
    }
    step_go(j, !j->compared   ? JOB_COMPARING
               : must_read(j) ? JOB_RECOGNISING
                              : JOB_WAITING);
}

static void on_prepared(struct image_req *r, int err)
{
    struct job *j = container_of(r, struct job, image);
    if (step_leaves(j)) {
        return;
    }
    if (err) {
        end_input(j, err, r->err.msg);
        return;
    }
    if (j->pipeline->config.payloads) {
        payload_keep(j->pipeline->config.payloads, &j->version, r, step_wall_ms(j));
    }
    take_prepared(j);
}

// Of the model that will most likely be asked; 0 = not known.
static int patch_px(struct job *j)
{
    const struct pipeline *p = j->pipeline;
    struct ask_expected e;
    if (p->config.patch_px || !j->target_tokens) {
        return p->config.patch_px;
    }
    return depth_expect(j, &e) ? backend_patch_px(e.model) : 0;
}

// The size of a tier in whole patches, unless the user said a size.
static void fit_grid(const struct job *j, struct image_req *r)
{
    const struct pipeline *p = j->pipeline;
    struct backend_grid g;
    bool is_open = p->config.fits_grid && !r->target_patches && !r->patch_px;
    if (is_open && p->organs.grid && p->organs.grid(p->organs.ctx, j->target_px, &g)) {
        r->target_patches = g.tokens;
        r->patch_px = g.patch_px;
        r->keeps_small = true;
    }
}

void learn_prepare(struct job *j)
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
    fit_grid(j, r);
    r->want_luma =
        j->wants_luma || p->organs.uses_stand_in(p->organs.ctx) ||
        ((p->config.reads_text_always || gate_needs_text(&j->gate)) && !j->compared);
    r->as_png = j->as_png;
    r->masks = j->gate.masks;
    r->n_masks = j->gate.n_masks;
    if (p->config.payloads && payload_find(p->config.payloads, &j->version, r)) {
        take_prepared(j);
    } else {
        p->organs.prepare(p->organs.ctx, r, on_prepared);
    }
}

// ---- COMPARING

static void on_compared(struct store_similar *r, int err)
{
    struct job *j = container_of(r, struct job, req.similar);
    struct store_similar found = *r;
    struct pipeline_totals *t = &j->pipeline->totals;
    t->result_hits += !err && (found.duplicate_of || found.result);
    t->result_misses +=
        !err && !found.duplicate_of && !found.result && !found.in_progress;
    bool is_near = judge_near_described(j, found.frames, found.n_frames);
    free(found.frames);
    if (step_leaves(j)) {
        return;
    }
    if (err) {
        log_warn("pipeline", "job=%lld cid=%s compare class=%s %s", (long long)j->row.id,
                 j->row.cid, err_name(err), found.err.msg);
    } else if (found.duplicate_of) {
        j->duplicate_of = found.duplicate_of;
        step_end(j, STORE_DUPLICATE, 0, "the same picture was described already");
        return;
    } else if (found.result) {
        j->cached_result = found.result;
        step_end(j, STORE_CACHED, 0, "");
        return;
    } else if (found.in_progress) {
        step_back_off(j, JOB_COMPARING, PARKED_MS);
        return;
    } else if (is_near) {
        step_end(j, STORE_DUPLICATE, 0, "nearly the same picture was described already");
        return;
    } else if (judge_near_under_way(j, &j->pipeline->jobs)) {
        step_back_off(j, JOB_COMPARING, NEAR_PARKED_MS);
        return;
    }
    j->compared = true;
    step_go(j, must_read(j) ? JOB_RECOGNISING : JOB_WAITING);
}

void learn_compare(struct job *j)
{
    struct pipeline *p = j->pipeline;
    if (j->row.is_redo) {
        j->compared = true;
        step_go(j, must_read(j) ? JOB_RECOGNISING : JOB_WAITING);
        return;
    }
    struct store_similar *r = &j->req.similar;
    memset(r, 0, sizeof(*r));
    r->id = j->row.id;
    memcpy(r->content, j->image.content, sizeof(r->content));
    bool is_known = depth_expect(j, &j->expected);
    r->model = is_known ? j->expected.model : "";
    r->prompt = is_known ? j->expected.prompt : "";
    r->params = is_known ? j->expected.params : "";
    r->tier = depth_of_inherited(j);
    r->since_ms = p->config.result_ttl_ms ? step_wall_ms(j) - p->config.result_ttl_ms : 0;
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

void learn_read(struct job *j, int err)
{
    if (!j->pipeline->organs.uses_stand_in(j->pipeline->organs.ctx)) {
        drop_luma(j);
    }
    if (j->fallback >= FALLBACK_OCR) {
        lesser_read(j, err);
    } else {
        step_go(j, gate_must_mask(&j->gate) ? JOB_PREPARING : JOB_WAITING);
    }
}

// Without its text the picture is still worth describing, where the gate agrees.
static void on_recognised(struct ocr_req *r, int err)
{
    struct job *j = container_of(r, struct job, req.ocr);
    if (err && err != E_CANCELED) {
        gate_lack_text(&j->gate);
        log_warn("pipeline", "job=%lld cid=%s ocr class=%s %s", (long long)j->row.id,
                 j->row.cid, err_name(err), r->err.msg);
    }
    if (err || j->is_stopping || j->has_lost_lease) {
        ocr_req_fini(r);
    }
    if (step_leaves(j)) {
        return;
    }
    if (err) {
        learn_read(j, err);
    } else {
        screen_page(j, r);
    }
}

// Text that was read of the same bytes serves again; of a masked picture it would not be
// the same.
const uint8_t *learn_luma_key(const struct job *j)
{
    _Static_assert((int)OCR_KEY_BYTES == (int)IMAGE_HASH_BYTES,
                   "the content's hash is the key");
    return j->image.n_masks ? NULL : j->content;
}

void learn_recognise(struct job *j)
{
    struct pipeline *p = j->pipeline;
    struct ocr_req *r = &j->req.ocr;
    memset(r, 0, sizeof(*r));
    r->luma = j->image.luma;
    r->width = j->image.width;
    r->height = j->image.height;
    r->key = learn_luma_key(j);
    p->organs.recognise(p->organs.ctx, r, on_recognised);
}
