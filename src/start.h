// start.h -- the steps of opening, told one after the other.
// SPDX-License-Identifier: MIT
#ifndef VLMD_START_H
#define VLMD_START_H

#include "app.h"

// result: "ok", "warn", "fail".
void start_tell(const struct vlmd_options *o, const char *name, const char *result,
                uint64_t began_ns, const char *words);
// A part was opened (rc 0) or could not be; tells the ones that mean something to a person.
void start_part(const struct app *a, const struct vlmd_options *o, const char *part,
                int rc, uint64_t began_ns, const char *words);

#endif
