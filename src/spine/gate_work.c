// gate_work.c -- a gate of its own for a worker thread, and what comes back from it.
// SPDX-License-Identifier: MIT
#include "spine/gate_work.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// ---- carrying it out

void gate_work_init(struct gate_work *w, const struct gate *g,
                    void (*run)(struct gate_work *w))
{
    *w = (struct gate_work){.run = run, .policy = *g->config->policy};
    // Of the rules nothing is asked here: they may be replaced meanwhile.
    w->config = (struct gate_config){.policy = &w->policy, .finder = g->config->finder};
    w->gate = (struct gate){.config = &w->config,
                            .path = g->path,
                            .meta = g->meta,
                            .found = g->found,
                            .beside = g->beside};
}

void gate_work_fini(struct gate_work *w)
{
    gate_fini(&w->gate);
}

static void work_run(struct pool_work *p, void *thread)
{
    struct gate_work *w = container_of(p, struct gate_work, work);
    const int64_t began_us = clock_us();
    (void)thread;
    w->run(w);
    w->took_us = clock_us() - began_us;
}

static void work_done(struct pool_work *p, int err)
{
    struct gate_work *w = container_of(p, struct gate_work, work);
    w->done(w, err);
}

void gate_work_submit(struct gate_work *w, struct pool *p,
                      void (*done)(struct gate_work *w, int err))
{
    w->done = done;
    w->work = (struct pool_work){.run = work_run, .done = work_done};
    pool_submit(p, &w->work);
}

// ---- screening

void gate_screen_page_run(struct gate_work *w)
{
    struct gate_screening *s = container_of(w, struct gate_screening, work);
    gate_learn_text(&w->gate, &s->read);
}

void gate_screen_outside_run(struct gate_work *w)
{
    struct gate_screening *s = container_of(w, struct gate_screening, work);
    gate_learn_beside(&w->gate, s->beside, s->is_beside_cut);
    gate_learn_meta(&w->gate);
}

void gate_screening_fini(struct gate_screening *s)
{
    ocr_req_fini(&s->read);
    free(s->beside);
    s->beside = NULL;
    gate_work_fini(&s->work);
}

void gate_take_page(struct gate *g, struct gate_work *w)
{
    assert(!g->is_text_known && !g->masks);
    g->found = w->gate.found;
    g->masks = w->gate.masks;
    g->n_masks = w->gate.n_masks;
    g->is_text_known = w->gate.is_text_known;
    g->is_text_lacking = w->gate.is_text_lacking;
    g->has_lost_place = w->gate.has_lost_place;
    w->gate.masks = NULL;
    w->gate.n_masks = 0;
}

void gate_take_beside(struct gate *g, const struct gate_work *w)
{
    g->beside = w->gate.beside;
    g->found = w->gate.found;
    g->outside = w->gate.outside;
}

// ---- cleaning

static void clean_words(struct gate_cleaning *c)
{
    struct gate *g = &c->work.gate;
    for (int i = 0; i < c->n_words; i++) {
        const struct gate_words *t = &c->words[i];
        (i < GATE_TITLES ? gate_clean_title : gate_clean_array)(g, t->text, t->size);
        c->is_title_clean |= i < GATE_TITLES && gate_cleaned(g) > 0;
    }
}

void gate_clean_run(struct gate_work *w)
{
    struct gate_cleaning *c = container_of(w, struct gate_cleaning, work);
    struct gate *g = &w->gate;
    struct answer *n = &c->answer;
    clean_words(c);
    const int before = gate_cleaned(g);
    gate_clean(g, &n->summary);
    gate_clean(g, &n->activity);
    gate_clean(g, &n->app);
    gate_clean(g, &n->details);
    gate_clean_json(g, &n->tags);
    gate_clean(g, &n->text);
    gate_clean_buf(g, &c->page);
    if (gate_cleaned(g) > before) {
        free(n->raw);
        n->raw = NULL;
    }
    gate_clean(g, &n->raw);
}

void gate_take_cleaned(struct gate *g, const struct gate_work *w)
{
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        g->cleaned[i] += w->gate.cleaned[i];
    }
}
