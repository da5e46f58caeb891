// rules_kit.c -- see rules_kit.h.
// SPDX-License-Identifier: MIT
#include "rules_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add(struct rules_kit *k, int which, struct privacy_list *list,
                enum privacy_field f, const char *text)
{
    assert_true(list->n < RULES_KIT_MAX);
    k->items[which][f][list->n] = (struct privacy_pattern){
        .text = text, .where = "/etc/vlmd.yaml:7", .origin = "vlmd.yaml:7"};
    list->items = k->items[which][f];
    list->n++;
}

void rules_kit_deny(struct rules_kit *k, enum privacy_field f, const char *text)
{
    add(k, 0, &k->config.deny[f], f, text);
}

void rules_kit_allow(struct rules_kit *k, enum privacy_field f, const char *text)
{
    add(k, 1, &k->config.allow[f], f, text);
}

static void on_problem(void *arg, const char *where, const char *words)
{
    struct rules_kit *k = arg;
    size_t n = strlen(k->said);
    snprintf(k->said + n, sizeof(k->said) - n, "%s: %s\n", where, words);
    k->problems++;
}

int rules_kit_open(struct rules_kit *k)
{
    int rc = privacy_rules_open(&k->rules, &k->config, on_problem, k);
    assert_true((rc == 0) == (k->rules != NULL));
    return rc;
}

void rules_kit_close(struct rules_kit *k)
{
    privacy_rules_close(k->rules);
    *k = (struct rules_kit){0};
}

void rules_kit_expect(const struct rules_kit *k, const struct privacy_subject *s,
                      const char *rule)
{
    struct privacy_reason why = {.rule = "untouched"};
    bool is_excluded = privacy_is_excluded(k->rules, s, &why);
    if (is_excluded != (*rule != 0) || strcmp(why.rule, rule) != 0) {
        fail_msg(
            "app \"%s\", window \"%.200s\", path \"%s\", url \"%s\": expected \"%s\", "
            "got \"%s\" (%s)",
            s->app ? s->app : "", s->window ? s->window : "", s->path ? s->path : "",
            s->url ? s->url : "", rule, why.rule, why.why);
    }
    assert_true(is_excluded == (why.why[0] != 0));
}
