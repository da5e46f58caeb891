// test_openapi.c -- openapi.json says what there is, and real answers are what it says.
//
// Both ways: every route of the table is described with its scope and parameters, and every
// description has its route.  The answers of a handle are held against the schemas, members
// that are missing or too many included.
// SPDX-License-Identifier: MIT
#include "admin/admin_inside.h"
#include "admin/admin_rig.h"

#include "base/json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cJSON *doc;

static int load(void **state)
{
    FILE *f = fopen(OPENAPI_JSON, "r");
    static char text[1 << 20];
    (void)state;
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof(text), f);
    fclose(f);
    doc = json_parse(text, n);
    assert_non_null(doc);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    json_free(doc);
    return 0;
}

static const cJSON *operation(const char *method, const char *path)
{
    char name[16];
    size_t i = 0;
    for (; method[i]; i++) {
        name[i] = (char)tolower((unsigned char)method[i]);
    }
    name[i] = 0;
    return json_get(json_get(json_get(doc, "paths"), path), name);
}

// ---- the table and the description

static void every_route_is_described(void **state)
{
    (void)state;
    for (int i = 0; i < n_admin_routes; i++) {
        const struct route *r = &admin_routes[i];
        const cJSON *o = operation(r->method, r->path);
        if (!o) {
            fail_msg("%s %s is not described in openapi.json", r->method, r->path);
        }
        const char *scope = json_get_str(o, "x-scope");
        unsigned bits = 0;
        assert_non_null(scope);
        if (r->scope != ADMIN_NOTHING) {
            assert_true(auth_parse_scopes(scope, &bits));
            assert_true(bits & r->scope);
            assert_false(bits & ~((r->scope << 1) - 1));
        } else {
            assert_string_equal(scope, "none");
        }
    }
}

static const struct route *find_route(const char *method, const char *path)
{
    for (int i = 0; i < n_admin_routes; i++) {
        if (strcasecmp(admin_routes[i].method, method) == 0 &&
            strcmp(admin_routes[i].path, path) == 0) {
            return &admin_routes[i];
        }
    }
    return NULL;
}

static void every_description_has_its_route(void **state)
{
    (void)state;
    for (cJSON *p = json_get(doc, "paths")->child; p; p = p->next) {
        for (cJSON *o = p->child; o; o = o->next) {
            const struct route *r = find_route(o->string, p->string);
            int n = 0;
            if (!r) {
                fail_msg("%s %s is described, but there is no such route", o->string,
                         p->string);
            }
            const cJSON *params = json_get(o, "parameters");
            for (const cJSON *q = params ? params->child : NULL; q; q = q->next) {
                if (strcmp(json_get_str(q, "in"), "query") == 0) {
                    n++;
                    if (!known_name(r->params, json_get_str(q, "name"))) {
                        fail_msg("%s: parameter %s is not taken", p->string,
                                 json_get_str(q, "name"));
                    }
                }
            }
            int taken = r->params[0] != 0;
            for (const char *c = r->params; *c; c++) {
                taken += *c == ' ';
            }
            if (n != taken) {
                fail_msg("%s: %d parameters are described, %d taken", p->string, n,
                         taken);
            }
        }
    }
}

// ---- schemas

static bool fits(const cJSON *schema, const cJSON *v, char *where);

static bool is_type(const char *type, const cJSON *v)
{
    bool is_whole =
        cJSON_IsNumber(v) && v->valuedouble == (double)(int64_t)v->valuedouble;
    return strcmp(type, "object") == 0    ? cJSON_IsObject(v)
           : strcmp(type, "array") == 0   ? cJSON_IsArray(v)
           : strcmp(type, "string") == 0  ? cJSON_IsString(v)
           : strcmp(type, "boolean") == 0 ? cJSON_IsBool(v)
           : strcmp(type, "null") == 0    ? cJSON_IsNull(v)
           : strcmp(type, "integer") == 0 ? is_whole
                                          : cJSON_IsNumber(v);
}

static bool has_type(const cJSON *schema, const cJSON *v)
{
    const cJSON *type = json_get(schema, "type");
    if (cJSON_IsString(type)) {
        return is_type(type->valuestring, v);
    }
    for (const cJSON *t = type ? type->child : NULL; t; t = t->next) {
        if (is_type(t->valuestring, v)) {
            return true;
        }
    }
    return !type;
}

static bool is_listed(const cJSON *schema, const cJSON *v)
{
    const cJSON *list = json_get(schema, "enum");
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next) {
        if (cJSON_Compare(e, v, true)) {
            return true;
        }
    }
    return !list;
}

static bool wrong(char *where, const char *what, const char *name)
{
    size_t n = strlen(where);
    snprintf(where + n, 600 - n, ": %s %s", what, name);
    return false;
}

static bool fits_object(const cJSON *schema, const cJSON *v, char *where)
{
    const cJSON *properties = json_get(schema, "properties");
    const cJSON *required = json_get(schema, "required");
    for (const cJSON *q = required ? required->child : NULL; q; q = q->next) {
        if (!json_get(v, q->valuestring)) {
            return wrong(where, "has not", q->valuestring);
        }
    }
    for (const cJSON *m = v->child; m && properties; m = m->next) {
        const cJSON *p = json_get(properties, m->string);
        size_t n = strlen(where);
        if (!p && json_get_bool(schema, "additionalProperties", true)) {
            continue;
        }
        if (!p) {
            return wrong(where, "has", m->string);
        }
        snprintf(where + n, 600 - n, ".%s", m->string);
        if (!fits(p, m, where)) {
            return false;
        }
        where[n] = 0;
    }
    return true;
}

static bool fits(const cJSON *schema, const cJSON *v, char *where)
{
    const char *ref = json_get_str(schema, "$ref");
    if (ref) {
        return fits(json_get(json_get(json_get(doc, "components"), "schemas"),
                             strrchr(ref, '/') + 1),
                    v, where);
    }
    const cJSON *one_of = json_get(schema, "oneOf");
    for (const cJSON *s = one_of ? one_of->child : NULL; s; s = s->next) {
        size_t n = strlen(where);
        if (fits(s, v, where)) {
            return true;
        }
        if (!s->next || (cJSON_IsObject(v) && json_get(s, "$ref"))) {
            return false;
        }
        where[n] = 0;
    }
    if (!has_type(schema, v)) {
        return wrong(where, "is not of its type", "");
    }
    if (!is_listed(schema, v)) {
        return wrong(where, "is not one of its values", "");
    }
    if (cJSON_IsObject(v)) {
        return fits_object(schema, v, where);
    }
    const cJSON *items = json_get(schema, "items");
    for (const cJSON *i = cJSON_IsArray(v) && items ? v->child : NULL; i; i = i->next) {
        if (!fits(items, i, where)) {
            return false;
        }
    }
    return true;
}

static void check(struct answer a, const char *method, const char *path)
{
    char status[8], where[600] = "";
    snprintf(status, sizeof(status), "%d", a.status);
    const cJSON *answers = json_get(operation(method, path), "responses");
    const cJSON *told = json_get(answers, status);
    if (!told) {
        fail_msg("%s %s: %s is not described: %s", method, path, status, a.text);
    }
    const cJSON *schema =
        json_get(json_get(json_get(told, "content"), "application/json"), "schema");
    if (schema && !a.json) {
        fail_msg("%s %s: is no JSON: %s", method, path, a.text);
    }
    if (schema && !fits(schema, a.json, where)) {
        fail_msg("%s %s: %s: the answer%s\n%s", method, path, status, where, a.body);
    }
    answer_free(&a);
}

// ---- real answers

static void answers_are_as_described(void **state)
{
    struct rig *r = *state;
    static const struct {
        const char *method, *path, *target, *body;
    } rows[] = {
        {"GET", "/health", NULL, NULL},
        {"GET", "/openapi.json", NULL, NULL},
        {"GET", "/v1/session", NULL, NULL},
        {"GET", "/v1/search", "/v1/search?limit=3", NULL},
        {"GET", "/v1/search", "/v1/search?limit=x", NULL},
        {"GET", "/v1/search", "/v1/search?q=editor", NULL},
        {"GET", "/v1/results", NULL, NULL},
        {"GET", "/v1/jobs", "/v1/jobs?state=queued", NULL},
        {"GET", "/v1/days", NULL, NULL},
        {"GET", "/v1/apps", NULL, NULL},
        {"GET", "/v1/jobs/{id}", "/v1/jobs/1", NULL},
        {"GET", "/v1/jobs/{id}", "/v1/jobs/99", NULL},
        {"POST", "/v1/jobs", NULL, "{\"url\":\"http://127.0.0.1:9/x.png\"}"},
        {"POST", "/v1/jobs", NULL, "{\"url\":1}"},
        {"POST", "/v1/batches", NULL, "{\"inputs\":[\"http://127.0.0.1:9/y.png\",1]}"},
        {"POST", "/v1/jobs/{id}/retry", "/v1/jobs/1/retry", NULL},
        {"POST", "/v1/jobs/{id}/redo", "/v1/jobs/99/redo", NULL},
        {"POST", "/v1/jobs/retry", NULL, "{\"all\":true}"},
        {"POST", "/v1/jobs/redo", NULL, "{\"app\":\"none\"}"},
        {"POST", "/v1/forget", NULL, "{\"id\":2,\"dry_run\":true}"},
        {"POST", "/v1/jobs/{id}/forget", "/v1/jobs/2/forget", NULL},
        {"DELETE", "/v1/jobs/{id}", "/v1/jobs/3", NULL},
        {"GET", "/v1/images/{id}", "/v1/images/1", NULL},
        {"GET", "/v1/images/{id}/thumb", "/v1/images/1/thumb", NULL},
        {"GET", "/v1/status", NULL, NULL},
        {"GET", "/v1/stats", NULL, NULL},
        {"GET", "/v1/privacy/report", NULL, NULL},
        {"GET", "/v1/privacy/audit", NULL, NULL},
        {"GET", "/v1/privacy/audit", "/v1/privacy/audit?cursor=x", NULL},
        {"GET", "/v1/privacy/verify", NULL, NULL},
        {"GET", "/admin/config", NULL, NULL},
        {"POST", "/admin/config/validate", NULL, "tier: none"},
        {"POST", "/admin/config/reload", NULL, NULL},
        {"POST", "/admin/pause", NULL, "{\"minutes\":5}"},
        {"POST", "/admin/pause", NULL, "{\"minutes\":0}"},
        {"POST", "/admin/resume", NULL, NULL},
        {"GET", "/admin/models", NULL, NULL},
        {"GET", "/admin/database/stats", NULL, NULL},
        {"GET", "/admin/database/stats", "/admin/database/stats?sizes=true", NULL},
        {"POST", "/admin/database/reset-stats", NULL, NULL},
        {"GET", "/v1/series", NULL, NULL},
        {"GET", "/v1/series", "/v1/series?span=day&since=3d", NULL},
        {"GET", "/v1/usage", "/v1/usage?since=7d", NULL},
        {"GET", "/admin/integrations/health", NULL, NULL},
        {"GET", "/admin/diagnostics/system", NULL, NULL},
        {"GET", "/admin/diagnostics/health-summary", NULL, NULL},
        {"GET", "/admin/errors", NULL, NULL},
        {"GET", "/admin/errors", "/admin/errors?category=nonsense", NULL},
        {"GET", "/admin/alerts", NULL, NULL},
        {"GET", "/metrics", NULL, NULL},
    };
    rig_open(r);
    rig_add_files(r, 5);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check(rig_ask(r, rows[i].method, rows[i].target ? rows[i].target : rows[i].path,
                      "Content-Type: application/json\r\n", rows[i].body),
              rows[i].method, rows[i].path);
    }
}

static void refusals_are_as_described(void **state)
{
    struct rig *r = *state;
    char host[100], where[600] = "";
    rig_open(r);
    snprintf(host, sizeof(host), "Host: %s\r\n", r->host);
    check(rig_ask_bare(r, "GET", "/v1/stats", host, NULL), "GET", "/v1/stats");
    check(rig_ask_bare(r, "GET", "/v1/stats", "Host: evil.example\r\n", NULL), "GET",
          "/v1/stats");
    struct answer a = rig_ask(r, "GET", "/nowhere", NULL, NULL);
    const cJSON *error =
        json_get(json_get(json_get(doc, "components"), "schemas"), "Error");
    assert_true(fits(error, a.json, where));
    answer_free(&a);
}

// A schema that takes anything would make the others worthless.
static void a_wrong_answer_is_found(void **state)
{
    (void)state;
    char where[600] = "";
    const cJSON *schemas = json_get(json_get(doc, "components"), "schemas");
    static const char *const texts[] = {"{}", "{\"n\":\"1\"}", "{\"n\":1,\"m\":2}", "[]",
                                        "{\"n\":1.5}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cJSON *v = json_parse(texts[i], strlen(texts[i]));
        assert_false(fits(json_get(schemas, "Changed"), v, where));
        json_free(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_described),
        cmocka_unit_test(every_description_has_its_route),
        cmocka_unit_test(a_wrong_answer_is_found),
        cmocka_unit_test_setup_teardown(answers_are_as_described, rig_setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(refusals_are_as_described, rig_setup,
                                        rig_teardown),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
