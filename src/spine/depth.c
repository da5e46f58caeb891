// depth.c -- see depth.h.
// SPDX-License-Identifier: MIT
#include "spine/depth.h"

#include "spine/pipeline.h"

// A size that the user has set holds for every tier.
void depth_begin(struct job *j)
{
    const struct pipeline_config *c = &j->pipeline->config;
    j->tier_asked = c->tier;
    j->has_own_tier = j->row.tier && tier_by_name(j->row.tier, &j->tier_asked);
    j->tier = j->tier_asked;
    bool is_of_tier = j->has_own_tier && !c->has_own_px;
    j->target_px = is_of_tier ? c->tiers[j->tier].target_px : c->target_px;
    j->target_tokens = c->target_tokens;
}

void depth_fill_ask(struct job *j)
{
    const struct tier *tier = &j->pipeline->config.tiers[j->tier];
    j->ask.tier = j->tier == TIER_QUICK ? "" : tier_name(j->tier);
    j->ask.tier_rule = tier->rule;
    j->ask.max_tokens = tier->max_tokens;
    j->ask.deadline_ms = tier->deadline_ms;
}

bool depth_expect(struct job *j, struct ask_expected *out)
{
    const struct pipeline_organs *o = &j->pipeline->organs;
    j->ask.app = j->meta.app;
    j->ask.window = j->meta.window;
    depth_fill_ask(j);
    return o->expect(o->ctx, &j->ask, out);
}

const char *depth_of_inherited(const struct job *j)
{
    return j->has_own_tier ? tier_name(j->tier_asked) : "";
}

bool depth_is_enough(const struct job *j, const struct job *other)
{
    return !*depth_of_inherited(j) || other->tier_asked == j->tier_asked;
}
