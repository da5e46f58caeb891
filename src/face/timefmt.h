// timefmt.h -- times, spans, counts and sizes as people and JSON want them.
// SPDX-License-Identifier: MIT
#ifndef VLMD_FACE_TIMEFMT_H
#define VLMD_FACE_TIMEFMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t time_wall_ms(void);
int64_t time_mono_ms(void);

// "2026-11-21T09:59:22.123Z".
void time_iso(int64_t at_ms, char *out, size_t size);
// "2026-11-21 10:59", local time.
void time_local(int64_t at_ms, char *out, size_t size);
// "12s", "3m 20s", "2h 5m", "4d 3h".
void time_span(int64_t ms, char *out, size_t size);
// "1:23:45", "0:07".
void time_clock(int64_t ms, char *out, size_t size);
// What a person types: "2026-11-21", "2026-11-21 10:30", "2026-11-21T10:30:00Z", "+01:00",
// "today", "yesterday", "now", "30m", "2h", "3d", "1w" (ago).  A day without a time is its
// beginning, or with is_end its end.
bool time_parse(const char *s, int64_t now_ms, bool is_end, int64_t *out);

void count_text(int64_t n, char *out, size_t size);  // "100,000"
void bytes_text(int64_t n, char *out, size_t size);  // "12.3 MB"

#endif
