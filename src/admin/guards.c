// guards.c -- what a request must pass before anything is done for it.
//
// In this order, so that nobody learns more than needed: host, climbing paths, origin, path and
// method, key, rate, scope, size, names of parameters.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"

#include "base/log.h"
#include "base/utf8.h"
#include "origin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PARAM_MAX = 4096 };

// ---- failed attempts

// Told once a moment for each peer, so that nobody can fill the log.
void guards_note(struct exchange *x, const char *event, const char *why)
{
    struct admin *a = x->admin;
    const char *peer = httpd_peer(x->http);
    int64_t now = loop_now_ms(vlmd_loop(a->v));
    a->denied++;
    if (limit_take(&a->failures, peer, now).is_allowed) {
        log_warn("security", "event=%s peer=%s method=%s correlation=%s %s", event, peer,
                 httpd_method(x->http), x->correlation, why);
    }
}

static bool refuse_key(struct exchange *x, const char *event, const char *why)
{
    guards_note(x, event, why);
    reply_header(x, "WWW-Authenticate", "Bearer realm=\"vlmd\"");
    reply_error(x, 401, NULL, "%s (see `vlmd token`; in a browser: `vlmd open`)", why);
    return false;
}

// ---- paths that climb

// "..", as it came or written otherwise; no path reaches the disk, but who tries is told of.
static bool climbs(const char *path)
{
    static const char between[] = "/\\";
    if (!strstr(path, "..") && !strchr(path, '%')) {
        return false;  // nearly all, at little cost
    }
    for (const char *at = path; *at; at += strspn(at, between)) {
        size_t n = strcspn(at, between);
        if ((n == 2 && strncmp(at, "..", 2) == 0) ||
            (n >= 6 && strncasecmp(at, "%2e%2e", 6) == 0)) {
            return true;
        }
        at += n;
    }
    return false;
}

static bool pass_climbing(struct exchange *x)
{
    if (!climbs(httpd_path(x->http))) {
        return true;
    }
    guards_note(x, "path_refused", "a path that climbs out of its folder");
    reply_error(x, 404, NULL, "there is nothing here (see /openapi.json)");
    return false;
}

// ---- host and origin

static bool pass_host(struct exchange *x)
{
    const char *host = httpd_header(x->http, "Host");
    if (httpd_is_own_user(x->http) || origin_is_host(host, x->admin->config->hosts)) {
        return true;
    }
    guards_note(x, "host_refused", "a name that is not this machine's");
    reply_error(x, 403, "Host",
                "this host name is not known here (admin.hosts may name it)");
    return false;
}

bool request_is_change(const struct exchange *x)
{
    const char *method = httpd_method(x->http);
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

// Whose credentials the browser adds by itself must show that the page itself asks.
static bool pass_origin(struct exchange *x)
{
    const char *origin = httpd_header(x->http, "Origin");
    const char *site = httpd_header(x->http, "Sec-Fetch-Site");
    bool by_browser = x->who.kind == AUTH_COOKIE || x->who.kind == AUTH_OPEN ||
                      (x->route && x->route->scope == ADMIN_NOTHING);
    bool is_look_at_page =
        x->route && x->route->scope == ADMIN_NOTHING && !request_is_change(x) && !origin;
    if (is_look_at_page || origin_is_own(origin, site, httpd_header(x->http, "Host"),
                                         by_browser && request_is_change(x))) {
        return true;
    }
    guards_note(x, "origin_refused", "a page of another origin");
    reply_error(x, 403, "Origin", "requests of other web pages are not answered");
    return false;
}

// ---- keys

static const char *given_key(const struct exchange *x)
{
    const char *header = httpd_header(x->http, "Authorization");
    if (header && strncasecmp(header, "Bearer ", 7) == 0) {
        return header + 7 + strspn(header + 7, " ");
    }
    return header ? "" : httpd_header(x->http, "X-API-Key");
}

static bool is_over_limit(struct exchange *x)
{
    const struct admin *a = x->admin;
    int64_t now = loop_now_ms(vlmd_loop(a->v));
    struct limit_state s = limit_look(&a->failures, httpd_peer(x->http), now);
    char text[32];
    // On this machine it would lock its own user out, and nobody guesses 256 bits.
    if (s.is_allowed || httpd_is_local(x->http)) {
        return false;
    }
    snprintf(text, sizeof(text), "%" PRId64, s.retry_ms / 1000 + 1);
    reply_header(x, "Retry-After", text);
    reply_error(x, 429, NULL, "too many failed attempts");
    return true;
}

// One that has expired was good once: told apart from one that was made up.
static bool refuse_given(struct exchange *x, bool has_expired, bool is_key)
{
    const char *event = has_expired ? "auth_expired" : "auth_failed";
    return refuse_key(x, event,
                      !is_key       ? "the session has ended"
                      : has_expired ? "this key has expired"
                                    : "this key is not valid");
}

static bool pass_key(struct exchange *x)
{
    struct admin *a = x->admin;
    int64_t now_s = loop_wall_ms() / 1000;
    const char *key = given_key(x), *cookie = httpd_cookie(x->http, "vlmd_session");
    if (is_over_limit(x)) {
        return false;
    }
    if (key || cookie) {
        int rc = auth_check(&a->auth, key ? key : cookie, !key, now_s, &x->who);
        return rc == 0 || refuse_given(x, rc == E_DEADLINE, key != NULL);
    }
    if (httpd_is_own_user(x->http) || !a->config->needs_key) {
        x->who = (struct auth_who){
            .scopes = AUTH_READ | AUTH_SUBMIT | AUTH_ADMIN,
            .kind = httpd_is_own_user(x->http) ? AUTH_SOCKET : AUTH_OPEN,
        };
        snprintf(x->who.name, sizeof(x->who.name), "%s", auth_kind_name(x->who.kind));
        return true;
    }
    return refuse_key(x, "auth_failed", "a key is needed");
}

static bool pass_rate(struct exchange *x)
{
    struct admin *a = x->admin;
    a->rate.per_min = a->config->requests_per_min;  // it may be another one by now
    struct limit_state s =
        limit_take(&a->rate, x->who.name, loop_now_ms(vlmd_loop(a->v)));
    char text[32];
    if (!s.limit) {
        return true;
    }
    snprintf(text, sizeof(text), "%d", s.limit);
    reply_header(x, "X-RateLimit-Limit", text);
    snprintf(text, sizeof(text), "%d", s.remaining);
    reply_header(x, "X-RateLimit-Remaining", text);
    snprintf(text, sizeof(text), "%" PRId64, (loop_wall_ms() + s.reset_ms + 999) / 1000);
    reply_header(x, "X-RateLimit-Reset", text);
    if (s.is_allowed) {
        return true;
    }
    snprintf(text, sizeof(text), "%" PRId64, s.retry_ms / 1000 + 1);
    reply_header(x, "Retry-After", text);
    reply_error(x, 429, NULL, "more than %d requests a minute with this key (admin.rate)",
                s.limit);
    return false;
}

static bool pass_scope(struct exchange *x)
{
    char needed[64];
    if (auth_may(&x->who, (enum auth_scope)x->route->scope)) {
        return true;
    }
    auth_scopes_text(x->route->scope, needed, sizeof(needed));
    guards_note(x, "scope_refused", "the key's scope does not allow it");
    reply_error(x, 403, NULL, "the key \"%s\" has not the scope %s", x->who.name, needed);
    return false;
}

// ---- shape

static bool pass_size(struct exchange *x)
{
    int64_t announced = httpd_body_length(x->http);
    size_t max = route_max_body(x);
    if (announced <= (int64_t)max || announced == HTTPD_NO_LENGTH) {
        return true;
    }
    reply_error(x, 413, NULL, "the body may have %zu bytes here, not %" PRId64, max,
                announced);
    return false;
}

struct check {
    struct exchange *x;
    char name[64];
    const char *wrong;
};

static bool check_param(void *arg, const char *name, const char *value)
{
    struct check *c = arg;
    size_t len = strlen(value);
    snprintf(c->name, sizeof(c->name), "%s", name);
    c->wrong = !known_name(c->x->route->params, name) ? "there is no such parameter here"
               : len > PARAM_MAX                      ? "is too long"
               : !utf8_is_valid(value, len)           ? "is not UTF-8"
                                                      : NULL;
    return c->wrong == NULL;
}

static bool pass_params(struct exchange *x)
{
    struct check c = {.x = x};
    httpd_params(x->http, check_param, &c);
    if (!c.wrong) {
        return true;
    }
    size_t len = strlen(c.name);
    reply_error(x, 400, utf8_is_valid(c.name, len) ? c.name : "?", "%s", c.wrong);
    return false;
}

static bool pass_route(struct exchange *x)
{
    char allowed[64];
    route_find(x, httpd_method(x->http), httpd_path(x->http), allowed, sizeof(allowed));
    if (x->route) {
        return true;
    }
    if (allowed[0]) {
        reply_header(x, "Allow", allowed);
        reply_error(x, 405, NULL, "possible here: %s", allowed);
    } else {
        reply_error(x, 404, NULL, "there is nothing here (see /openapi.json)");
    }
    return false;
}

static bool pass_head(struct exchange *x)
{
    if (!httpd_is_head_too_big(x->http)) {
        return true;
    }
    guards_note(x, "head_refused", "its head is too large");
    reply_error(x, 431, NULL, "the address and the headers are too long");
    return false;
}

// Of something that was no request; whose it was is not known.
void guards_note_refused(struct admin *a, int status)
{
    if (limit_take(&a->failures, "(malformed)", loop_now_ms(vlmd_loop(a->v)))
            .is_allowed) {
        log_warn("security", "event=request_refused status=%d %s", status,
                 status == 431 || status == 414 || status == 413 ? "it was too large"
                                                                 : "it was no request");
    }
}

bool guards_pass(struct exchange *x)
{
    if (!pass_head(x) || !pass_host(x) || !pass_climbing(x)) {
        return false;
    }
    // Who may not look learns nothing of what there is.
    route_find(x, httpd_method(x->http), httpd_path(x->http), (char[64]){0}, 64);
    bool is_open = x->route && x->route->scope == ADMIN_NOTHING;
    if (!is_open && !pass_key(x)) {
        return false;
    }
    return pass_origin(x) && (is_open || pass_rate(x)) && pass_route(x) &&
           (is_open || pass_scope(x)) && pass_size(x) && pass_params(x);
}
