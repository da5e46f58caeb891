// verdict.c -- what is done with a picture on its way to one destination.
// SPDX-License-Identifier: MIT
#include "privacy/verdict.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

// A category adds at most so many times its heaviest finding.
enum { WEAK_MOST = 4 };

static const char *const action_names[] = {
    [PRIVACY_DO_ALLOW] = "allow",
    [PRIVACY_DO_SAFE_PROMPT] = "safe",
    [PRIVACY_DO_MASK] = "mask",
    [PRIVACY_DO_BLOCK] = "block",
};

const char *privacy_action_name(enum privacy_action a)
{
    assert(a <= PRIVACY_DO_BLOCK);
    return action_names[a];
}

// ---- the policy

static void fill_column(struct privacy_column *c, enum privacy_action strong,
                        enum privacy_action weak)
{
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        int weight = privacy_category_weight((enum privacy_category)i);
        c->action[i] = weight >= PRIVACY_STRONG ? strong : weak;
    }
}

// Local: two telephone numbers or three e-mail addresses make the prompt a safe one; a name
// with all its numbers is masked.  Remote: the same from less, and a screen of records is
// not sent at all.
void privacy_policy_default(struct privacy_policy *p)
{
    *p = (struct privacy_policy){
        .local = {.safe_from = 40, .mask_from = 100, .block_from = 0},
        .remote = {.safe_from = 10, .mask_from = 40, .block_from = 250},
        .read_text = PRIVACY_READ_REMOTE,
    };
    fill_column(&p->local, PRIVACY_DO_MASK, PRIVACY_DO_ALLOW);
    fill_column(&p->remote, PRIVACY_DO_MASK, PRIVACY_DO_SAFE_PROMPT);
    p->remote.action[PRIVACY_PRIVATE_KEY] = PRIVACY_DO_BLOCK;
    p->remote.action[PRIVACY_SEED] = PRIVACY_DO_BLOCK;
}

// ---- counting

static void count(struct privacy_counts *c, const struct privacy_findings *f, int *all,
                  int *sure)
{
    c->is_cut |= f->is_cut;
    for (int i = 0; i < f->n; i++) {
        const struct privacy_finding *one = &f->items[i];
        enum privacy_category k = one->category;
        assert(k < PRIVACY_CATEGORIES);
        if (one->is_repeat) {
            continue;
        }
        all[k]++;
        sure[k] += one->weight >= privacy_category_weight(k);
        if (one->weight < PRIVACY_STRONG) {
            c->weak[k]++;
            if (one->weight > c->heaviest_weak[k]) {
                c->heaviest_weak[k] = one->weight;
            }
        }
    }
}

void privacy_count_inside(struct privacy_counts *c, const struct privacy_findings *f)
{
    count(c, f, c->inside, c->sure_inside);
}

void privacy_count_outside(struct privacy_counts *c, const struct privacy_findings *f)
{
    count(c, f, c->outside, c->sure_outside);
}

static int count_placeholders(const char *text, const char *name)
{
    const size_t len = strlen(name);
    int n = 0;
    for (const char *p = strchr(text, '['); p; p = strchr(p + 1, '[')) {
        n += strncmp(p + 1, name, len) == 0 && p[len + 1] == ']';
    }
    return n;
}

void privacy_count_redacted(struct privacy_counts *c, const char *text)
{
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        const enum privacy_category k = (enum privacy_category)i;
        const int n = count_placeholders(text, privacy_category_name(k));
        c->outside[i] += n;
        c->sure_outside[i] += n;
        if (n && privacy_category_weight(k) < PRIVACY_STRONG) {
            c->weak[i] += n;
            c->heaviest_weak[i] = privacy_category_weight(k);
        }
    }
}

int privacy_weak_sum(const struct privacy_counts *c)
{
    int sum = 0;
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        int n = c->weak[i] < WEAK_MOST ? c->weak[i] : WEAK_MOST;
        sum += n * c->heaviest_weak[i];
    }
    return sum;
}

// ---- words

static void say(struct privacy_verdict *v, const char *words)
{
    size_t n = strlen(v->why);
    snprintf(v->why + n, sizeof(v->why) - n, "%s%s", n ? "; " : "", words);
}

// "2 card, 1 email"
static void say_found(struct privacy_verdict *v, const struct privacy_counts *c)
{
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        int n = c->inside[i] + c->outside[i];
        size_t used = strlen(v->why);
        if (n) {
            snprintf(v->why + used, sizeof(v->why) - used, "%s%d %s", used ? ", " : "", n,
                     privacy_category_name((enum privacy_category)i));
        }
    }
}

// ---- judging

bool privacy_may_go(const struct privacy_policy *p, bool is_remote, char *why,
                    size_t why_size)
{
    bool may = !is_remote || p->allow_remote;
    snprintf(why, why_size, "%s",
             may ? ""
                 : "excluded by privacy.allow_remote: sending to another machine is not "
                   "allowed");
    return may;
}

bool privacy_needs_text(const struct privacy_policy *p, bool is_remote)
{
    return p->read_text == PRIVACY_READ_ALWAYS ||
           (p->read_text == PRIVACY_READ_REMOTE && is_remote);
}

// Without the text: what was asked for and could not be had.
static const char *lack_of_text(const struct privacy_policy *p, bool is_remote)
{
    if (is_remote) {
        return p->remote_without_ocr
                   ? NULL
                   : "its text was not read, and privacy.remote_without_ocr is no";
    }
    return p->read_text == PRIVACY_READ_ALWAYS
               ? "its text could not be read, and privacy.read_text is always"
               : NULL;
}

static void at_least(struct privacy_verdict *v, enum privacy_action a)
{
    v->action = a > v->action ? a : v->action;
}

static void judge_category(struct privacy_verdict *v, const struct privacy_column *column,
                           const struct privacy_counts *c, int i)
{
    if (c->sure_inside[i] + c->sure_outside[i] == 0) {
        return;
    }
    at_least(v, column->action[i]);
    if (column->action[i] >= PRIVACY_DO_MASK) {
        v->masked |= 1u << i;
    }
}

static bool reaches(int sum, int threshold)
{
    return threshold > 0 && sum >= threshold;
}

static void judge_sum(struct privacy_verdict *v, const struct privacy_column *column,
                      const struct privacy_counts *c)
{
    int sum = privacy_weak_sum(c);
    if (reaches(sum, column->safe_from)) {
        at_least(v, PRIVACY_DO_SAFE_PROMPT);
    }
    if (reaches(sum, column->mask_from)) {
        at_least(v, PRIVACY_DO_MASK);
        for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
            v->masked |= c->weak[i] ? 1u << i : 0;
        }
    }
    if (reaches(sum, column->block_from)) {
        at_least(v, PRIVACY_DO_BLOCK);
        say(v, "together they are too much");
    }
}

// Has every one that its category wants masked a place in the picture?  One that stands
// outside has none for sure: what was found inside may be another of its kind.  What only
// adds up is masked where it was found.
static bool can_mask(const struct privacy_column *column, const struct privacy_counts *c)
{
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        if (column->action[i] >= PRIVACY_DO_MASK && c->sure_outside[i]) {
            return false;
        }
    }
    return true;
}

// The picture stays on this machine: a model here is asked to quote nothing, and what it says
// is cleaned.  A token in the address bar would keep half of the web from being described.
static void judge_unplaced(struct privacy_verdict *v, const struct privacy_column *column,
                           const struct privacy_counts *c, bool is_remote)
{
    if (is_remote) {
        at_least(v, PRIVACY_DO_BLOCK);
        say(v, "not all have a known place in the picture to mask");
        return;
    }
    bool is_any_placed = false;
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        is_any_placed |= column->action[i] >= PRIVACY_DO_MASK && c->inside[i];
    }
    v->action = is_any_placed ? PRIVACY_DO_MASK : PRIVACY_DO_SAFE_PROMPT;
}

struct privacy_verdict privacy_judge(const struct privacy_policy *p,
                                     const struct privacy_counts *found,
                                     bool text_is_known, bool is_remote)
{
    const struct privacy_column *column = is_remote ? &p->remote : &p->local;
    struct privacy_verdict v = {.action = PRIVACY_DO_ALLOW};
    const char *lack = text_is_known ? NULL : lack_of_text(p, is_remote);
    if (!privacy_may_go(p, is_remote, v.why, sizeof(v.why))) {
        v.action = PRIVACY_DO_BLOCK;
        return v;
    }
    say_found(&v, found);
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        judge_category(&v, column, found, i);
    }
    judge_sum(&v, column, found);
    if (lack) {
        at_least(&v, PRIVACY_DO_BLOCK);
        say(&v, lack);
    } else if (is_remote && !text_is_known) {
        at_least(&v, PRIVACY_DO_SAFE_PROMPT);  // nobody knows what is on it
    }
    if (is_remote && found->is_cut) {
        at_least(&v, PRIVACY_DO_BLOCK);
        say(&v, "there is more than can be judged");
    } else if (v.action == PRIVACY_DO_MASK && found->is_cut) {
        at_least(&v, PRIVACY_DO_BLOCK);
        say(&v, "too many to mask");
    } else if (v.action == PRIVACY_DO_MASK && !can_mask(column, found)) {
        judge_unplaced(&v, column, found, is_remote);
    }
    if (v.action != PRIVACY_DO_MASK) {
        v.masked = 0;
    }
    return v;
}
