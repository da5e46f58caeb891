// test_e2e_health.c -- how vlmd is, asked over HTTP, against its description.
// SPDX-License-Identifier: MIT
#include "base/json.h"
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rig {
    struct fake f;
    struct proc *run;
    struct backend http;  // the interface, as the client of the tests wants it
    cJSON *described;     // openapi.json
};

static void begin(struct place *p, struct rig *r, const char *backend_flags)
{
    static const char *const env[] = {"VLMD_ADMIN_LISTEN=127.0.0.1:0",
                                      "VLMD_ADMIN_AUTH=no", NULL};
    const struct spawn how = {.env = env};
    struct reply reply;
    memset(r, 0, sizeof(*r));
    fake_start(p, &r->f, backend_flags);
    make_folder(place_path(p, "in"));
    r->run = VLMD_START_WITH(p, &how, "watch", "--json", "--backend", r->f.url,
                             "--log-level", "info", place_path(p, "in"));
    proc_await(r->run, &r->run->err, "http://127.0.0.1:");
    const char *port = r->run->err.text + r->run->err.mark;
    while (!strchr(port, '\n')) {
        proc_read(r->run);
        port = r->run->err.text + r->run->err.mark;
    }
    r->http.port = atoi(port);
    ask(&r->http, "GET", "/openapi.json", NULL, &reply);
    assert_int_equal(reply.status, 200);
    r->described = cJSON_ParseWithLength(reply.body, reply.body_len);
    assert_non_null(r->described);
    reply_free(&reply);
}

static void end(struct rig *r)
{
    cJSON_Delete(r->described);
    proc_signal(r->run, SIGTERM);
    proc_expect(r->run, 0);
    fake_stop(&r->f);
}

// ---- is an answer what its description says?  Only what these descriptions use.

static bool has_type(const cJSON *value, const char *type)
{
    return (strcmp(type, "string") == 0 && cJSON_IsString(value)) ||
           (strcmp(type, "number") == 0 && cJSON_IsNumber(value)) ||
           (strcmp(type, "integer") == 0 && cJSON_IsNumber(value) &&
            value->valuedouble == (double)(int64_t)value->valuedouble) ||
           (strcmp(type, "boolean") == 0 && cJSON_IsBool(value)) ||
           (strcmp(type, "object") == 0 && cJSON_IsObject(value)) ||
           (strcmp(type, "array") == 0 && cJSON_IsArray(value)) ||
           (strcmp(type, "null") == 0 && cJSON_IsNull(value));
}

static void check_type(const cJSON *value, const cJSON *type, const char *where)
{
    bool is_good = cJSON_IsString(type) && has_type(value, type->valuestring);
    for (const cJSON *t = cJSON_IsArray(type) ? type->child : NULL; t; t = t->next) {
        is_good = is_good || has_type(value, t->valuestring);
    }
    if (!is_good) {
        fail_msg("%s has another type than is described", where);
    }
}

static void check(const cJSON *value, const cJSON *schema, const char *where)
{
    char name[300];
    check_type(value, json_get(schema, "type"), where);
    const cJSON *properties = json_get(schema, "properties");
    if (properties) {
        assert_int_equal(cJSON_GetArraySize(value), cJSON_GetArraySize(properties));
    }
    for (const cJSON *p = properties ? properties->child : NULL; p; p = p->next) {
        const cJSON *member = json_get(value, p->string);
        snprintf(name, sizeof(name), "%.250s.%.40s", where, p->string);
        if (!member) {
            fail_msg("%s is described, but not there", name);
        }
        check(member, p, name);
    }
    const cJSON *items = json_get(schema, "items");
    for (const cJSON *i = items ? value->child : NULL; i; i = i->next) {
        check(i, items, where);
    }
    const cJSON *choices = json_get(schema, "enum");
    bool is_choice = !choices;
    for (const cJSON *c = choices ? choices->child : NULL; c; c = c->next) {
        is_choice = is_choice || strcmp(c->valuestring, value->valuestring) == 0;
    }
    if (!is_choice) {
        fail_msg("%s is \"%s\", which is not described", where, value->valuestring);
    }
}

static cJSON *get(struct rig *r, const char *path, const char *schema)
{
    struct reply reply;
    ask(&r->http, "GET", path, NULL, &reply);
    if (reply.status != 200) {
        fail_msg("%s: %d %s", path, reply.status, reply.body);
    }
    cJSON *json = cJSON_ParseWithLength(reply.body, reply.body_len);
    assert_non_null(json);
    reply_free(&reply);
    check(json,
          json_get(json_get(json_get(r->described, "components"), "schemas"), schema),
          path);
    return json;
}

static void everything_is_answered_as_described(void **state)
{
    struct place *p = *state;
    struct rig r;
    begin(p, &r, "");
    picture_write(place_path(p, "in"), NULL, 1);
    proc_await(r.run, &r.run->out, "\"answered\"");
    cJSON *json = get(&r, "/admin/diagnostics/system", "Diagnostics");
    assert_int_equal(json_get_int(json_get(json, "process"), "pid", 0), r.run->pid);
    assert_true(json_get_int(json_get(json, "memory"), "rss_bytes", 0) > 0);
    assert_true(json_get_int(json_get(json, "connections"), "listening", 0) >= 1);
    cJSON_Delete(json);
    json = get(&r, "/admin/diagnostics/health-summary", "HealthSummary");
    assert_true(cJSON_GetArraySize(json_get(json, "indicators")) >= 3);
    cJSON_Delete(json);
    json = get(&r, "/admin/integrations/health", "Integrations");
    assert_true(json_get_int(json, "healthy", 0) >= 3);
    bool has_backend = false;
    for (const cJSON *c = json_get(json, "checks")->child; c; c = c->next) {
        bool is_backend = strcmp(json_get_str(c, "kind"), "backend") == 0;
        has_backend |= is_backend && strcmp(json_get_str(c, "state"), "healthy") == 0;
    }
    assert_true(has_backend);
    cJSON_Delete(json);
    json = get(&r, "/admin/alerts", "Alerts");
    assert_true(cJSON_GetArraySize(json_get(json, "alerts")) > 10);
    cJSON_Delete(json);
    cJSON_Delete(get(&r, "/admin/errors", "Errors"));
    end(&r);
}

static void errors_are_found_by_what_they_are(void **state)
{
    struct place *p = *state;
    struct rig r;
    struct reply reply;
    begin(p, &r, "--kind llama-server --fault 500:1");
    picture_write(place_path(p, "in"), NULL, 1);
    proc_await(r.run, &r.run->out, "\"answered\"");
    cJSON *json = get(&r, "/admin/errors?class=server&severity=medium", "Errors");
    const cJSON *rows = json_get(json, "errors");
    assert_int_equal(cJSON_GetArraySize(rows), 1);
    assert_string_equal(json_get_str(rows->child, "stage"), "asking");
    assert_int_equal(json_get_int(rows->child, "job", 0), 1);
    char path[200];
    snprintf(path, sizeof(path), "/admin/errors?correlation_id=%s",
             json_get_str(rows->child, "correlation_id"));
    cJSON_Delete(json);
    json = get(&r, path, "Errors");
    assert_int_equal(cJSON_GetArraySize(json_get(json, "errors")), 1);
    cJSON_Delete(json);
    json = get(&r, "/admin/errors?severity=critical", "Errors");
    assert_int_equal(cJSON_GetArraySize(json_get(json, "errors")), 0);
    assert_int_equal(cJSON_GetArraySize(json_get(json, "kinds")), 1);
    cJSON_Delete(json);
    ask(&r.http, "GET", "/admin/errors?severity=dire", NULL, &reply);
    assert_int_equal(reply.status, 400);
    reply_free(&reply);
    ask(&r.http, "GET", "/admin/errors?limit=0", NULL, &reply);
    assert_int_equal(reply.status, 400);
    reply_free(&reply);
    end(&r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(everything_is_answered_as_described),
        T(errors_are_found_by_what_they_are),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
