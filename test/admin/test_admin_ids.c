// test_admin_ids.c -- one id through everything: each statement that is run for a request
// carries that request's id, also the ones of its callbacks.
// SPDX-License-Identifier: MIT
#include "admin_rig.h"

#include "handle_store.h"
#include "store/inside.h"

#include <stdio.h>
#include <string.h>

struct asked {
    const char *method, *target, *body;
};

// What questions to the database are behind, one row each.
static const struct asked routes[] = {
    {"GET", "/v1/search?q=cat", NULL},
    {"GET", "/v1/jobs?limit=1", NULL},
    {"GET", "/v1/jobs/1", NULL},
    {"GET", "/v1/jobs/1?wait=1", NULL},
    {"GET", "/v1/results", NULL},
    {"GET", "/v1/days", NULL},
    {"GET", "/v1/apps", NULL},
    {"GET", "/v1/images/1", NULL},
    {"GET", "/v1/status", NULL},
    {"GET", "/health", NULL},
    {"GET", "/v1/series?span=hour", NULL},
    {"GET", "/v1/usage", NULL},
    {"GET", "/v1/privacy/report", NULL},
    {"GET", "/v1/privacy/audit", NULL},
    {"GET", "/v1/privacy/verify", NULL},
    {"GET", "/admin/database/stats", NULL},
    {"GET", "/admin/integrations/health", NULL},
    {"POST", "/admin/pause", "{}"},
    {"POST", "/admin/resume", "{}"},
    {"POST", "/v1/jobs/1/retry", NULL},
    {"POST", "/v1/jobs/redo", "{\"all\": true}"},
    {"POST", "/v1/forget", "{\"path\": \"/nowhere.png\"}"},
};

// Of the statements that ended since the first-th.
static void count(struct rig *r, int64_t first, const char *id, int *own, int *others)
{
    struct statements *s = &handle_store(r->v)->statements;
    *own = *others = 0;
    pthread_mutex_lock(&s->lock);
    assert_true(s->n_slow - first <= STORE_MAX_SLOW);
    for (int64_t i = first; i < s->n_slow; i++) {
        const struct store_slow *one = &s->ring[i % STORE_MAX_SLOW];
        bool is_own = strcmp(one->cid, id) == 0;
        *own += is_own;
        // The writer has its own work, and what begins a group of writes is everybody's.
        bool is_nobodys = !one->cid[0] && strcmp(one->thread, "write") == 0;
        *others += !is_own && !is_nobodys;
    }
    pthread_mutex_unlock(&s->lock);
}

// The writer's last statement may still be on its way into the list.
static int64_t slow_so_far(struct statements *s)
{
    pthread_mutex_lock(&s->lock);
    int64_t n = s->n_slow;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static void every_statement_of_a_request_has_its_id(void **state)
{
    struct rig *r = *state;
    rig_set(r, "admin.auth", "no");
    rig_open(r);
    rig_add_files(r, 3);
    struct statements *s = &handle_store(r->v)->statements;
    struct upkeep *u = &handle_store(r->v)->upkeep;
    while (u->is_under_way) {
        rig_turn(r);
    }
    u->due_ms = u->full_due_ms = INT64_MAX;
    pthread_mutex_lock(&s->lock);
    s->slow_us = -1;  // all of them
    pthread_mutex_unlock(&s->lock);
    int wrong = 0;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        char id[32], head[64];
        int own, others;
        int64_t first = slow_so_far(s);
        snprintf(id, sizeof(id), "request-%zu", i);
        snprintf(head, sizeof(head), "X-Correlation-ID: %s\r\n", id);
        struct answer a =
            rig_ask(r, routes[i].method, routes[i].target, head, routes[i].body);
        assert_int_not_equal(a.status, 400);
        count(r, first, id, &own, &others);
        if (own == 0 || others > 0) {
            print_message("%s %s: %d of %d\n", routes[i].method, routes[i].target, own,
                          own + others);
            wrong++;
        }
        answer_free(&a);
    }
    assert_int_equal(wrong, 0);
}

static void a_job_is_found_by_its_id(void **state)
{
    struct rig *r = *state;
    char cid[32], target[80];
    rig_open(r);
    rig_add_files(r, 3);
    struct answer a = rig_ask(r, "GET", "/v1/jobs?limit=1", NULL, NULL);
    const cJSON *item = cJSON_GetObjectItem(a.json, "items")->child;
    const double id = cJSON_GetObjectItem(item, "id")->valuedouble;
    snprintf(cid, sizeof(cid), "%s",
             cJSON_GetObjectItem(item, "correlation_id")->valuestring);
    answer_free(&a);
    snprintf(target, sizeof(target), "/v1/jobs?correlation_id=%s", cid);
    a = rig_ask(r, "GET", target, NULL, NULL);
    const cJSON *items = cJSON_GetObjectItem(a.json, "items");
    assert_int_equal(cJSON_GetArraySize(items), 1);
    assert_true(cJSON_GetObjectItem(items->child, "id")->valuedouble == id);
    answer_free(&a);
    a = rig_ask(r, "GET", "/v1/jobs?correlation_id=my-id", NULL, NULL);
    assert_int_equal(a.status, 400);
    assert_string_equal(answer_error(&a, "field"), "correlation_id");
    answer_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_statement_of_a_request_has_its_id,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(a_job_is_found_by_its_id, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
