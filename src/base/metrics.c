// metrics.c -- the registry: rows, and the series of each in order of their birth.
// SPDX-License-Identifier: MIT
#include "base/metrics.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct metric_series {
    struct list node;                 // in metric.series
    char *values[METRIC_MAX_LABELS];  // owned
    atomic_llong n;
    struct histogram *histogram;  // owned; NULL for the other types
};

struct metric {
    const struct metric_row *row;  // borrowed: as long as the registry
    struct metric_row *own_row;    // owned with its strings; NULL for the table's
    int n_labels;
    int n_series;
    struct list series;  // struct metric_series
};

struct metrics {
    struct metric *metrics[METRICS_MAX];  // owned
    int n;
};

// Label values as they are kept: whole characters, no control characters, a bounded length.
struct label_values {
    char text[METRIC_MAX_LABELS][METRIC_MAX_VALUE + 1];
};

// ---- rows

static int count_labels(const struct metric_row *row)
{
    int n = 0;
    while (n < METRIC_MAX_LABELS && row->labels[n]) {
        n++;
    }
    return n;
}

static struct metric_series *new_series(struct metric *m,
                                        const struct label_values *values)
{
    struct metric_series *s = mem_new(struct metric_series);
    for (int i = 0; i < m->n_labels; i++) {
        s->values[i] = mem_dup(values->text[i]);
    }
    if (m->row->type == METRIC_HISTOGRAM) {
        s->histogram = mem_new(struct histogram);
    }
    list_push_back(&m->series, &s->node);
    m->n_series++;
    return s;
}

static int add_metric(struct metrics *all, const struct metric_row *row,
                      struct metric_row *own)
{
    struct metric *m = mem_new(struct metric);
    m->row = row;
    m->own_row = own;
    m->n_labels = count_labels(row);
    list_init(&m->series);
    if (m->n_labels == 0) {
        new_series(m, NULL);
    }
    all->metrics[all->n] = m;
    return all->n++;
}

struct metrics *metrics_new(const struct metric_row *rows, int n)
{
    assert(n <= METRICS_MAX);
    struct metrics *all = mem_new(struct metrics);
    for (int i = 0; i < n; i++) {
        add_metric(all, &rows[i], NULL);
    }
    return all;
}

static void free_row(struct metric_row *row)
{
    if (row) {
        free((char *)row->name);
        free((char *)row->help);
        for (int i = 0; i < METRIC_MAX_LABELS; i++) {
            free((char *)row->labels[i]);
        }
        free(row);
    }
}

static void free_series(struct metric_series *s)
{
    for (int i = 0; i < METRIC_MAX_LABELS; i++) {
        free(s->values[i]);
    }
    free(s->histogram);
    free(s);
}

void metrics_free(struct metrics *all)
{
    for (int i = 0; all && i < all->n; i++) {
        struct metric *m = all->metrics[i];
        struct list *node;
        while ((node = list_pop_front(&m->series))) {
            free_series(container_of(node, struct metric_series, node));
        }
        free_row(m->own_row);
        free(m);
    }
    free(all);
}

// ---- rows of others

static bool is_name(const char *s, bool may_have_colon)
{
    if (!s || !*s || isdigit((unsigned char)*s) || strlen(s) > METRIC_MAX_VALUE) {
        return false;
    }
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '_' &&
            !(may_have_colon && c == ':')) {
            return false;
        }
    }
    return true;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

// le is the label of a histogram's buckets; those with two underscores are Prometheus' own.
static bool has_good_labels(const struct metric_row *row)
{
    for (int i = 0; i < count_labels(row); i++) {
        const char *label = row->labels[i];
        if (!is_name(label, false) || strncmp(label, "__", 2) == 0 ||
            strcmp(label, "le") == 0) {
            return false;
        }
        for (int k = 0; k < i; k++) {
            if (strcmp(label, row->labels[k]) == 0) {
                return false;
            }
        }
    }
    return true;
}

static bool is_good(const struct metrics *all, const struct metric_row *row)
{
    if (!is_name(row->name, true) || !row->help || !has_good_labels(row) ||
        ends_with(row->name, "_total") != (row->type == METRIC_COUNTER) ||
        row->max_series < 0) {
        return false;
    }
    for (int i = 0; i < all->n; i++) {
        if (strcmp(all->metrics[i]->row->name, row->name) == 0) {
            return false;
        }
    }
    return true;
}

int metrics_define(struct metrics *all, const struct metric_row *row)
{
    if (!is_good(all, row)) {
        return E_USAGE;
    }
    if (all->n == METRICS_MAX) {
        return E_TOOBIG;
    }
    struct metric_row *own = mem_new(struct metric_row);
    *own = *row;
    own->name = mem_dup(row->name);
    own->help = mem_dup(row->help);
    for (int i = 0; i < METRIC_MAX_LABELS; i++) {
        own->labels[i] = i < count_labels(row) ? mem_dup(row->labels[i]) : NULL;
    }
    return add_metric(all, own, own);
}

int metrics_count(const struct metrics *all)
{
    return all->n;
}

enum metric_type metrics_type(const struct metrics *all, int row)
{
    assert(row >= 0 && row < all->n);
    return all->metrics[row]->row->type;
}

// ---- series

static struct metric_series *find_series(const struct metric *m,
                                         const struct label_values *values)
{
    struct list *node, *tmp;
    list_each(node, tmp, &m->series)
    {
        struct metric_series *s = container_of(node, struct metric_series, node);
        int same = 0;
        while (same < m->n_labels && strcmp(s->values[same], values->text[same]) == 0) {
            same++;
        }
        if (same == m->n_labels) {
            return s;
        }
    }
    return NULL;
}

struct metric_series *metrics_series(struct metrics *all, int row,
                                     const char *const *values)
{
    assert(row >= 0 && row < all->n);
    struct metric *m = all->metrics[row];
    struct label_values clean;
    for (int i = 0; i < m->n_labels; i++) {
        const char *value = values[i] ? values[i] : "";
        utf8_clean(value, strlen(value), clean.text[i], sizeof(clean.text[i]));
    }
    struct metric_series *s = find_series(m, &clean);
    int most = m->row->max_series ? m->row->max_series : METRIC_DEFAULT_SERIES;
    if (!s && m->n_series >= most) {
        for (int i = 0; i < m->n_labels; i++) {
            strcpy(clean.text[i], "other");
        }
        s = find_series(m, &clean);
    }
    return s ? s : new_series(m, &clean);
}

void metric_add(struct metric_series *s, int64_t n)
{
    atomic_fetch_add_explicit(&s->n, n, memory_order_relaxed);
}

void metric_set(struct metric_series *s, int64_t n)
{
    atomic_store_explicit(&s->n, n, memory_order_relaxed);
}

void metric_observe(struct metric_series *s, int64_t value)
{
    assert(s->histogram);
    histogram_add(s->histogram, value);
}

void metric_copy(struct metric_series *s, const struct histogram *from)
{
    assert(s->histogram);
    histogram_clear(s->histogram);
    histogram_merge(s->histogram, from);
}

int64_t metric_value(const struct metric_series *s)
{
    return atomic_load_explicit(&s->n, memory_order_relaxed);
}

const struct histogram *metric_histogram(const struct metric_series *s)
{
    return s->histogram;
}

void metrics_each(const struct metrics *all, metrics_series_fn *fn, void *arg)
{
    for (int i = 0; i < all->n; i++) {
        const struct metric *m = all->metrics[i];
        struct list *node, *tmp;
        list_each(node, tmp, &m->series)
        {
            const struct metric_series *s =
                container_of(node, struct metric_series, node);
            fn(arg, m->row, (const char *const *)s->values, s);
        }
    }
}
