// caps.h -- what a kind of server can do with pictures, as far as it does not say so itself.
// Private to backend/.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_CAPS_H
#define VLMD_BACKEND_CAPS_H

#include "backend/driver.h"

// Fills f's formats, max_image_px, patch_px and thinking from its kind, version and model.
void caps_fill(const struct service *s, struct backend_facts *f);

// The word that keeps models of this family from thinking when it ends the question; "" =
// none is known.  Static.
const char *caps_thinking_word(const char *model);

#endif
