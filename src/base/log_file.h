// log_file.h -- the log in a file that may be moved away under it.
//
// One per process.  A file that was renamed or removed is noticed within a second, or at once
// after log_file_reopen, and begun anew under its name.
// Thread: any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_LOG_FILE_H
#define VLMD_BASE_LOG_FILE_H

#include "base/err.h"

#include <stdbool.h>

// Appends from now on; 0600 when it is made.  Replaces the one before.
// Errors: of opening it (words in e); the one before stays then.
MUST_USE int log_file_open(const char *path, bool as_json, struct err *e);
void log_file_close(void);
// With the next line.  May be called in a signal handler.
void log_file_reopen(void);

#endif
