// servers.h -- which servers are asked, and on what terms: the configuration's, or guesses.
// SPDX-License-Identifier: MIT
#ifndef VLMD_SERVERS_H
#define VLMD_SERVERS_H

#include "app.h"

// Fills in backends and terms; both stay with the app.
void servers_list(struct app *a, struct dispatch_config *out);

#endif
