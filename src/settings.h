// settings.h -- what of the configuration each part is given: when it is opened, and again when
// the configuration was read anew.
//
// The one place between struct config and the parts' own.  Which keys need a restart says the
// key table; a part that keeps a copy of any other key is told here.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_SETTINGS_H
#define VLMD_SETTINGS_H

#include "app.h"

void settings_dispatch(struct app *a, struct dispatch_config *out);
void settings_pipeline(struct app *a, struct pipeline_config *out);
void settings_governor(const struct app *a, struct governor_config *out);
void settings_schedule(const struct app *a, struct schedule_config *out);

// a->config has changed: tells every part.  has_new_rules: what the privacy gate goes by is
// another; pictures that no backend has yet are given back and judged anew from the start.
void settings_apply(struct app *a, bool has_new_rules);

#endif
