// servers.h -- which servers are asked, on what terms, and what is done without them: the
// configuration's words, or guesses.
// SPDX-License-Identifier: MIT
#ifndef VLMD_SERVERS_H
#define VLMD_SERVERS_H

#include "app.h"

// Fills in backends and terms; both stay with the app.
void servers_list(struct app *a, struct dispatch_config *out);
// When text recognition describes in a model's place.
enum dispatch_stand_in servers_stand_in(const struct app *a);
// How far down it goes for a picture that no model describes.
enum fallback_reach servers_fallback(const struct app *a);

#endif
