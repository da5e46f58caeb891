// reload.h -- the options a handle was opened with, for reading its configuration again.
// SPDX-License-Identifier: MIT
#ifndef VLMD_RELOAD_H
#define VLMD_RELOAD_H

#include "vlmd.h"

// Owned copies.
struct reload {
    struct vlmd_options options;
};

void reload_keep(struct reload *r, const struct vlmd_options *o);
void reload_fini(struct reload *r);

#endif
