// statements.c -- see statements.h.
//
// The common way, a statement that was neither slow nor failed, adds to two histograms'
// worth of atomics and to one row under a lock that is held for a few instructions.
// SPDX-License-Identifier: MIT
#include "store/statements.h"

#include "base/mem.h"
#include "io/loop.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const kind_names[] = {"select", "insert", "update",
                                         "delete", "commit", "other"};

const char *store_statement_kind_name(enum store_statement_kind k)
{
    return kind_names[k];
}

static enum store_statement_kind kind_of(const char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    if (strncasecmp(text, "with", 4) == 0) {
        return STORE_SELECT;
    }
    for (int i = 0; i < STORE_OTHER; i++) {
        if (strncasecmp(text, kind_names[i], strlen(kind_names[i])) == 0) {
            return (enum store_statement_kind)i;
        }
    }
    return STORE_OTHER;
}

void statements_init(struct statements *s, int64_t slow_ms)
{
    memset(s, 0, sizeof(*s));
    s->slow_us = slow_ms * 1000;
    s->since_ms = loop_wall_ms();
    pthread_mutex_init(&s->lock, NULL);
}

void statements_fini(struct statements *s)
{
    pthread_mutex_destroy(&s->lock);
}

// ---- counting

static void raise_max(atomic_llong *max, int64_t value)
{
    long long had = atomic_load_explicit(max, memory_order_relaxed);
    while (had < value && !atomic_compare_exchange_weak(max, &had, value)) {
    }
}

// What is full counts no further texts; the kinds still count them.
static void count_text(struct statements *s, const struct statements_end *e)
{
    size_t at = ((uintptr_t)e->text >> 3) * 0x9e3779b1u;
    for (int i = 0; i < STATEMENTS_MAX; i++, at++) {
        struct statements_text *t = &s->texts[at % STATEMENTS_MAX];
        if (t->text && t->text != e->text) {
            continue;
        }
        t->text = e->text;
        t->n++;
        t->total_us += e->took_us;
        t->max_us = e->took_us > t->max_us ? e->took_us : t->max_us;
        return;
    }
}

// In one line, so that it can be read in a list.
static void squeeze(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++) {
        bool is_blank = isspace((unsigned char)*text);
        if (!is_blank) {
            out[n++] = *text;
        } else if (n > 0 && out[n - 1] != ' ') {
            out[n++] = ' ';
        }
    }
    out[n] = 0;
}

static void keep(struct statements *s, const struct statements_end *e)
{
    struct store_slow *r = &s->ring[s->n_slow++ % STORE_MAX_SLOW];
    *r = (struct store_slow){
        .at_ms = loop_wall_ms(), .took_us = e->took_us, .job = e->job, .code = e->code};
    snprintf(r->cid, sizeof(r->cid), "%s", e->asker ? e->asker : "");
    snprintf(r->thread, sizeof(r->thread), "%s", e->thread);
    snprintf(r->words, sizeof(r->words), "%.79s", e->code ? e->words : "");
    squeeze(e->text, r->sql, sizeof(r->sql));
}

void statements_ended(struct statements *s, const struct statements_end *e)
{
    struct statements_kind *k = &s->kinds[kind_of(e->text)];
    bool is_slow = e->took_us > s->slow_us;
    histogram_add(&k->took, e->took_us);
    raise_max(&k->max_us, e->took_us);
    atomic_fetch_add_explicit(&k->slow, is_slow, memory_order_relaxed);
    atomic_fetch_add_explicit(&k->failed, e->code != 0, memory_order_relaxed);
    pthread_mutex_lock(&s->lock);
    if (e->is_literal) {
        count_text(s, e);
    }
    if (is_slow || e->code) {
        keep(s, e);
    }
    pthread_mutex_unlock(&s->lock);
}

// What is counted while this runs may be lost, nothing else.
void statements_reset(struct statements *s)
{
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < STORE_STATEMENT_KINDS; i++) {
        struct statements_kind *k = &s->kinds[i];
        histogram_clear(&k->took);
        atomic_store(&k->failed, 0);
        atomic_store(&k->slow, 0);
        atomic_store(&k->max_us, 0);
    }
    memset(s->texts, 0, sizeof(s->texts));
    s->n_slow = 0;
    s->since_ms = loop_wall_ms();
    pthread_mutex_unlock(&s->lock);
}

// ---- telling

static void tell_kind(const struct statements_kind *k, struct store_kind_stats *out)
{
    *out = (struct store_kind_stats){
        .n = (int64_t)histogram_count(&k->took),
        .failed = atomic_load(&k->failed),
        .slow = atomic_load(&k->slow),
        .total_us = histogram_sum(&k->took),
        .max_us = atomic_load(&k->max_us),
        .p50_us = histogram_percentile(&k->took, 50),
        .p90_us = histogram_percentile(&k->took, 90),
        .p95_us = histogram_percentile(&k->took, 95),
        .p99_us = histogram_percentile(&k->took, 99),
    };
}

static int by_time(const void *a, const void *b)
{
    const struct store_top *x = a, *y = b;
    return (x->total_us < y->total_us) - (x->total_us > y->total_us);
}

static void tell_top(const struct statements *s, struct store_stats *out)
{
    for (int i = 0; i < STATEMENTS_MAX; i++) {
        const struct statements_text *t = &s->texts[i];
        struct store_top *at = &out->top[out->n_top];
        if (!t->text) {
            continue;
        }
        if (out->n_top == STORE_MAX_TOP) {
            at = &out->top[STORE_MAX_TOP - 1];  // the least of those that are there
            if (t->total_us <= at->total_us) {
                continue;
            }
        } else {
            out->n_top++;
        }
        *at = (struct store_top){.n = t->n, .total_us = t->total_us, .max_us = t->max_us};
        squeeze(t->text, at->sql, sizeof(at->sql));
        qsort(out->top, (size_t)out->n_top, sizeof(*at), by_time);
    }
}

static void tell_slow(const struct statements *s, struct store_stats *out)
{
    out->n_slow_ever = s->n_slow;
    out->n_slow = s->n_slow < STORE_MAX_SLOW ? (int)s->n_slow : STORE_MAX_SLOW;
    for (int i = 0; i < out->n_slow; i++) {
        out->slow[i] = s->ring[(s->n_slow - 1 - i) % STORE_MAX_SLOW];
    }
}

int statements_tell(struct statements *s, struct store_stats *out)
{
    out->n_top = out->n_slow = 0;
    out->top = calloc(STORE_MAX_TOP, sizeof(*out->top));
    out->slow = calloc(STORE_MAX_SLOW, sizeof(*out->slow));
    if (!out->top || !out->slow) {
        return E_NOMEM;
    }
    out->slow_ms = s->slow_us / 1000;
    for (int i = 0; i < STORE_STATEMENT_KINDS; i++) {
        tell_kind(&s->kinds[i], &out->kinds[i]);
    }
    pthread_mutex_lock(&s->lock);
    out->since_ms = s->since_ms;
    tell_top(s, out);
    tell_slow(s, out);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

void statements_sum(const struct statements *s, struct store_load *out)
{
    struct histogram *all = mem_new(struct histogram);
    for (int i = 0; i < STORE_STATEMENT_KINDS; i++) {
        histogram_merge(all, &s->kinds[i].took);
        out->slow += atomic_load(&s->kinds[i].slow);
        out->failed += atomic_load(&s->kinds[i].failed);
    }
    out->statements = (int64_t)histogram_count(all);
    out->p50_us = histogram_percentile(all, 50);
    out->p95_us = histogram_percentile(all, 95);
    out->p99_us = histogram_percentile(all, 99);
    free(all);
}
