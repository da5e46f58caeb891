// progress.h -- how far a batch is, as a bar or a line.  Pure: time and width are arguments.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CLI_PROGRESS_H
#define VLMD_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    int64_t done;
    int64_t total;
    int64_t failed;
    bool is_total_known;  // false: more may come
    double per_s;         // 0 = not known yet
    const char *paused;   // why, or ""
};

// -1 = not known.
int64_t progress_eta_ms(const struct progress *p);
// One line of at most columns - 1 columns: the bar takes what the words leave.
void progress_bar(const struct progress *p, int columns, char *out, size_t size);
// The same without the bar, for a log.
void progress_line(const struct progress *p, char *out, size_t size);

#endif
