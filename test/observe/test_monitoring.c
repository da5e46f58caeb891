// test_monitoring.c -- the alert rules and the dashboard under tools/ ask for metrics that
// there are.
// SPDX-License-Identifier: MIT
#include "base/json.h"
#include "observe/meters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#define RULES     TOOLS_DIR "/prometheus/vlmd-alerts.yml"
#define DASHBOARD TOOLS_DIR "/grafana/vlmd-dashboard.json"

static const struct {
    const char *name;
    enum metric_type type;
} known[] = {
#define X(id, name, type, unit, labels, help) {name, type},
    METER_TABLE(X)
#undef X
};

static char *read_whole(const char *path)
{
    char *text = calloc(1, 1 << 20);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 100);
    fclose(f);
    return text;
}

static bool ends_with(const char *s, size_t n, const char *end)
{
    size_t m = strlen(end);
    return n > m && strncmp(s + n - m, end, m) == 0;
}

// Histograms are asked for by their parts, the others by their names.
static bool is_known(const char *s, size_t n)
{
    static const char *const parts[] = {"_bucket", "_sum", "_count"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t m = strlen(known[i].name);
        if (strncmp(known[i].name, s, m) != 0) {
            continue;
        }
        for (int k = 0; known[i].type == METRIC_HISTOGRAM && k < 3; k++) {
            if (n == m + strlen(parts[k]) && ends_with(s, n, parts[k])) {
                return true;
            }
        }
        if (n == m && known[i].type != METRIC_HISTOGRAM) {
            return true;
        }
    }
    return false;
}

// Every name of a metric in an expression; returns how many.
static int check_names(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
    int n = 0;
    for (const char *s = text; *s;) {
        size_t len = strspn(s, letters);
        bool is_ours = strncmp(s, "vlmd_", 5) == 0 || strncmp(s, "process_", 8) == 0;
        if (is_ours && len > 8) {
            if (!is_known(s, len)) {
                fail_msg("there is no metric %.*s", (int)len, s);
            }
            n++;
        }
        s += len ? len : 1;
    }
    return n;
}

static void rules_ask_for_metrics_that_there_are(void **state)
{
    (void)state;
    char *text = read_whole(RULES);
    assert_true(check_names(text) > 10);
    free(text);
}

static int check_targets(const cJSON *panel)
{
    const cJSON *targets = json_get(panel, "targets"), *t;
    int n = 0;
    cJSON_ArrayForEach(t, targets)
    {
        const char *expr = json_get_str(t, "expr");
        assert_non_null(expr);
        assert_non_null(strstr(expr, "$instance"));
        n += check_names(expr);
    }
    return n;
}

static void the_dashboard_asks_for_metrics_that_there_are(void **state)
{
    (void)state;
    char *text = read_whole(DASHBOARD);
    cJSON *root = json_parse(text, strlen(text)), *panel;
    int n = 0;
    assert_non_null(root);
    cJSON_ArrayForEach(panel, json_get(root, "panels"))
    {
        n += check_targets(panel);
    }
    assert_true(n > 30);
    json_free(root);
    free(text);
}

static void promtool_accepts_the_rules(void **state)
{
    (void)state;
    if (access("/usr/bin/promtool", X_OK)) {
        print_message(
            "promtool is not there (Debian: prometheus): not checked with it\n");
        skip();
    }
    assert_int_equal(system("promtool check rules " RULES " >/dev/null"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_ask_for_metrics_that_there_are),
        cmocka_unit_test(the_dashboard_asks_for_metrics_that_there_are),
        cmocka_unit_test(promtool_accepts_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
