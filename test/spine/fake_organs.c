// fake_organs.c -- records calls, ends them on demand.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "spine/fake_organs.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*any_done)(void *req, int err);

static void begin(struct fake *f, enum fake_call what, void *req, any_done done)
{
    assert_true(f->n_pending < FAKE_MAX_PENDING);
    snprintf(f->called_for[what], sizeof(f->called_for[what]), "%s",
             f->acts_for ? f->acts_for : "");
    f->pending[f->n_pending++] = (struct fake_pending){what, req, done, false};
    f->calls[what]++;
}

static void cancel(struct fake *f, void *req)
{
    f->cancels++;
    for (int i = 0; i < f->n_pending; i++) {
        if (f->pending[i].req == req) {
            f->pending[i].is_cancelled = true;
        }
    }
}

static int64_t now_ms(void *ctx)
{
    return ((struct fake *)ctx)->now_ms;
}

static int64_t wall_ms(void *ctx)
{
    return ((struct fake *)ctx)->wall_ms;
}

static uint32_t no_random(void *ctx)
{
    (void)ctx;
    return UINT32_MAX / 2;
}

static const char *act_for(void *ctx, const char *cid)
{
    struct fake *f = ctx;
    const char *before = f->acts_for;
    f->acts_for = cid;
    return before;
}

static int fetch(void *ctx, struct http_req *r, void (*done)(struct http_req *, int))
{
    struct fake *f = ctx;
    if (f->fetch_rc) {
        return f->fetch_rc;
    }
    r->status = 200;
    begin(f, FAKE_FETCH, r, (any_done)(void *)done);
    return 0;
}

static void fetch_cancel(void *ctx, struct http_req *r)
{
    cancel(ctx, r);
}

static void inspect(void *ctx, struct meta_req *r, void (*done)(struct meta_req *, int))
{
    begin(ctx, FAKE_INSPECT, r, (any_done)(void *)done);
}

static void inspect_cancel(void *ctx, struct meta_req *r)
{
    cancel(ctx, r);
}

static void prepare(void *ctx, struct image_req *r, void (*done)(struct image_req *, int))
{
    struct fake *f = ctx;
    f->last_target_px = r->target_px;
    f->last_as_png = r->as_png;
    f->last_patches = r->target_patches;
    f->last_patch_px = r->patch_px;
    f->last_keeps_small = r->keeps_small;
    f->last_n_masks = r->n_masks;
    f->last_want_luma = r->want_luma;
    begin(f, FAKE_PREPARE, r, (any_done)(void *)done);
}

static void prepare_cancel(void *ctx, struct image_req *r)
{
    cancel(ctx, r);
}

static void compare(void *ctx, struct store_similar *r,
                    void (*done)(struct store_similar *, int))
{
    begin(ctx, FAKE_COMPARE, r, (any_done)(void *)done);
}

static void compare_cancel(void *ctx, struct store_similar *r)
{
    cancel(ctx, r);
}

// One line, ten pixels a letter.
static void place_words(const char *text, int left, struct ocr_req *r)
{
    r->words = calloc(strlen(text) + 1, sizeof(*r->words));
    for (int i = 0; text[i]; i++) {
        if (text[i] != ' ' && (i == 0 || text[i - 1] == ' ')) {
            r->words[r->n_words++] = (struct ocr_word){
                .left = left + 10 * i, .top = 100, .height = 20, .offset = (uint32_t)i};
        }
        if (text[i] != ' ') {
            r->words[r->n_words - 1].len++;
            r->words[r->n_words - 1].width += 10;
        }
    }
}

static void recognise(void *ctx, struct ocr_req *r, void (*done)(struct ocr_req *, int))
{
    struct fake *f = ctx;
    buf_init(&r->text, 100000);
    if (f->page_text) {
        assert_int_equal(buf_add_str(&r->text, f->page_text), 0);
        r->page_len = r->text.len;
        place_words(f->page_text, f->page_left, r);
    }
    begin(ctx, FAKE_RECOGNISE, r, (any_done)(void *)done);
}

static void recognise_cancel(void *ctx, struct ocr_req *r)
{
    cancel(ctx, r);
}

static void work(void *ctx, struct gate_work *w, void (*done)(struct gate_work *, int))
{
    begin(ctx, FAKE_WORK, w, (any_done)(void *)done);
}

static void work_cancel(void *ctx, struct gate_work *w)
{
    cancel(ctx, w);
}

static int ask(void *ctx, struct ask *a, void (*done)(struct ask *, int))
{
    struct fake *f = ctx;
    char why[100];
    if (f->tells_room) {
        pipeline_pump(&f->p);
    }
    if (f->ask_rc) {
        err_set(&a->err, f->ask_rc, "refused in the test");
        return f->ask_rc;
    }
    if (f->has_only_stand_in && a->needs_model) {
        return E_BUSY;
    }
    f->last_cap_doublings = a->cap_doublings;
    f->last_no_schema = a->no_schema;
    f->last_no_thinking = a->no_thinking;
    f->last_seed = a->seed;
    f->last_may_send_remote = a->may_send(a, "far", true, why, sizeof(why));
    char local_why[100];
    f->last_may_send_local = a->may_send(a, "near", false, local_why, sizeof(local_why));
    snprintf(a->backend, sizeof(a->backend), "%s", f->is_remote ? "far" : "near");
    a->is_remote = f->is_remote;
    enum ask_pass pass = f->is_remote ? f->last_may_send_remote : f->last_may_send_local;
    a->wants_record = pass == ASK_AFTER_RECORD;
    if (pass == ASK_REFUSED) {
        return err_set(&a->err, E_REMOTE, "%s", f->is_remote ? why : local_why);
    }
    if (pass == ASK_AFTER_RECORD) {
        return E_BUSY;
    }
    f->last_pass = pass;
    a->is_backend_sick = false;
    a->retry_after_ms = -1;
    a->bytes_sent = 1000;
    a->request_ms = 7;
    snprintf(a->model, sizeof(a->model), "model");
    begin(f, FAKE_ASK, a, (any_done)(void *)done);
    return 0;
}

static void ask_cancel(void *ctx, struct ask *a)
{
    cancel(ctx, a);
}

static void ask_pause(void *ctx, struct ask *a, bool is_paused)
{
    (void)a;
    (void)is_paused;
    ((struct fake *)ctx)->pauses++;
}

static bool uses_stand_in(void *ctx)
{
    return ((struct fake *)ctx)->uses_stand_in;
}

static bool grid(void *ctx, int long_px, struct backend_grid *out)
{
    struct fake *f = ctx;
    *out = (struct backend_grid){f->grid_patch_px, long_px / 2};
    return f->grid_patch_px > 0;
}

static bool expect(void *ctx, const struct ask *a, struct ask_expected *out)
{
    struct fake *f = ctx;
    *out = (struct ask_expected){.params = "p"};
    snprintf(out->model, sizeof(out->model), "%s",
             f->expected_model ? f->expected_model : "model");
    snprintf(out->prompt, sizeof(out->prompt), "default/1%s%s", *a->tier ? "+" : "",
             a->tier);
    return f->expects;
}

static void record(void *ctx, struct store_audit_append *r,
                   void (*done)(struct store_audit_append *, int))
{
    struct fake *f = ctx;
    f->last_record = r->row;
    snprintf(f->last_record_to, sizeof(f->last_record_to), "%s", r->row.destination);
    begin(f, FAKE_RECORD, r, (any_done)(void *)done);
}

static void note_audit(struct fake *f, const struct store_audit_row *rows, int n)
{
    f->n_audit = 0;
    for (int i = 0; i < n && i < FAKE_MAX_AUDIT; i++) {
        snprintf(f->audit[f->n_audit++], sizeof(f->audit[0]), "%s %s %s %s %lld",
                 rows[i].stage, rows[i].verdict, rows[i].categories, rows[i].destination,
                 (long long)rows[i].bytes_sent);
    }
}

static void save(void *ctx, struct store_save *r, void (*done)(struct store_save *, int))
{
    struct fake *f = ctx;
    f->last_save = *r;
    note_audit(f, r->audit, r->n_audit);
    snprintf(f->last_masks, sizeof(f->last_masks), "%s", r->masks ? r->masks : "");
    snprintf(f->last_window, sizeof(f->last_window), "%s", r->meta.window);
    snprintf(f->last_ocr_text, sizeof(f->last_ocr_text), "%s",
             r->ocr_text ? r->ocr_text : "");
    snprintf(f->last_reason, sizeof(f->last_reason), "%s", r->reason);
    snprintf(f->last_summary, sizeof(f->last_summary), "%s",
             r->result ? r->result->summary : "");
    begin(f, FAKE_SAVE, r, (any_done)(void *)done);
}

static void release(void *ctx, struct store_release *r,
                    void (*done)(struct store_release *, int))
{
    struct fake *f = ctx;
    f->last_release = *r;
    note_audit(f, r->audit, r->n_audit);
    begin(f, FAKE_RELEASE, r, (any_done)(void *)done);
}

static void on_ended(void *arg, int64_t id, int64_t was, enum store_outcome outcome)
{
    struct fake *f = arg;
    assert_true(f->n_ended < FAKE_MAX_ENDED);
    f->ended_id[f->n_ended] = id;
    f->ended_was[f->n_ended] = was;
    f->ended[f->n_ended++] = outcome;
}

static void on_room(void *arg)
{
    ((struct fake *)arg)->rooms++;
}

static void on_trouble(void *arg)
{
    ((struct fake *)arg)->troubles++;
}

static const struct pipeline_organs table = {
    .now_ms = now_ms,
    .wall_ms = wall_ms,
    .random = no_random,
    .act_for = act_for,
    .fetch = fetch,
    .fetch_cancel = fetch_cancel,
    .inspect = inspect,
    .inspect_cancel = inspect_cancel,
    .prepare = prepare,
    .prepare_cancel = prepare_cancel,
    .compare = compare,
    .compare_cancel = compare_cancel,
    .recognise = recognise,
    .recognise_cancel = recognise_cancel,
    .work = work,
    .work_cancel = work_cancel,
    .ask = ask,
    .ask_cancel = ask_cancel,
    .ask_pause = ask_pause,
    .uses_stand_in = uses_stand_in,
    .expect = expect,
    .grid = grid,
    .record = record,
    .save = save,
    .release = release,
};

void fake_config(struct fake *f, struct pipeline_config *out)
{
    *out = (struct pipeline_config){
        .target_px = 768,
        .tier = TIER_QUICK,
        .tiers = {{768, 0, 2000, 0, ""},
                  {1024, 750, 5000, 0, "b"},
                  {1280, 1000, 15000, 0, "c"}},
        .max_file_bytes = 1 << 20,
        .gate = {.rules = f->rules, .policy = &f->policy, .finder = f->finder},
    };
    retry_config_default(&out->retry);
}

void fake_rules(struct fake *f, const struct privacy_rules_config *c)
{
    privacy_rules_close(f->rules);
    assert_int_equal(privacy_rules_open(&f->rules, c, NULL, NULL), 0);
    f->p.config.gate.rules = f->rules;
}

void fake_again(struct fake *f, const struct pipeline_config *c)
{
    struct pipeline_organs o = table;
    o.ctx = f;
    struct pipeline_events e = {
        .arg = f, .on_ended = on_ended, .on_room = on_room, .on_trouble = on_trouble};
    pipeline_init(&f->p, &o, c, &e);
}

void fake_init(struct fake *f)
{
    struct pipeline_config c;
    memset(f, 0, sizeof(*f));
    f->now_ms = 1000;
    f->wall_ms = 1700000000000;
    f->expects = true;
    fake_rules(f, &(struct privacy_rules_config){.has_defaults = false});
    assert_int_equal(privacy_finder_open(&f->finder, NULL), 0);
    privacy_policy_default(&f->policy);
    fake_config(f, &c);
    fake_again(f, &c);
}

int64_t fake_add_row(struct fake *f, const struct store_job *row)
{
    static int64_t next_id = 1;
    struct store_job copy = *row;
    size_t n = strlen(row->path) + 1;
    copy.block = mem_zero(n);
    memcpy(copy.block, row->path, n);
    copy.path = copy.block;
    copy.id = row->id ? row->id : next_id++;
    snprintf(copy.cid, sizeof(copy.cid), "%016llx", (unsigned long long)copy.id);
    int64_t id = copy.id;
    pipeline_add(&f->p, &copy);
    return id;
}

int64_t fake_add(struct fake *f, const char *path)
{
    struct store_job row = {
        .path = path,
        .is_url = strncmp(path, "http", 4) == 0,
        .size_bytes = 100,
        .mtime_ns = f->wall_ms * 1000000,
        .queued_at_ms = f->wall_ms - 5,
        .claims = 1,
    };
    return fake_add_row(f, &row);
}

enum fake_call fake_waits_for(const struct fake *f)
{
    return f->n_pending ? f->pending[0].what : FAKE_NOTHING;
}

int fake_pending_of(const struct fake *f, enum fake_call what)
{
    int n = 0;
    for (int i = 0; i < f->n_pending; i++) {
        n += f->pending[i].what == what;
    }
    return n;
}

static int find(const struct fake *f, enum fake_call what)
{
    for (int i = 0; i < f->n_pending; i++) {
        if (f->pending[i].what == what) {
            return i;
        }
    }
    return -1;
}

void *fake_req(struct fake *f, enum fake_call what)
{
    int i = find(f, what);
    assert_true(i >= 0);
    return f->pending[i].req;
}

// What the organ would have written into its request.
static void fill(struct fake *f, enum fake_call what, void *req)
{
    if (what == FAKE_PREPARE) {
        struct image_req *r = req;
        buf_init(&r->jpeg, 1000);
        assert_int_equal(buf_add_str(&r->jpeg, "jpeg"), 0);
        r->luma = r->want_luma && f->makes_luma ? malloc(4) : NULL;
        r->width = 2000;
        r->height = 400;
        r->sent_width = r->sent_height = 2;
        r->file_bytes = 100;
        r->content[0] = f->content ? f->content : 0xab;
    } else if (what == FAKE_WORK) {
        struct gate_work *w = req;
        w->run(w);
    } else if (what == FAKE_ASK) {
        struct ask *a = req;
        answer_fini(&a->answer);
        a->answer.summary = mem_dup(f->answer ? f->answer : "what is seen");
        a->answer.raw = mem_dup(f->answer ? f->answer : "{}");
        a->prompt_tokens = 300;
        a->completion_tokens = 50;
    }
}

static void end_one(struct fake *f, enum fake_call what, int err)
{
    int i = find(f, what);
    assert_true(i >= 0);
    struct fake_pending p = f->pending[i];
    memmove(&f->pending[i], &f->pending[i + 1],
            sizeof(f->pending[0]) * (size_t)(f->n_pending - i - 1));
    f->n_pending--;
    if (err == 0) {
        fill(f, what, p.req);
    }
    p.done(p.req, err);
}

void fake_do_work(struct fake *f)
{
    while (!f->holds_work && find(f, FAKE_WORK) >= 0) {
        end_one(f, FAKE_WORK, 0);
    }
}

void fake_end(struct fake *f, enum fake_call what, int err)
{
    end_one(f, what, err);
    fake_do_work(f);
}

struct job *fake_job(struct fake *f)
{
    for (int s = JOB_CLAIMED; s < JOB_GONE; s++) {
        if (!list_is_empty(&f->p.jobs.head[s])) {
            return list_first(&f->p.jobs.head[s], struct job, node);
        }
    }
    return NULL;
}

enum job_state fake_state(struct fake *f)
{
    fake_do_work(f);
    struct job *j = fake_job(f);
    return j ? j->state : JOB_GONE;
}

void fake_run_to(struct fake *f, enum fake_call what)
{
    for (int i = 0; i < 20 && fake_waits_for(f) != what; i++) {
        enum fake_call now = fake_waits_for(f);
        assert_int_not_equal(now, FAKE_NOTHING);
        fake_end(f, now, 0);
    }
    assert_int_equal(fake_waits_for(f), what);
}

void fake_pass_ms(struct fake *f, int64_t ms)
{
    f->now_ms += ms;
    f->wall_ms += ms;
    pipeline_tick(&f->p, f->now_ms);
    fake_do_work(f);
}

void fake_fini(struct fake *f)
{
    assert_int_equal(f->n_pending, 0);
    assert_int_equal(f->p.jobs.total, 0);
    for (int s = 0; s < JOB_STATES; s++) {
        assert_int_equal(f->p.jobs.count[s], 0);
    }
    privacy_rules_close(f->rules);
    f->rules = NULL;
    privacy_finder_free(f->finder);
    f->finder = NULL;
}
