// gate_keep.c -- what is kept of a picture is cleaned, and what was decided about it noted.
// SPDX-License-Identifier: MIT
#include "spine/gate.h"

#include "base/json.h"
#include "base/mem.h"
#include "privacy/redact.h"
#include "privacy/unescape.h"
#include "spine/gate_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A server's words are given to MOST_WORDS and more, so that what stands at their end is whole.
enum { MOST_TEXT = 16 << 20, MOST_WORDS = 240 };

// ---- cleaning

unsigned gate_kept_back(const struct privacy_policy *p)
{
    unsigned set = 0;
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        if (p->local.action[i] >= PRIVACY_DO_MASK) {
            set |= 1u << i;
        }
    }
    return set;
}

static unsigned kept_back(const struct gate_config *c)
{
    return c->kept_back ? atomic_load(c->kept_back) : gate_kept_back(c->policy);
}

// 0: out holds the clean text, or is empty when nothing had to be replaced.
static int redact(const struct gate *g, const char *text, struct buf *out,
                  int counts[PRIVACY_CATEGORIES])
{
    buf_init(out, MOST_TEXT);
    int rc = privacy_redact(g->config->finder, text, kept_back(g->config), out, counts);
    int n = 0;
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        n += counts[i];
    }
    if (rc || n == 0) {
        buf_clear(out);
    }
    return rc;
}

static int clean(struct gate *g, const char *text, struct buf *out)
{
    int counts[PRIVACY_CATEGORIES] = {0};
    int rc = redact(g, text, out, counts);
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        g->cleaned[i] += counts[i];
    }
    return rc;
}

void gate_clean(struct gate *g, char **text)
{
    struct buf out;
    if (!*text || !**text) {
        return;
    }
    int rc = clean(g, *text, &out);
    if (rc || out.len) {
        free(*text);
        *text = mem_dup(rc ? "" : buf_str(&out));
    }
    buf_fini(&out);
}

void gate_clean_json(struct gate *g, char **text)
{
    gate_clean(g, text);
    struct cJSON *json = *text ? json_parse(*text, strlen(*text)) : NULL;
    if (*text && !json) {
        free(*text);
        *text = mem_dup("[]");
    }
    json_free(json);
}

void gate_clean_buf(struct gate *g, struct buf *text)
{
    struct buf out;
    if (text->len == 0) {
        return;
    }
    int rc = clean(g, buf_str(text), &out);
    if (rc) {
        buf_clear(text);
    } else if (out.len) {
        buf_take(text, &out);
    }
    buf_fini(&out);
}

void gate_clean_array(struct gate *g, char *text, size_t size)
{
    struct buf out;
    if (!*text) {
        return;
    }
    int rc = clean(g, text, &out);
    if (rc || out.len) {
        snprintf(text, size, "%s", rc ? "" : buf_str(&out));
    }
    buf_fini(&out);
}

// text becomes what is left of it as people read it, if something in that has to go.
static void clean_unescaped(struct gate *g, const char *plain, char *text, size_t size)
{
    struct buf out;
    const int rc = clean(g, plain, &out);
    if (rc || out.len) {
        snprintf(text, size, "%s", rc ? "" : buf_str(&out));
    }
    buf_fini(&out);
}

void gate_clean_title(struct gate *g, char *text, size_t size)
{
    const bool was_cut = gate_is_cut(text, size);
    struct buf plain;
    gate_clean_array(g, text, size);
    buf_init(&plain, size);
    if (privacy_unescape(text, &plain)) {
        clean_unescaped(g, buf_str(&plain), text, size);
    }
    buf_fini(&plain);
    if (was_cut && !gate_is_cut(text, size)) {
        const size_t len = strlen(text);
        memset(text + len, '.', size - 1 - len);
        text[size - 1] = '\0';
    }
}

void gate_clean_message(const struct gate *g, char *text, size_t size)
{
    struct buf out;
    int counts[PRIVACY_CATEGORIES] = {0};
    int rc = redact(g, text, &out, counts);
    if (rc || out.len) {
        snprintf(text, size, "%s", rc ? "" : buf_str(&out));
    }
    buf_fini(&out);
}

int gate_redact(const struct gate *g, const char *text, struct buf *out)
{
    int counts[PRIVACY_CATEGORIES] = {0};
    return privacy_redact(g->config->finder, text, kept_back(g->config), out, counts);
}

// What opens something, or stands for a person; an address of a host is no secret here.
static const uint32_t hidden_in_addresses =
    1u << PRIVACY_CARD | 1u << PRIVACY_IBAN | 1u << PRIVACY_SSN |
    1u << PRIVACY_NATIONAL_ID | 1u << PRIVACY_PASSWORD | 1u << PRIVACY_API_KEY |
    1u << PRIVACY_TOKEN | 1u << PRIVACY_JWT | 1u << PRIVACY_PRIVATE_KEY |
    1u << PRIVACY_SEED;

// 0: out is text with n placeholders.
static int redact_more(const struct gate_config *c, const char *text, struct buf *out,
                       int *n)
{
    int counts[PRIVACY_CATEGORIES] = {0};
    const int rc =
        privacy_redact(c->finder, text, hidden_in_addresses | kept_back(c), out, counts);
    *n = 0;
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        *n += counts[i];
    }
    return rc;
}

// The same as people read it: true, and out is that, when there is something in it.
static bool redact_unescaped(const struct gate_config *c, struct buf *out, int *rc)
{
    struct buf plain, clean;
    int n = 0;
    buf_init(&plain, out->max_bytes);
    buf_init(&clean, out->max_bytes);
    if (privacy_unescape(buf_str(out), &plain)) {
        *rc = redact_more(c, buf_str(&plain), &clean, &n);
    }
    if (n) {
        buf_take(out, &clean);
    }
    buf_fini(&plain);
    buf_fini(&clean);
    return n > 0;
}

// One that yields findings again and again is none that anybody needs to recognise.
bool gate_redact_address(void *config, const char *address, struct buf *out)
{
    int n;
    int rc = redact_more(config, address, out, &n);
    const bool is_hidden = rc == 0 && redact_unescaped(config, out, &rc);
    if (rc) {
        buf_clear(out);
        return buf_add_str(out, "[address]") == 0;
    }
    return n > 0 || is_hidden;
}

void gate_clean_meta(void *config, struct ingest_meta *m)
{
    struct gate g;
    gate_init(&g, config, "", m, 0);
    gate_clean_title(&g, m->window, sizeof(m->window));
    gate_clean_title(&g, m->url, sizeof(m->url));
    gate_clean_title(&g, m->app, sizeof(m->app));
    gate_clean_title(&g, m->screen, sizeof(m->screen));
    gate_fini(&g);
}

void gate_clean_words(void *config, char *words, size_t size)
{
    struct buf out;
    int n;
    const bool is_long = strlen(words) > MOST_WORDS;
    buf_init(&out, MOST_TEXT);
    const int rc = redact_more(config, words, &out, &n);
    if (rc || n) {
        snprintf(words, size, "%s", rc ? "" : buf_str(&out));
    }
    if (is_long && strlen(words) > MOST_WORDS) {
        size_t end = MOST_WORDS;
        while (end > 0 && ((unsigned char)words[end] & 0xc0) == 0x80) {
            end--;
        }
        words[end] = '\0';
    }
    buf_fini(&out);
}

int gate_cleaned(const struct gate *g)
{
    int n = 0;
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        n += g->cleaned[i];
    }
    return n;
}

// ---- notes

// "card=2 email=1"
static void say_counts(const int n[PRIVACY_CATEGORIES], char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        if (n[i] && used < size) {
            used +=
                (size_t)snprintf(out + used, size - used, "%s%s=%d", used ? " " : "",
                                 privacy_category_name((enum privacy_category)i), n[i]);
        }
    }
}

static void say_found(const struct gate *g, char *out, size_t size)
{
    int n[PRIVACY_CATEGORIES];
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        n[i] = g->found.inside[i] + g->found.outside[i];
    }
    say_counts(n, out, size);
}

struct gate_note *gate_note(struct gate *g, const char *stage, enum privacy_action a,
                            int64_t wall_ms)
{
    if (g->n_notes == g->notes_cap) {
        g->notes_cap = g->notes_cap ? 2 * g->notes_cap : 2;
        struct gate_note *more = mem_zero(sizeof(*more) * (size_t)g->notes_cap);
        if (g->n_notes) {
            memcpy(more, g->notes, sizeof(*more) * (size_t)g->n_notes);
        }
        free(g->notes);
        g->notes = more;
    }
    struct gate_note *n = &g->notes[g->n_notes++];
    *n = (struct gate_note){
        .at_ms = wall_ms, .stage = stage, .verdict = privacy_action_name(a)};
    say_found(g, n->categories, sizeof(n->categories));
    g->has_verdict = true;
    g->strictest = a > g->strictest ? a : g->strictest;
    return n;
}

void gate_note_blocked(struct gate *g, int64_t wall_ms)
{
    gate_note(g, "send", PRIVACY_DO_BLOCK, wall_ms);
}

static void say_destination(const char *name, bool is_remote, struct gate_note *n)
{
    snprintf(n->destination, sizeof(n->destination), "%.*s %s", GATE_NAME - 1, name,
             is_remote ? "remote" : "local");
}

static enum privacy_action action_for(const struct gate *g, bool is_remote)
{
    const enum privacy_action a = gate_judge(g, is_remote).action;
    return g->is_masked && a < PRIVACY_DO_MASK ? PRIVACY_DO_MASK : a;
}

void gate_note_sent(struct gate *g, const struct gate_destination *to,
                    const uint8_t sent_hash[IMAGE_HASH_BYTES], int64_t bytes,
                    int64_t wall_ms)
{
    struct gate_note *n = gate_note(g, "send", action_for(g, to->is_remote), wall_ms);
    n->bytes_sent = bytes;
    memcpy(n->sent_hash, sent_hash, sizeof(n->sent_hash));
    say_destination(to->name, to->is_remote, n);
}

// ---- rows

// The program's name is the only text from outside that the audit keeps.
static const char *told_app(struct gate *g)
{
    _Static_assert(sizeof(g->app) == sizeof(g->meta->app), "the same text");
    if (!g->app[0] && g->meta->app[0]) {
        memcpy(g->app, g->meta->app, sizeof(g->app));
        gate_clean_message(g, g->app, sizeof(g->app));
    }
    return g->app;
}

static void fill_row(struct gate *g, const struct gate_note *n,
                     struct store_audit_row *row)
{
    *row = (struct store_audit_row){
        .at_ms = n->at_ms,
        .verdict = n->verdict,
        .stage = n->stage,
        .categories = n->categories,
        .rules = n->rule,
        .app = told_app(g),
        .destination = n->destination,
        .bytes_sent = n->bytes_sent,
    };
    _Static_assert(sizeof(row->sent_hash) == sizeof(n->sent_hash), "the same hash");
    memcpy(row->sent_hash, n->sent_hash, sizeof(row->sent_hash));
}

void gate_fill_record(struct gate *g, const char *name, int64_t wall_ms,
                      struct store_audit_row *row)
{
    g->record = (struct gate_note){.at_ms = wall_ms,
                                   .stage = "intent",
                                   .verdict = privacy_action_name(action_for(g, true))};
    say_found(g, g->record.categories, sizeof(g->record.categories));
    say_destination(name, true, &g->record);
    fill_row(g, &g->record, row);
}

void gate_note_recorded(struct gate *g, const char *name)
{
    snprintf(g->recorded, sizeof(g->recorded), "%s", name);
}

int gate_rows(const struct gate *g)
{
    return g->n_notes + 1;
}

int gate_audit(struct gate *g, int64_t wall_ms, struct store_audit_row *rows)
{
    for (int i = 0; i < g->n_notes; i++) {
        fill_row(g, &g->notes[i], &rows[i]);
    }
    if (gate_cleaned(g) == 0) {
        return g->n_notes;
    }
    g->cleaning =
        (struct gate_note){.at_ms = wall_ms, .stage = "answer", .verdict = "redact"};
    say_counts(g->cleaned, g->cleaning.categories, sizeof(g->cleaning.categories));
    fill_row(g, &g->cleaning, &rows[g->n_notes]);
    return g->n_notes + 1;
}

const char *gate_verdict(const struct gate *g)
{
    return g->has_verdict ? privacy_action_name(g->strictest) : "";
}

char *gate_masks_text(const struct gate *g)
{
    struct buf out;
    int rc = 0;
    buf_init(&out, (size_t)(g->n_masks + 1) * 64);
    for (int i = 0; i < g->n_masks && rc == 0; i++) {
        const struct image_box *b = &g->masks[i];
        rc = buf_printf(&out, "%s%d,%d,%d,%d", i ? ";" : "", b->x, b->y, b->width,
                        b->height);
    }
    char *text = g->is_masked && rc == 0 ? mem_dup(buf_str(&out)) : NULL;
    buf_fini(&out);
    return text;
}
