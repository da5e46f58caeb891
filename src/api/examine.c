// examine.c -- the public interface's dry run of the privacy gate.
//
// The same gate, picture and text organs as the pipeline's, opened for one picture: nothing
// is queued, sent or kept.
//
//   inspect -> prepare (grey) -> read -> prepare (masked) -> answer -> close the organs
// SPDX-License-Identifier: MIT
#include "api/call.h"
#include "base/mem.h"
#include "spine/gate_work.h"
#include "vlmd_privacy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_PX = 8, LINE_PX = 16, MOST_TEXT = 16 << 20 };

struct examine {
    struct vlmd *v;
    vlmd_examine_fn *fn;
    void *arg;
    char *path, *text;  // owned; one of them
    char *beside;       // owned; what stands beside path
    struct ingest_meta given, meta;
    bool wants_png;
    struct gate gate;
    struct privacy_counts unread;  // what would be found if its text was not read
    char unread_why[2 * GATE_WORDS + 100];
    char reason[GATE_WORDS];
    struct err err;
    int code;
    // organs of its own; NULL = not open
    struct pool *reader;
    struct images *images;
    struct ocr *ocr;
    // under way
    struct meta_req inspect;
    struct image_req image;
    struct ocr_req read;
    struct gate_work work;
};

// ---- the answer

static int fill_found(const struct privacy_counts *c, struct vlmd_found *out)
{
    int n = 0;
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        if (c->inside[i] + c->outside[i]) {
            enum privacy_category k = (enum privacy_category)i;
            out[n++] =
                (struct vlmd_found){privacy_category_name(k), privacy_category_words(k),
                                    c->inside[i], c->outside[i]};
        }
    }
    return n;
}

static struct vlmd_box *copy_masks(const struct gate *g)
{
    struct vlmd_box *out = mem_zero(sizeof(*out) * (size_t)(g->n_masks + 1));
    for (int i = 0; i < g->n_masks; i++) {
        const struct image_box *b = &g->masks[i];
        out[i] = (struct vlmd_box){b->x, b->y, b->width, b->height};
    }
    return out;
}

// Does anybody read the text of a picture for models on this machine?
static bool is_read_here(const struct examine *x)
{
    return x->v->app.config->ocr_when == CONFIG_OCR_ALWAYS || gate_needs_text(&x->gate);
}

// The form that is shown is the one for other machines, if they get any.
static bool is_shown_masked(const struct examine *x)
{
    return x->v->app.gate.policy->allow_remote || is_read_here(x);
}

// What a model here gets, with the text that the rules know then; and what it would get.
static struct privacy_verdict judge_here(struct examine *x)
{
    const struct privacy_verdict read = gate_judge(&x->gate, false);
    if (is_read_here(x) || !x->gate.is_text_known) {
        return read;
    }
    struct privacy_verdict v =
        privacy_judge(x->v->app.gate.policy, &x->unread, false, false);
    if (v.action != read.action) {
        snprintf(
            x->unread_why, sizeof(x->unread_why),
            "%s%sits text is not read for models here; with privacy.read_text: always "
            "%s, %s",
            v.why, v.why[0] ? "; " : "", privacy_action_name(read.action), read.why);
    }
    return v;
}

static void tell(struct examine *x)
{
    struct vlmd_found found[PRIVACY_CATEGORIES];
    struct vlmd_box *masks = copy_masks(&x->gate);
    const struct privacy_verdict local = judge_here(x);
    const struct privacy_verdict remote = gate_judge(&x->gate, true);
    const bool is_picture = x->path && !x->gate.n_notes;
    const struct vlmd_examination out = {
        .app = x->meta.app,
        .window = x->meta.window,
        .rule = x->gate.n_notes ? x->gate.notes[0].rule : "",
        .reason = x->reason,
        .is_text_known = x->gate.is_text_known,
        .text_problem = x->read.err.msg,
        .found = found,
        .n_found = fill_found(&x->gate.found, found),
        .local = {privacy_action_name(local.action),
                  x->unread_why[0] ? x->unread_why : local.why},
        .remote = {privacy_action_name(remote.action), remote.why},
        .width = is_picture ? x->image.width : 0,
        .height = is_picture ? x->image.height : 0,
        .masks = masks,
        .n_masks = is_shown_masked(x) ? x->gate.n_masks : 0,
        .sent_width = x->image.sent_width,
        .sent_height = x->image.sent_height,
        .jpeg = x->image.jpeg.data,
        .jpeg_bytes = x->image.jpeg.len,
        .png = x->image.png.data,
        .png_bytes = x->image.png.len,
        .clean = x->text ? x->text : "",
    };
    x->fn(x->arg, x->code, x->code ? NULL : &out, call_words(&x->err, x->code));
    free(masks);
}

// ---- the organs

static void on_part_closed(void *arg);

static void close_next(struct examine *x)
{
    if (x->ocr) {
        struct ocr *o = x->ocr;
        x->ocr = NULL;
        ocr_close(o, on_part_closed, x);
    } else if (x->images) {
        struct images *m = x->images;
        x->images = NULL;
        image_close(m, on_part_closed, x);
    } else if (x->reader) {
        struct pool *p = x->reader;
        x->reader = NULL;
        pool_close(p, on_part_closed, x);
    } else {
        struct vlmd *v = x->v;
        image_req_fini(&x->image);
        gate_fini(&x->gate);
        ocr_req_fini(&x->read);
        free(x->beside);
        free(x->path);
        free(x->text);
        free(x);
        call_end(v);
    }
}

static void on_part_closed(void *arg)
{
    close_next(arg);
}

static void end(struct examine *x, int code, const char *words)
{
    x->code = code;
    if (code && words) {
        err_set(&x->err, code, "%s", words);
    }
    tell(x);
    close_next(x);
}

static int open_reader(struct examine *x)
{
    const struct pool_config reader = {.name = "vlmd-meta", .threads = 1};
    return pool_open(&x->reader, &x->v->app.loop, &reader);
}

static int open_organs(struct examine *x)
{
    struct app *a = &x->v->app;
    struct image_config images = a->config->image;
    images.threads = 1;
    int rc = open_reader(x);
    if (rc == 0) {
        rc = image_open(&x->images, &a->loop, &images);
    }
    if (rc == 0) {
        rc = ocr_open(&x->ocr, &a->loop, &a->config->ocr);
    }
    return rc;
}

// Texts are searched by the reader's thread, with a gate of its own.
static void begin_work(struct examine *x, void (*run)(struct gate_work *w),
                       void (*done)(struct gate_work *w, int err))
{
    gate_work_init(&x->work, &x->gate, run);
    gate_work_submit(&x->work, x->reader, done);
}

// ---- the steps

static void on_sent_form(struct image_req *r, int err)
{
    struct examine *x = container_of(r, struct examine, image);
    if (err == 0) {
        gate_note_prepared(&x->gate, r->n_masks);
    }
    end(x, err, r->err.msg);
}

// As the pipeline does, as far as the name of the model tells.
static void fit_grid(struct examine *x)
{
    const struct config *c = x->v->app.config;
    struct backend_facts f = {.patch_px = backend_patch_px(c->backend.model)};
    struct backend_grid g;
    snprintf(f.model, sizeof(f.model), "%s", c->backend.model);
    if (!c->has_own_px && !c->target_tokens && !c->patch_px &&
        backend_grid(&f, c->target_px, c->backend.max_tokens, &g)) {
        x->image.target_patches = g.tokens;
        x->image.patch_px = g.patch_px;
        x->image.keeps_small = true;
    }
}

static void prepare(struct examine *x, bool wants_luma,
                    void (*done)(struct image_req *r, int err))
{
    const struct config *c = x->v->app.config;
    image_req_fini(&x->image);
    memset(&x->image, 0, sizeof(x->image));
    x->image.path = x->path;
    x->image.target_px = c->target_px;
    x->image.target_patches = c->target_tokens;
    x->image.patch_px = c->patch_px;
    fit_grid(x);
    x->image.want_luma = wants_luma;
    x->image.skip_encode = wants_luma;
    x->image.want_png = x->wants_png && !wants_luma;
    if (is_shown_masked(x)) {
        x->image.masks = x->gate.masks;
        x->image.n_masks = x->gate.n_masks;
    }
    image_prepare(x->images, &x->image, done);
}

static void read_run(struct gate_work *w)
{
    struct examine *x = container_of(w, struct examine, work);
    gate_learn_text(&w->gate, &x->read);
}

static void read_done(struct gate_work *w, int err)
{
    struct examine *x = container_of(w, struct examine, work);
    (void)err;  // nothing cancels it
    gate_take_page(&x->gate, w);
    gate_work_fini(w);
    prepare(x, false, on_sent_form);
}

static void on_read(struct ocr_req *r, int err)
{
    struct examine *x = container_of(r, struct examine, read);
    if (err) {
        gate_lack_text(&x->gate);
        prepare(x, false, on_sent_form);
    } else {
        begin_work(x, read_run, read_done);
    }
}

static void on_grey(struct image_req *r, int err)
{
    struct examine *x = container_of(r, struct examine, image);
    if (err) {
        end(x, err, r->err.msg);
        return;
    }
    x->read.luma = r->luma;
    x->read.width = r->width;
    x->read.height = r->height;
    ocr_read(x->ocr, &x->read, on_read);
}

static void take(char *to, size_t size, const char *given)
{
    if (given[0]) {
        snprintf(to, size, "%s", given);
    }
}

static void merge_given(struct ingest_meta *m, const struct ingest_meta *given)
{
    take(m->app, sizeof(m->app), given->app);
    take(m->window, sizeof(m->window), given->window);
    take(m->url, sizeof(m->url), given->url);
    take(m->screen, sizeof(m->screen), given->screen);
    m->taken_at_ms = given->taken_at_ms ? given->taken_at_ms : m->taken_at_ms;
}

// Does a rule decide it already?
static bool is_excluded(struct examine *x)
{
    merge_given(&x->meta, &x->given);
    return gate_is_excluded(&x->gate, 1, x->reason, sizeof(x->reason));
}

static void beside_run(struct gate_work *w)
{
    struct examine *x = container_of(w, struct examine, work);
    gate_learn_beside(&w->gate, x->beside, x->inspect.is_beside_cut);
}

static void beside_done(struct gate_work *w, int err)
{
    struct examine *x = container_of(w, struct examine, work);
    (void)err;  // nothing cancels it
    gate_take_beside(&x->gate, w);
    gate_work_fini(w);
    gate_learn_meta(&x->gate);
    x->unread = x->gate.found;
    prepare(x, true, on_grey);
}

static void on_inspected(struct meta_req *r, int err)
{
    struct examine *x = container_of(r, struct examine, inspect);
    x->beside = r->beside;
    r->beside = NULL;
    if (err) {
        end(x, err, err_words(err));
        return;
    }
    x->meta = r->meta;
    if (is_excluded(x)) {
        end(x, 0, NULL);
    } else {
        begin_work(x, beside_run, beside_done);
    }
}

// ---- a text, as if each character took a place on a screen

static void place_words(const char *text, struct ocr_req *r)
{
    const size_t len = strlen(text);
    int column = 0, line = 0;
    r->words = mem_zero(sizeof(*r->words) * (len / 2 + 1));
    for (size_t i = 0; i < len; i++) {
        const bool is_blank = text[i] == ' ' || text[i] == '\t' || text[i] == '\n';
        const bool is_first = !is_blank && (i == 0 || strchr(" \t\n", text[i - 1]));
        if (is_first) {
            r->words[r->n_words++] = (struct ocr_word){.left = column * COLUMN_PX,
                                                       .top = line * LINE_PX,
                                                       .height = LINE_PX,
                                                       .offset = (uint32_t)i};
        }
        if (!is_blank) {
            r->words[r->n_words - 1].len++;
            r->words[r->n_words - 1].width += COLUMN_PX;
        }
        column = text[i] == '\n' ? 0 : column + 1;
        line += text[i] == '\n';
        r->width = column * COLUMN_PX > r->width ? column * COLUMN_PX : r->width;
    }
    r->height = (line + 1) * LINE_PX;
}

static void text_run(struct gate_work *w)
{
    struct examine *x = container_of(w, struct examine, work);
    struct ocr_req *r = &x->read;
    buf_init(&r->text, MOST_TEXT);
    x->code = buf_add_str(&r->text, x->text);
    if (x->code == 0) {
        place_words(x->text, r);
        r->page_len = r->text.len;
        gate_learn_text(&w->gate, r);
        gate_clean(&w->gate, &x->text);
    }
}

// Of one that a rule decides all the same.
static void clean_run(struct gate_work *w)
{
    struct examine *x = container_of(w, struct examine, work);
    gate_clean(&w->gate, &x->text);
}

static void text_done(struct gate_work *w, int err)
{
    struct examine *x = container_of(w, struct examine, work);
    (void)err;  // nothing cancels it
    gate_take_page(&x->gate, w);
    gate_work_fini(w);
    end(x, x->code, err_words(x->code));
}

static void examine_text(void *arg)
{
    struct examine *x = arg;
    const bool is_over = is_excluded(x);
    if (!is_over) {
        gate_learn_meta(&x->gate);
        x->unread = x->gate.found;
    }
    if (x->text) {
        begin_work(x, is_over ? clean_run : text_run, text_done);
    } else {  // only the rules were asked about
        end(x, 0, NULL);
    }
}

// ---- public

static void copy_given(struct ingest_meta *m, const struct vlmd_examine_input *in)
{
    snprintf(m->app, sizeof(m->app), "%s", in->app ? in->app : "");
    snprintf(m->window, sizeof(m->window), "%s", in->window ? in->window : "");
    snprintf(m->url, sizeof(m->url), "%s", in->page_url ? in->page_url : "");
    snprintf(m->screen, sizeof(m->screen), "%s", in->screen ? in->screen : "");
    m->taken_at_ms = in->taken_at_ms;
}

static int begin(struct examine *x)
{
    int rc = x->path ? open_organs(x) : open_reader(x);
    if (rc == 0 && !x->path) {
        rc = app_post(&x->v->app, examine_text, x);
    } else if (rc == 0) {
        x->inspect.path = x->path;
        x->inspect.ignores_beside = !x->v->app.config->reads_beside;
        meta_read(x->reader, &x->inspect, on_inspected);
    }
    return rc;
}

int vlmd_examine(vlmd *v, const struct vlmd_examine_input *in, vlmd_examine_fn *fn,
                 void *arg)
{
    int rc = call_check(v);
    if (rc || (in->path && (in->path[0] != '/' || in->text))) {
        return rc ? rc : E_USAGE;
    }
    struct examine *x = mem_new(struct examine);
    x->v = v;
    x->fn = fn;
    x->arg = arg;
    x->path = mem_dup(in->path);
    x->text = mem_dup(in->text);
    x->wants_png = in->wants_png;
    copy_given(&x->given, in);
    gate_init(&x->gate, &v->app.gate, x->path ? x->path : "", &x->meta, 0);
    call_begin(v);
    rc = begin(x);
    if (rc) {
        close_next(x);
    }
    return rc;
}

struct tell_rule {
    vlmd_rule_fn *fn;
    void *arg;
};

static void on_rule(void *arg, const struct privacy_rule *r)
{
    const struct tell_rule *t = arg;
    const struct vlmd_rule rule = {
        .list = r->list,
        .pattern = r->pattern,
        .origin = r->origin,
        .words = r->words,
        .field = privacy_field_words(r->field),
        .is_allow = r->is_allow,
        .is_match = r->is_match || r->is_doubt,
    };
    t->fn(t->arg, &rule);
}

void vlmd_rules(vlmd *v, const struct vlmd_examine_input *in, vlmd_rule_fn *fn, void *arg)
{
    struct tell_rule t = {fn, arg};
    const struct privacy_subject s = {
        .app = in ? in->app : NULL,
        .window = in ? in->window : NULL,
        .path = in ? in->path : NULL,
        .url = in ? in->page_url : NULL,
        .screen = in ? in->screen : NULL,
    };
    privacy_rules_each(v->app.gate.rules, in ? &s : NULL, on_rule, &t);
}
