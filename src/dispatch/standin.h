// standin.h -- a description made of recognised text, for as long as no model can be asked.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STANDIN_H
#define VLMD_STANDIN_H

#include "backend/backend.h"

// app and window may be NULL or "".  Pure.
// Owns: out belongs to the caller: answer_fini.
void standin_compose(const char *app, const char *window, const char *text,
                     struct answer *out);

// Nothing was seen: program and title are all there is.
void standin_compose_unseen(const char *app, const char *window, struct answer *out);

#endif
