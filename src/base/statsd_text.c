// statsd_text.c -- see statsd_text.h.
//
// The registry's series keep their order and never go: the memory is a list that is walked
// along with them, and what is new is put in where it stands.
// SPDX-License-Identifier: MIT
#include "base/statsd_text.h"

#include "base/list.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINES = 64, SHARE_DIGITS = 12 };  // lines of a packet

struct told {
    struct list node;
    const struct metric_series *series;
    bool is_told;
    int64_t value;
    uint64_t *counts;  // owned, HISTOGRAM_BUCKETS of them; NULL for other types
};

struct statsd_memory {
    struct list told;  // struct told, in the registry's order
};

struct line_note {
    struct told *told;
    int bucket;  // -1 = not of a histogram
    int64_t value;
};

struct round {
    struct statsd_memory *memory;
    const struct statsd_style *style;
    struct list *at;  // the memory of the series before
    struct buf packet;
    struct buf head, tags;  // of the series: what stands before and behind its value
    struct line_note notes[MAX_LINES];  // of the lines in packet
    int n_notes;
    int packets_left;
    statsd_send_fn *send;
    void *arg;
    int rc;
};

struct statsd_memory *statsd_memory_new(void)
{
    struct statsd_memory *m = mem_new(struct statsd_memory);
    list_init(&m->told);
    return m;
}

void statsd_memory_free(struct statsd_memory *m)
{
    struct list *node;
    while (m && (node = list_pop_front(&m->told))) {
        struct told *t = container_of(node, struct told, node);
        free(t->counts);
        free(t);
    }
    free(m);
}

// ---- packets

static void note_lines(struct round *r)
{
    for (int i = 0; i < r->n_notes; i++) {
        const struct line_note *n = &r->notes[i];
        if (n->bucket < 0) {
            n->told->value = n->value;
            n->told->is_told = true;
        } else {
            n->told->counts[n->bucket] = (uint64_t)n->value;
        }
    }
}

static void send_packet(struct round *r)
{
    if (r->rc == 0 && r->packet.len > 0) {
        r->rc = r->packets_left-- > 0
                    ? r->send(r->arg, buf_str(&r->packet), r->packet.len)
                    : E_TOOBIG;
    }
    if (r->rc == 0) {
        note_lines(r);
    }
    r->n_notes = 0;
    buf_clear(&r->packet);
}

// Names, label values and the prefix are bounded, so that any line fits a packet.
static void add_line(struct round *r, const char *value, struct line_note note)
{
    size_t len = r->head.len + strlen(value) + r->tags.len + 1;
    assert(len <= STATSD_PACKET_BYTES);
    if (r->packet.len + len > STATSD_PACKET_BYTES || r->n_notes == MAX_LINES) {
        send_packet(r);
    }
    if (r->rc == 0) {
        r->rc = buf_printf(&r->packet, "%s%s%s%s", r->packet.len ? "\n" : "",
                           buf_str(&r->head), value, buf_str(&r->tags));
        r->notes[r->n_notes++] = note;
    }
}

// ---- names

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-';
}

static void put(struct round *r, struct buf *out, const char *s)
{
    r->rc = r->rc ? r->rc : buf_add_str(out, s);
}

// Dots part names; a prefix has its own.
static void put_name(struct round *r, const char *s, bool may_have_dots)
{
    put(r, &r->head, *s ? "" : "none");
    for (; *s; s++) {
        const char one[] = {is_plain(*s) || (may_have_dots && *s == '.') ? *s : '_', 0};
        put(r, &r->head, one);
    }
}

static void put_tag(struct round *r, const char *name, const char *value)
{
    put(r, &r->tags, r->tags.len ? "," : "|#");
    put(r, &r->tags, name);
    put(r, &r->tags, ":");
    for (; *value; value++) {
        bool is_sign = (unsigned char)*value < ' ' || strchr("|,#", *value);
        const char one[] = {is_sign ? '_' : *value, 0};
        put(r, &r->tags, one);
    }
}

static void name_series(struct round *r, const struct metric_row *row,
                        const char *const *values)
{
    buf_clear(&r->head);
    buf_clear(&r->tags);
    if (*r->style->prefix) {
        put_name(r, r->style->prefix, true);
    }
    put_name(r, row->name, false);
    for (int i = 0; i < METRIC_MAX_LABELS && row->labels[i]; i++) {
        if (r->style->has_tags) {
            put_tag(r, row->labels[i], values[i]);
        } else {
            put(r, &r->head, ".");
            put_name(r, values[i], false);
        }
    }
    put(r, &r->head, ":");
}

// ---- lines

// What was set back has begun anew.
static int64_t growth(int64_t now, int64_t had)
{
    return now >= had ? now - had : now;
}

// A gauge with a sign in front would be a change: a negative one is set to 0 in one line and
// changed by the next, which is part of the same value here.
static void tell_number(struct round *r, struct told *t, const struct metric_row *row)
{
    int64_t now = metric_value(t->series);
    bool is_counter = row->type == METRIC_COUNTER;
    if (t->is_told ? now == t->value : is_counter && now == 0) {
        return;
    }
    struct buf value;
    buf_init(&value, STATSD_PACKET_BYTES);
    if (!is_counter && now < 0) {
        add_line(r, "0|g", (struct line_note){t, -1, 0});
    }
    r->rc = r->rc ? r->rc
                  : metrics_number(row->unit, is_counter ? growth(now, t->value) : now,
                                   &value);
    put(r, &value, is_counter ? "|c" : "|g");
    if (r->rc == 0) {
        add_line(r, buf_str(&value), (struct line_note){t, -1, now});
    }
    buf_fini(&value);
}

// Servers take one divided by the share as how many there were and cut what stands behind the
// point: the share is cut too, not rounded, so that the count is never one too few.
static void put_share(struct round *r, struct buf *value, uint64_t n)
{
    char digits[SHARE_DIGITS + 1];
    uint64_t rest = 1;
    for (int i = 0; i < SHARE_DIGITS; i++) {
        rest *= 10;
        digits[i] = (char)('0' + rest / n);
        rest %= n;
    }
    digits[SHARE_DIGITS] = 0;
    put(r, value, "|@0.");
    put(r, value, digits);
}

static void tell_bucket(struct round *r, struct told *t, const struct metric_row *row,
                        int bucket)
{
    int64_t now = (int64_t)histogram_bucket(metric_histogram(t->series), bucket);
    int64_t n = growth(now, (int64_t)t->counts[bucket]);
    bool is_time = row->unit == METRIC_SECONDS;  // StatsD's are in milliseconds
    if (n == 0 || r->rc) {
        return;
    }
    struct buf value;
    buf_init(&value, STATSD_PACKET_BYTES);
    r->rc = metrics_number(row->unit,
                           histogram_bucket_value(bucket) * (is_time ? 1000 : 1), &value);
    put(r, &value, is_time || !r->style->has_tags ? "|ms" : "|h");
    if (n > 1) {
        put_share(r, &value, (uint64_t)n);
    }
    if (r->rc == 0) {
        add_line(r, buf_str(&value), (struct line_note){t, bucket, now});
    }
    buf_fini(&value);
}

static struct told *recall(struct round *r, const struct metric_series *s)
{
    struct list *next = r->at->next;
    if (next != &r->memory->told && container_of(next, struct told, node)->series == s) {
        r->at = next;
        return container_of(next, struct told, node);
    }
    struct told *t = mem_new(struct told);
    t->series = s;
    if (metric_histogram(s)) {
        t->counts = mem_zero(sizeof(*t->counts) * HISTOGRAM_BUCKETS);
    }
    list_insert(r->at, &t->node);
    r->at = &t->node;
    return t;
}

static void on_series(void *arg, const struct metric_row *row, const char *const *values,
                      const struct metric_series *s)
{
    struct round *r = arg;
    struct told *t = recall(r, s);
    if (r->rc) {
        return;
    }
    name_series(r, row, values);
    if (!t->counts) {
        tell_number(r, t, row);
        return;
    }
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        tell_bucket(r, t, row, i);
    }
}

int statsd_tell(struct statsd_memory *m, const struct metrics *all,
                const struct statsd_style *style, int max_packets, statsd_send_fn *send,
                void *arg)
{
    struct round r = {.memory = m,
                      .style = style,
                      .at = &m->told,
                      .packets_left = max_packets,
                      .send = send,
                      .arg = arg};
    buf_init(&r.packet, STATSD_PACKET_BYTES);
    buf_init(&r.head, STATSD_PACKET_BYTES);
    buf_init(&r.tags, STATSD_PACKET_BYTES);
    metrics_each(all, on_series, &r);
    send_packet(&r);
    buf_fini(&r.packet);
    buf_fini(&r.head);
    buf_fini(&r.tags);
    return r.rc;
}
