// fv_faults.c -- which request goes wrong, and how.
// SPDX-License-Identifier: MIT
#include "fv_faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[FAULT_COUNT] = {
#define X(name, text) [FAULT_##name] = text,
    FAULT_TABLE(X)
#undef X
};

const char *fault_name(enum fault fault)
{
    return names[fault];
}

// splitmix64: a good mixer of three numbers into one.
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

double dice(uint64_t seed, uint64_t n, uint64_t salt)
{
    return (double)(mix(mix(mix(seed) + n) + salt) >> 11) * 0x1p-53;
}

static int find_name(const char *spec, size_t len)
{
    if (len == 3 && !memcmp(spec, "any", 3))
        return FAULT_COUNT;
    for (int i = 0; i < FAULT_COUNT; i++) {
        if (strlen(names[i]) == len && !memcmp(names[i], spec, len))
            return i;
    }
    return -1;
}

// Reads what stands behind the colon.
static int parse_extent(struct fault_rule *rule, const char *s)
{
    char *end;
    double n = strtod(s, &end);
    if (end == s || !(n >= 0 && n <= 1e12))
        return -1;
    if (!strcmp(end, "%"))
        rule->percent = n;
    else if (!*end)
        rule->left = (int64_t)n;
    else
        return -1;
    return 0;
}

int faults_add(struct faults *f, const char *spec, char *why, int why_size)
{
    size_t name_len = strcspn(spec, "=:");
    int found = find_name(spec, name_len);
    struct fault_rule rule = {.percent = 100, .left = -1};
    const char *rest = spec + name_len;
    if (found < 0) {
        snprintf(why, (size_t)why_size, "no such fault: '%s'", spec);
        return -1;
    }
    rule.fault = (enum fault)found;
    if (*rest == '=') {
        size_t len = strcspn(++rest, ":");
        if (len >= sizeof rule.param) {
            snprintf(why, (size_t)why_size, "parameter too long: '%s'", spec);
            return -1;
        }
        memcpy(rule.param, rest, len);
        rest += len;
    }
    if (*rest == ':' && parse_extent(&rule, rest + 1)) {
        snprintf(why, (size_t)why_size, "neither PERCENT%% nor COUNT: '%s'", spec);
        return -1;
    }
    if (f->rules_n == FAULT_RULES_MAX) {
        snprintf(why, (size_t)why_size, "too many faults: '%s'", spec);
        return -1;
    }
    f->rules[f->rules_n++] = rule;
    return 0;
}

void faults_clear(struct faults *f)
{
    f->rules_n = 0;
}

// "words" is no way to fail but any error: "any" leaves it out.
enum { N_ANY = FAULT_WORDS - 1 };

// The chance that any fault strikes is the rule's; which one is drawn with other dice.
static enum fault pick(const struct faults *f, const struct fault_rule *rule)
{
    if (rule->fault != FAULT_COUNT)
        return rule->fault;
    double d = dice(f->seed, f->requests_n, 1000);
    return (enum fault)(1 + (int)(d * N_ANY));
}

struct fault_choice faults_next(struct faults *f)
{
    struct fault_choice choice = {.fault = FAULT_NONE};
    f->requests_n++;
    for (int i = 0; i < f->rules_n; i++) {
        struct fault_rule *rule = &f->rules[i];
        if (rule->left == 0 ||
            dice(f->seed, f->requests_n, (uint64_t)i) * 100 >= rule->percent)
            continue;
        if (rule->left > 0)
            rule->left--;
        choice.fault = pick(f, rule);
        memcpy(choice.param, rule->param, sizeof choice.param);
        break;
    }
    f->applied[choice.fault]++;
    return choice;
}

int64_t fault_param(const struct fault_choice *c, int64_t otherwise)
{
    char *end;
    long long n = strtoll(c->param, &end, 10);
    return end == c->param ? otherwise : n;
}

bool fault_is_harmless(enum fault fault)
{
    return fault == FAULT_NONE || fault == FAULT_SLOW_FIRST_BYTE || fault == FAULT_DRIP ||
           fault == FAULT_THINKING;
}
