// find_page.h -- secrets on a page: in its text, along its rows, in what was read twice.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_FIND_PAGE_H
#define VLMD_PRIVACY_FIND_PAGE_H

#include "privacy/boxes.h"
#include "privacy/find.h"

// As privacy_find_read, and once more with the words in the order of the page's rows: text
// recognition takes columns apart, so that a label and the value beside it are far from each
// other in the text.  What is found there is said of the words of the text.
//
// A finding of a second reading that stands where one of its category was found in the page
// itself has is_repeat set: it is masked, but counts for nothing more.  Of words that are not those of
// the text no rows are made.
// Thread: any; blocks while it computes.
// Owns:   out; privacy_findings_fini.
// Errors: E_TOOBIG (2 GB), E_NOMEM; out is empty then.
MUST_USE int privacy_find_page(const struct privacy_finder *f,
                               const struct privacy_page *page,
                               struct privacy_findings *out);

#endif
