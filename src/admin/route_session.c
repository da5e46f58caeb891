// route_session.c -- browsers: from a code or a key to a cookie that scripts can not read.
//
// `vlmd open` signs a code with the token's key, good for a minute and once.  The session
// is a JWT in the cookie: the server keeps nothing.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"

#include "base/log.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static const char cookie_rest[] = "HttpOnly; SameSite=Strict; Path=/";

static bool set_cookie(struct exchange *x, const struct auth_who *who)
{
    char jwt[JWT_MAX], cookie[JWT_MAX + 128];
    int64_t now_s = loop_wall_ms() / 1000, until_s = now_s + AUTH_SESSION_S;
    if (who->expires_s && who->expires_s < until_s && who->kind != AUTH_COOKIE) {
        until_s = who->expires_s;
    }
    if (auth_make_jwt(&x->admin->auth, who, "session", until_s, jwt, sizeof(jwt))) {
        reply_error(x, 500, NULL, "the session can not be made");
        return false;
    }
    snprintf(cookie, sizeof(cookie), "vlmd_session=%s; Max-Age=%lld; %s", jwt,
             (long long)(until_s - now_s), cookie_rest);
    reply_header(x, "Set-Cookie", cookie);
    return true;
}

static void write_who(struct exchange *x, const struct auth_who *who)
{
    static const char *const names[] = {"read", "submit", "admin"};
    reply_begin(x);
    json_object(&x->w, NULL);
    json_str(&x->w, "name", who->name);
    json_array(&x->w, "scopes");
    for (int i = 0; i < 3; i++) {
        if (who->scopes & 1u << i) {
            json_str(&x->w, NULL, names[i]);
        }
    }
    json_array_end(&x->w);
    face_time(&x->w, "expires_at", who->expires_s * 1000);
    json_str(&x->w, "kind", auth_kind_name(who->kind));
    json_object_end(&x->w);
}

void route_session(struct exchange *x)
{
    write_who(x, &x->who);
    reply_json(x, 200);
}

static void refuse(struct exchange *x, int code, const char *words)
{
    struct admin *a = x->admin;
    a->denied++;
    if (limit_take(&a->failures, httpd_peer(x->http), loop_now_ms(vlmd_loop(a->v)))
            .is_allowed) {
        log_warn("security", "event=login_failed peer=%s correlation=%s class=%s",
                 httpd_peer(x->http), x->correlation, err_name(code));
    }
    reply_error(x, 401, NULL, "%s (`vlmd open` makes a new code)",
                code == E_DEADLINE ? "it has expired" : words);
}

static bool is_over_limit(struct exchange *x)
{
    struct admin *a = x->admin;
    struct limit_state s =
        limit_look(&a->failures, httpd_peer(x->http), loop_now_ms(vlmd_loop(a->v)));
    if (s.is_allowed || httpd_is_local(x->http)) {
        return false;
    }
    reply_header(x, "Retry-After", "60");
    reply_error(x, 429, NULL, "too many failed attempts");
    return true;
}

void route_session_begin(struct exchange *x)
{
    struct cJSON *o = NULL;
    const char *token = NULL;
    struct auth_who who;
    if (is_over_limit(x) || !body_object(x, "token", &o)) {
        return;
    }
    if (!body_text(x, o, "token", JWT_MAX, &token)) {
        json_free(o);
        return;
    }
    int rc = token
                 ? auth_check(&x->admin->auth, token, false, loop_wall_ms() / 1000, &who)
                 : E_AUTH;
    json_free(o);
    if (rc) {
        refuse(x, rc, "this key is not valid");
    } else if (set_cookie(x, &who)) {
        write_who(x, &who);
        reply_json(x, 200);
    }
}

void route_session_end(struct exchange *x)
{
    char cookie[128];
    snprintf(cookie, sizeof(cookie), "vlmd_session=; Max-Age=0; %s", cookie_rest);
    reply_header(x, "Set-Cookie", cookie);
    reply_empty(x, 204);
}

// A redirect after a click elsewhere would not carry a strict cookie yet: a page of our own
// that goes on does.
void route_login(struct exchange *x)
{
    static const char go_on[] =
        "<!doctype html><meta charset=utf-8><title>vlmd</title>"
        "<meta http-equiv=refresh content=\"0;url=/\"><a href=\"/\">vlmd</a>\n";
    const char *code = httpd_param(x->http, "code");
    struct auth_who who;
    int rc = code ? auth_check_login(&x->admin->auth, code, loop_wall_ms() / 1000, &who)
                  : E_AUTH;
    if (is_over_limit(x)) {
        return;
    }
    if (rc) {
        refuse(x, rc, "this code is not valid, or was used");
        return;
    }
    who.expires_s = 0;  // of the code
    if (!set_cookie(x, &who)) {
        return;
    }
    reply_begin(x);
    if (buf_add_str(&x->out, go_on)) {
        reply_error(x, 500, NULL, "out of memory");
        return;
    }
    reply_header(x, "Cache-Control", "no-store");
    reply_header(x, "Content-Security-Policy",
                 "default-src 'none'; frame-ancestors 'none'");
    reply_bytes(x, 200, "text/html; charset=utf-8", &x->out);
}
