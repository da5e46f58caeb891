// e2e_bad.h -- a folder of everything that is no good picture, and some that are.
// SPDX-License-Identifier: MIT
#ifndef E2E_BAD_H
#define E2E_BAD_H

#include "e2e_vlmd.h"

struct bad_file {
    const char *name;
    const char *words;  // that must stand beside its name in what a person reads
};

extern const struct bad_file bad_files[];
extern const int n_bad_files;
extern const char *const good_names[];  // pictures 0, 1, ...
extern const int n_good_names;

// Who vlmd must be so that a file can be unreadable: somebody else when we are root.
// False, with a message, where that is not possible: unreadable.png is not there then.
bool bad_user(struct place *p, struct spawn *how);
void bad_folder(const struct place *p, bool with_unreadable);
bool bad_is_there(const struct place *p, const struct bad_file *b);
// A name as a terminal gets it: control characters and broken UTF-8 are replaced.
const char *shown_name(const char *name);

#endif
