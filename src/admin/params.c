// params.c -- parameters of the query and members of a JSON body, checked one by one.
//
// What is wrong is answered at once, with its name.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"
#include "share.h"

#include "base/err.h"
#include "base/utf8.h"
#include "face/timefmt.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1000, PATH_MAX_BYTES = 4096 };

bool known_name(const char *names, const char *name)
{
    size_t len = strlen(name);
    while (names && *names) {
        size_t n = strcspn(names, " ");
        if (n == len && strncmp(names, name, n) == 0) {
            return true;
        }
        names += n;
        names += *names == ' ';
    }
    return false;
}

// ---- the query

const char *param_text(const struct exchange *x, const char *name)
{
    return x->http ? httpd_param(x->http, name) : share_param(x, name);
}

static bool parse_int(const char *s, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoll(s, &end, 10);
    return *s && !*end && errno == 0 && *s != ' ' && *s != '+';
}

bool param_int(struct exchange *x, const char *name, int64_t min, int64_t max,
               int64_t fallback, int64_t *out)
{
    const char *s = param_text(x, name);
    *out = fallback;
    if (!s || (parse_int(s, out) && *out >= min && *out <= max)) {
        return true;
    }
    reply_error(x, 400, name, "%s is a number from %lld to %lld", name, (long long)min,
                (long long)max);
    return false;
}

// Index of text in "a|b|c", or -1.
static int index_of(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (int i = 0;; i++) {
        size_t n = strcspn(choices, "|");
        if (n == len && strncmp(choices, text, n) == 0) {
            return i;
        }
        if (!choices[n]) {
            return -1;
        }
        choices += n + 1;
    }
}

static bool choose(struct exchange *x, const char *name, const char *choices,
                   const char *text, int *out)
{
    *out = index_of(choices, text);
    if (*out < 0) {
        reply_error(x, 400, name, "%s is one of %s", name, choices);
    }
    return *out >= 0;
}

bool param_choice(struct exchange *x, const char *name, const char *choices, int fallback,
                  int *out)
{
    const char *s = param_text(x, name);
    *out = fallback;
    return !s || choose(x, name, choices, s, out);
}

// Unix milliseconds (more digits than a year has), else what a person types.
static bool parse_time(struct exchange *x, const char *name, const char *s, bool is_end,
                       int64_t *out)
{
    bool is_number = strlen(s) > 9 && parse_int(s, out) && *out > 0;
    if (is_number || time_parse(s, time_wall_ms(), is_end, out)) {
        return true;
    }
    reply_error(x, 400, name,
                "%s is a time: 2026-11-21, 2026-11-21T10:00:00Z, today, 2h, unix ms",
                name);
    return false;
}

bool param_time(struct exchange *x, const char *name, bool is_end, int64_t *out)
{
    const char *s = param_text(x, name);
    *out = 0;
    return !s || !*s || parse_time(x, name, s, is_end, out);
}

static bool is_short(struct exchange *x, const char *name, const char *s, size_t max)
{
    if (!s || strlen(s) <= max) {
        return true;
    }
    reply_error(x, 400, name, "%s is too long (at most %zu bytes)", name, max);
    return false;
}

#define STATES   "queued|leased|ended"
#define OUTCOMES "answered|cached|duplicate|blocked|skipped|failed"

static const char *or_null(const char *s)
{
    return s && *s ? s : NULL;
}

// That of a job; those of requests are in no row.
static bool is_job_id(struct exchange *x, const char *name, const char *s)
{
    if (!s || (strlen(s) <= 16 && !s[strspn(s, "0123456789abcdefABCDEF")])) {
        return true;
    }
    reply_error(x, 400, name, "%s is up to 16 hex digits", name);
    return false;
}

bool param_is_class(struct exchange *x, const char *name, const char *s)
{
    if (!s || !*s || err_by_name(s)) {
        return true;
    }
    reply_error(x, 400, name, "there is no class \"%.40s\" (see `vlmd status`)", s);
    return false;
}

// Texts, and that the words among them exist.
static bool check_query(struct exchange *x, struct vlmd_query *q)
{
    int ignored;
    return is_short(x, "q", q->text, TEXT_MAX) && is_short(x, "app", q->app, TEXT_MAX) &&
           is_short(x, "tag", q->tag, TEXT_MAX) &&
           is_short(x, "path", q->path, PATH_MAX_BYTES) &&
           (!q->state || choose(x, "state", STATES, q->state, &ignored)) &&
           (!q->outcome || choose(x, "outcome", OUTCOMES, q->outcome, &ignored)) &&
           param_is_class(x, "class", q->error_class) &&
           is_job_id(x, "correlation_id", q->correlation_id);
}

bool param_query(struct exchange *x, struct vlmd_query *q)
{
    int degraded = 0;
    *q = (struct vlmd_query){
        .text = or_null(param_text(x, "q")),
        .app = or_null(param_text(x, "app")),
        .tag = or_null(param_text(x, "tag")),
        .path = or_null(param_text(x, "path")),
        .state = or_null(param_text(x, "state")),
        .outcome = or_null(param_text(x, "outcome")),
        .error_class = or_null(param_text(x, "class")),
        .correlation_id = or_null(param_text(x, "correlation_id")),
    };
    bool is_good = check_query(x, q) && param_time(x, "since", false, &q->since_ms) &&
                   param_time(x, "until", true, &q->until_ms) &&
                   param_choice(x, "degraded", "false|true", 0, &degraded);
    q->only_degraded = degraded == 1;
    return is_good;
}

// ---- a body

bool body_object(struct exchange *x, const char *known, struct cJSON **out)
{
    struct buf *body = NULL;
    *out = NULL;
    if (httpd_body(x->http, &body)) {
        reply_error(x, 413, NULL, "the body is too large");
        return false;
    }
    bool is_text = utf8_is_valid(buf_str(body), body->len);
    struct cJSON *o = is_text && body->len ? json_parse(buf_str(body), body->len) : NULL;
    if (!cJSON_IsObject(o)) {
        json_free(o);
        reply_error(x, 400, NULL, "the body is a JSON object");
        return false;
    }
    for (const cJSON *m = o->child; m; m = m->next) {
        if (!known_name(known, m->string)) {
            reply_error(x, 400, m->string, "there is no such member here");
            json_free(o);
            return false;
        }
    }
    *out = o;
    return true;
}

bool body_text(struct exchange *x, const struct cJSON *o, const char *name, size_t max,
               const char **out)
{
    const cJSON *m = json_get(o, name);
    *out = NULL;
    if (!m || cJSON_IsNull(m)) {
        return true;
    }
    if (!cJSON_IsString(m)) {
        reply_error(x, 400, name, "%s is a text", name);
        return false;
    }
    *out = or_null(m->valuestring);
    return is_short(x, name, *out, max);
}

bool body_time(struct exchange *x, const struct cJSON *o, const char *name, bool is_end,
               int64_t *out)
{
    const char *text = NULL;
    *out = 0;
    return body_text(x, o, name, 64, &text) &&
           (!text || parse_time(x, name, text, is_end, out));
}

bool body_bool(struct exchange *x, const struct cJSON *o, const char *name, bool *out)
{
    const cJSON *m = json_get(o, name);
    *out = cJSON_IsTrue(m);
    if (!m || cJSON_IsBool(m)) {
        return true;
    }
    reply_error(x, 400, name, "%s is true or false", name);
    return false;
}

bool body_query(struct exchange *x, const struct cJSON *o, struct vlmd_query *q)
{
    *q = (struct vlmd_query){0};
    return body_text(x, o, "q", TEXT_MAX, &q->text) &&
           body_text(x, o, "app", TEXT_MAX, &q->app) &&
           body_text(x, o, "tag", TEXT_MAX, &q->tag) &&
           body_text(x, o, "path", PATH_MAX_BYTES, &q->path) &&
           body_text(x, o, "state", 64, &q->state) &&
           body_text(x, o, "outcome", 64, &q->outcome) &&
           body_text(x, o, "class", 64, &q->error_class) &&
           body_time(x, o, "since", false, &q->since_ms) &&
           body_time(x, o, "until", true, &q->until_ms) &&
           body_bool(x, o, "degraded", &q->only_degraded) && check_query(x, q);
}
