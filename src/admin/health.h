// health.h -- what /health makes of the figures, pure.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_HEALTH_H
#define VLMD_ADMIN_HEALTH_H

#include "vlmd.h"

enum { HEALTH_MAX_PROBLEMS = 24 };

struct health {
    const char *status;  // healthy, degraded, unhealthy
    int n_problems;
    char problems[HEALTH_MAX_PROBLEMS][400];
};

// s NULL: the database did not answer.
void health_judge(const struct vlmd_stats *stats, const struct vlmd_status *s,
                  struct health *out);

#endif
