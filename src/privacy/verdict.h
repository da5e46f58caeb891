// verdict.h -- what is done with a picture on its way to one destination, from what was
// found in its text.  Pure.
//
// Each category of finding has an action for models on this machine and one for others; the
// strictest of all that were found is taken.  A finding that weighs less than its category
// (a number that is only probably a card) does not bring the category's action, it only
// adds up: the weights of all findings below PRIVACY_STRONG, at most four times the heaviest
// of each category (a screen full of addresses is no worse than four), are compared with
// thresholds.
//
// Masking needs to know where a finding stands in the picture.  What stands in the title, the
// address, the path or what a tracker says is probably there to be seen as well, and nobody
// knows where (what was found inside may be another one of its kind): no other machine gets the picture, and a
// model on this one is asked without quoting.  Nobody gets it when there were more findings
// than could be kept.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_VERDICT_H
#define VLMD_PRIVACY_VERDICT_H

#include "privacy/category.h"
#include "privacy/find.h"

#include <stdbool.h>
#include <stddef.h>

// A stricter one does all that the ones before it do: what is masked is asked about with the
// safe prompt, too.
enum privacy_action {
    PRIVACY_DO_ALLOW,
    PRIVACY_DO_SAFE_PROMPT,  // asked about without quoting
    PRIVACY_DO_MASK,         // findings are painted over
    PRIVACY_DO_BLOCK
};

const char *privacy_action_name(
    enum privacy_action a);  // "allow", "safe", "mask", "block"

// When the text on a picture is read before it is sent.
enum privacy_read_text { PRIVACY_READ_NEVER, PRIVACY_READ_REMOTE, PRIVACY_READ_ALWAYS };

// For one kind of destination.
struct privacy_column {
    enum privacy_action action[PRIVACY_CATEGORIES];
    int safe_from, mask_from, block_from;  // sums of weak findings; 0 = never
};

struct privacy_policy {
    struct privacy_column local, remote;
    bool allow_remote;
    bool remote_without_ocr;  // to others even when the text is not known
    enum privacy_read_text read_text;
};

void privacy_policy_default(struct privacy_policy *p);

// What was found, without where: zero-initialised is nothing.  Inside: in the text of the
// picture; outside: in its title, address, path, sidecar.
struct privacy_counts {
    int inside[PRIVACY_CATEGORIES], outside[PRIVACY_CATEGORIES];
    int sure_inside[PRIVACY_CATEGORIES];   // of these: weigh at least what their category
    int sure_outside[PRIVACY_CATEGORIES];  //   does
    int weak[PRIVACY_CATEGORIES];          // of all: below PRIVACY_STRONG
    int heaviest_weak[PRIVACY_CATEGORIES];
    bool is_cut;
};

void privacy_count_inside(struct privacy_counts *c, const struct privacy_findings *f);
void privacy_count_outside(struct privacy_counts *c, const struct privacy_findings *f);
// What stood in a title or an address before it was redacted: "[card]" counts as a card.
void privacy_count_redacted(struct privacy_counts *c, const char *text);
// The sum that is compared with the thresholds.
int privacy_weak_sum(const struct privacy_counts *c);

struct privacy_verdict {
    enum privacy_action action;
    unsigned masked;  // 1u << category: what to paint over, with PRIVACY_DO_MASK
    char why[200];    // names categories and counts, never text; "" = nothing found
};

// May anything go there at all, whatever it is?  why gets a reason when not.
bool privacy_may_go(const struct privacy_policy *p, bool is_remote, char *why,
                    size_t why_size);
// Has the text to be read before this picture may go there?
bool privacy_needs_text(const struct privacy_policy *p, bool is_remote);
// text_is_known: the picture's text was read and found is what stands in it.
struct privacy_verdict privacy_judge(const struct privacy_policy *p,
                                     const struct privacy_counts *found,
                                     bool text_is_known, bool is_remote);

#endif
