// past.h -- the past hour, day and month in vlmd status.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CLI_PAST_H
#define VLMD_CLI_PAST_H

#include "base/json.h"
#include "cli.h"
#include "vlmd_figures.h"

enum { PAST_HOUR, PAST_DAY, PAST_MONTH, PAST_SPANS };

struct past {
    struct vlmd_point totals[PAST_SPANS];
};

// Returns 0 or an exit code, with the words said.
int past_read(struct cli *c, struct past *p);
void past_print(const struct past *p);
// A member "history" of the object that is open.
void past_json(struct json_writer *w, const struct past *p);

#endif
