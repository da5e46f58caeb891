// screening.h -- SCREENING: texts of a picture are searched for secrets.  Private to the pipeline.
// SPDX-License-Identifier: MIT
#ifndef VLMD_SCREENING_H
#define VLMD_SCREENING_H

#include "spine/pipeline.h"

// What is known of it without looking, and text, which stands beside it (NULL: nothing);
// is_cut: more does.  The last thing the caller does with j.  Goes on in PREPARING.
// Owns: text, free().
void screen_outside(struct job *j, char *text, bool is_cut);
// Goes on in learn_read.
// Owns: what read holds; it is in j->req itself.
void screen_page(struct job *j, struct ocr_req *read);
// Of what is under way.
void screen_cancel(struct job *j);

#endif
