// gate.c -- asks the privacy rules and the policy, and remembers what they said.
//
// Decides nothing itself: rules.h and verdict.h do.
// SPDX-License-Identifier: MIT
#include "spine/gate.h"

#include "spine/gate_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void gate_init(struct gate *g, const struct gate_config *c, const char *path,
               const struct ingest_meta *meta, int64_t written_ms)
{
    *g = (struct gate){.config = c, .path = path, .meta = meta, .written_ms = written_ms};
}

void gate_fini(struct gate *g)
{
    free(g->masks);
    free(g->notes);
    g->masks = NULL;
    g->notes = NULL;
    g->n_masks = 0;
    g->n_notes = g->notes_cap = 0;
}

// ---- metadata

// The local time a picture was taken at, else last written.  false: not known.
static bool find_minute(const struct gate *g, int *minute_of_week)
{
    int64_t at_ms = g->meta->taken_at_ms > 0 ? g->meta->taken_at_ms : g->written_ms;
    time_t at = (time_t)(at_ms / 1000);
    struct tm tm;
    if (at_ms <= 0 || !localtime_r(&at, &tm)) {
        return false;
    }
    *minute_of_week = ((tm.tm_wday + 6) % 7 * 24 + tm.tm_hour) * 60 + tm.tm_min;
    return true;
}

bool gate_is_cut(const char *text, size_t size)
{
    return strlen(text) + 4 >= size;
}

static unsigned cut_mark(enum privacy_field f, const char *text, size_t size)
{
    return gate_is_cut(text, size) ? 1u << f : 0;
}

void gate_fill_subject(const struct gate *g, struct privacy_subject *s)
{
    const struct ingest_meta *m = g->meta;
    *s = (struct privacy_subject){
        .app = m->app,
        .window = m->window,
        .path = g->path,
        .url = m->url,
        .screen = m->screen,
        .cut = cut_mark(PRIVACY_APP, m->app, sizeof(m->app)) |
               cut_mark(PRIVACY_WINDOW, m->window, sizeof(m->window)) |
               cut_mark(PRIVACY_URL, m->url, sizeof(m->url)) |
               cut_mark(PRIVACY_SCREEN, m->screen, sizeof(m->screen)),
    };
    s->has_minute = find_minute(g, &s->minute_of_week);
}

// wall_ms 0: only asked, not noted.
static bool is_refused(struct gate *g, bool is_refused_by_rules,
                       const struct privacy_reason *reason, int64_t wall_ms, char *words,
                       size_t size)
{
    snprintf(words, size, "%s", is_refused_by_rules ? reason->why : "");
    if (is_refused_by_rules && wall_ms) {
        struct gate_note *n = gate_note(g, "meta", PRIVACY_DO_BLOCK, wall_ms);
        snprintf(n->rule, sizeof(n->rule), "%s", reason->rule);
    }
    return is_refused_by_rules;
}

bool gate_is_denied(struct gate *g, int64_t wall_ms, char *words, size_t size)
{
    struct privacy_subject s;
    struct privacy_reason reason;
    gate_fill_subject(g, &s);
    s.has_minute = false;  // when it was taken may still be inside the file
    bool is_denied = privacy_is_denied(g->config->rules, &s, &reason);
    return is_refused(g, is_denied, &reason, wall_ms, words, size);
}

// A picture that was blocked has lost its title: what the rules said of it may have been the
// reason.  The file may tell it again.
static bool lacks_title(const struct gate *g, struct privacy_reason *reason)
{
    if (!g->has_lost_meta || g->meta->window[0]) {
        return false;
    }
    snprintf(reason->rule, sizeof(reason->rule), "blocked before");
    snprintf(
        reason->why, sizeof(reason->why),
        "it was blocked before, and its window title is not kept to be judged again");
    return true;
}

bool gate_is_excluded(struct gate *g, int64_t wall_ms, char *words, size_t size)
{
    struct privacy_subject s;
    struct privacy_reason reason;
    gate_fill_subject(g, &s);
    bool is_excluded =
        privacy_is_excluded(g->config->rules, &s, &reason) || lacks_title(g, &reason);
    return is_refused(g, is_excluded, &reason, wall_ms, words, size);
}

// ---- destinations

bool gate_needs_text(const struct gate *g)
{
    return privacy_needs_text(g->config->policy, false);
}

struct privacy_verdict gate_judge(const struct gate *g, bool is_remote)
{
    struct privacy_verdict v =
        privacy_judge(g->config->policy, &g->found, g->is_text_known, is_remote);
    if (v.action == PRIVACY_DO_MASK && g->has_lost_place) {
        v.action = PRIVACY_DO_BLOCK;
        v.masked = 0;
        snprintf(v.why, sizeof(v.why), "where something stands in it is not known");
    }
    return v;
}

bool gate_must_mask(const struct gate *g)
{
    return g->n_masks > 0 && !g->is_masked;
}

// Only the text is missing, and it has not been tried to read it.
static bool waits_for_text(const struct gate *g, bool is_remote)
{
    return privacy_needs_text(g->config->policy, is_remote) && !g->is_text_known &&
           !g->is_text_lacking;
}

struct gate_pass gate_may_send(struct gate *g, const struct gate_destination *to)
{
    struct gate_pass pass = {0};
    if (gate_is_excluded(g, 0, pass.why, sizeof(pass.why)) ||
        !privacy_may_go(g->config->policy, to->is_remote, pass.why, sizeof(pass.why))) {
        return pass;
    }
    if (waits_for_text(g, to->is_remote)) {
        g->wants_text = true;
        snprintf(pass.why, sizeof(pass.why), "its text has to be read first");
        return pass;
    }
    const struct privacy_verdict v = gate_judge(g, to->is_remote);
    snprintf(pass.why, sizeof(pass.why), "%s", v.why);
    pass.may = v.action != PRIVACY_DO_BLOCK && !gate_must_mask(g);
    pass.is_safe = v.action >= PRIVACY_DO_SAFE_PROMPT;
    pass.is_unknown = to->is_remote && strcmp(g->recorded, to->name) != 0;
    return pass;
}
