// gate.c -- the privacy gate: what the rules and the policy say about one job.
//
// Turns a job into what the rules are asked about.  Decides nothing itself.
// SPDX-License-Identifier: MIT
#include "gate.h"

#include "pipeline.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

// The local time a picture was taken at, else last written.  false: not known.
static bool find_minute(const struct job *j, int *minute_of_week)
{
    int64_t at_ms = j->meta.taken_at_ms;
    if (at_ms == 0 && !j->row.is_url) {
        at_ms = j->row.mtime_ns / 1000000;
    }
    time_t at = (time_t)(at_ms / 1000);
    struct tm tm;
    if (at_ms <= 0 || !localtime_r(&at, &tm)) {
        return false;
    }
    *minute_of_week = ((tm.tm_wday + 6) % 7 * 24 + tm.tm_hour) * 60 + tm.tm_min;
    return true;
}

// A text that fills its field was cut, but for a character of up to four bytes.
static unsigned cut_mark(enum privacy_field f, const char *text, size_t size)
{
    return strlen(text) + 4 >= size ? 1u << f : 0;
}

static struct privacy_subject subject_of(const struct job *j)
{
    const struct ingest_meta *m = &j->meta;
    struct privacy_subject s = {
        .app = m->app,
        .window = m->window,
        .path = j->row.path,
        .url = m->url,
        .screen = m->screen,
        .cut = cut_mark(PRIVACY_APP, m->app, sizeof(m->app)) |
               cut_mark(PRIVACY_WINDOW, m->window, sizeof(m->window)) |
               cut_mark(PRIVACY_URL, m->url, sizeof(m->url)) |
               cut_mark(PRIVACY_SCREEN, m->screen, sizeof(m->screen)),
    };
    s.has_minute = find_minute(j, &s.minute_of_week);
    return s;
}

bool gate_is_denied(const struct job *j, char *why, size_t size)
{
    struct privacy_subject s = subject_of(j);
    struct privacy_reason reason;
    s.has_minute = false;  // when it was taken may still be inside the file
    bool is_denied = privacy_is_denied(j->pipeline->config.rules, &s, &reason);
    snprintf(why, size, "%s", reason.why);
    return is_denied;
}

bool gate_is_excluded(const struct job *j, char *why, size_t size)
{
    struct privacy_subject s = subject_of(j);
    struct privacy_reason reason;
    bool is_excluded = privacy_is_excluded(j->pipeline->config.rules, &s, &reason);
    snprintf(why, size, "%s", reason.why);
    return is_excluded;
}

bool gate_may_send(struct ask *a, bool is_remote, char *why, size_t size)
{
    const struct job *j = container_of(a, struct job, ask);
    return !gate_is_excluded(j, why, size) &&
           privacy_may_go(j->pipeline->config.policy, is_remote, why, size);
}
