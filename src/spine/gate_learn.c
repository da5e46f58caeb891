// gate_learn.c -- what stands in the title, the address and the picture, and where.
//
// The text never leaves this file: what is kept are counts and boxes.
// SPDX-License-Identifier: MIT
#include "spine/gate.h"

#include "base/log.h"
#include "base/mem.h"
#include "privacy/find_page.h"
#include "privacy/unescape.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void count_outside(const struct gate *g, const char *text,
                          struct privacy_counts *out)
{
    struct privacy_findings f = {0};
    int rc = privacy_find(g->config->finder, text, strlen(text), &f);
    if (rc == 0) {
        privacy_count_outside(out, &f);
    } else {
        out->is_cut = true;  // not known what is there
    }
    privacy_findings_fini(&f);
    // What came through the queue was cleaned on its way there.
    privacy_count_redacted(out, text);
}

// Of a kind that was found without unescaping it nothing more is counted.
static void count_unescaped(const struct gate *g, const char *text,
                            const struct privacy_counts *before,
                            struct privacy_counts *out)
{
    struct privacy_findings f = {0};
    int rc = privacy_find(g->config->finder, text, strlen(text), &f);
    for (int i = 0; rc == 0 && i < f.n; i++) {
        const enum privacy_category c = f.items[i].category;
        f.items[i].is_repeat |= out->outside[c] > before->outside[c];
    }
    if (rc == 0) {
        privacy_count_outside(out, &f);
    }
    out->is_cut |= rc != 0;
    privacy_findings_fini(&f);
}

// As it is written, and as people read it.
static void count_address(const struct gate *g, const char *text,
                          struct privacy_counts *out)
{
    const struct privacy_counts before = *out;
    struct buf plain;
    buf_init(&plain, strlen(text) + 1);
    count_outside(g, text, out);
    if (privacy_unescape(text, &plain)) {
        count_unescaped(g, buf_str(&plain), &before, out);
    }
    buf_fini(&plain);
}

void gate_learn_beside(struct gate *g, const char *text, bool is_cut)
{
    g->beside = (struct privacy_counts){.is_cut = is_cut};
    if (text) {
        count_outside(g, text, &g->beside);
    }
}

void gate_learn_meta(struct gate *g)
{
    g->found = g->beside;
    count_address(g, g->meta->window, &g->found);
    count_address(g, g->meta->url, &g->found);
    count_address(g, g->path, &g->found);
    g->outside = g->found;
}

static struct privacy_word *copy_words(const struct ocr_req *read)
{
    struct privacy_word *words = calloc((size_t)read->n_words + 1, sizeof(*words));
    for (int i = 0; words && i < read->n_words; i++) {
        const struct ocr_word *w = &read->words[i];
        words[i] = (struct privacy_word){.left = w->left,
                                         .top = w->top,
                                         .width = w->width,
                                         .height = w->height,
                                         .offset = w->offset,
                                         .len = w->len};
    }
    return words;
}

// What any destination that may be asked wants masked.
static unsigned wanted_masks(const struct gate *g)
{
    const struct privacy_verdict local = gate_judge(g, false);
    const struct privacy_verdict remote = gate_judge(g, true);
    return local.masked | remote.masked;
}

static void keep_masks(struct gate *g, const struct privacy_boxes *boxes)
{
    _Static_assert((int)PRIVACY_MAX_BOXES <= (int)IMAGE_MOST_MASKS,
                   "all of them can be painted");
    g->masks = mem_zero(sizeof(*g->masks) * (size_t)(boxes->n + 1));
    for (int i = 0; i < boxes->n; i++) {
        const struct privacy_box *b = &boxes->items[i];
        if (b->width > 0 && b->height > 0) {
            g->masks[g->n_masks++] = (struct image_box){b->x, b->y, b->width, b->height};
        }
    }
}

static void find_places(struct gate *g, const struct privacy_page *page,
                        const struct privacy_findings *f, unsigned masked)
{
    struct privacy_boxes *boxes = mem_new(struct privacy_boxes);
    int rc = privacy_boxes_make(page, f, masked, boxes);
    if (rc == 0) {
        keep_masks(g, boxes);
    }
    g->has_lost_place = rc != 0;
    free(boxes);
}

static void learn_page(struct gate *g, const struct privacy_page *page,
                       const struct privacy_findings *f)
{
    privacy_count_inside(&g->found, f);
    g->is_text_known = true;
    const unsigned masked = wanted_masks(g);
    if (masked) {
        find_places(g, page, f, masked);
    }
}

void gate_learn_text(struct gate *g, const struct ocr_req *read)
{
    struct privacy_findings f = {0};
    assert(!g->is_text_known && !g->masks);
    struct privacy_word *words = copy_words(read);
    const struct privacy_page page = {.width = read->width,
                                      .height = read->height,
                                      .text = buf_str(&read->text),
                                      .text_len = read->text.len,
                                      .plain_len = read->page_len,
                                      .words = words,
                                      .n_words = read->n_words};
    int rc = words ? privacy_find_page(g->config->finder, &page, &f) : E_NOMEM;
    if (rc) {
        g->is_text_lacking = true;
        log_warn("gate", "text of %zu bytes class=%s", read->text.len, err_name(rc));
    } else {
        learn_page(g, &page, &f);
    }
    privacy_findings_fini(&f);
    free(words);
}

void gate_lack_text(struct gate *g)
{
    g->is_text_lacking = !g->is_text_known;
}

void gate_forget_text(struct gate *g)
{
    free(g->masks);
    g->masks = NULL;
    g->n_masks = 0;
    g->is_masked = g->is_text_known = g->is_text_lacking = g->has_lost_place = false;
    g->found = g->outside;  // is still true
}

void gate_note_prepared(struct gate *g, int n_masks)
{
    g->is_masked = n_masks > 0 && n_masks == g->n_masks;
    g->recorded[0] = '\0';  // it may be sent in another form
}
