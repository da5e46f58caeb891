// progress.c -- see progress.h.
// SPDX-License-Identifier: MIT
#include "progress.h"

#include "base/utf8.h"
#include "out.h"
#include "face/timefmt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MIN_BAR = 10, MAX_BAR = 50 };

int64_t progress_eta_ms(const struct progress *p)
{
    if (!p->is_total_known || p->per_s <= 0 || *p->paused) {
        return -1;
    }
    double ms = (double)(p->total - p->done) / p->per_s * 1000;
    return ms > 1e13 ? -1 : (int64_t)ms;
}

static void words(const struct progress *p, char *out, size_t size)
{
    char done[32], total[32], eta[32] = "?";
    int64_t eta_ms = progress_eta_ms(p);
    count_text(p->done, done, sizeof(done));
    count_text(p->total, total, sizeof(total));
    if (eta_ms >= 0) {
        time_clock(eta_ms, eta, sizeof(eta));
    }
    size_t n =
        (size_t)snprintf(out, size, "%s/%s%s", done, total, p->is_total_known ? "" : "+");
    if (p->per_s > 0 && n < size) {
        n += (size_t)snprintf(out + n, size - n, "  %.1f/s", p->per_s);
    }
    if (n < size) {
        n += (size_t)snprintf(out + n, size - n, "  ETA %s", eta);
    }
    if (p->failed && n < size) {
        n += (size_t)snprintf(out + n, size - n, "  %" PRId64 " failed", p->failed);
    }
    if (*p->paused && n < size) {
        char safe[200];
        text_safe(p->paused, safe, sizeof(safe));
        snprintf(out + n, size - n, "  paused: %s", safe);
    }
}

void progress_line(const struct progress *p, char *out, size_t size)
{
    words(p, out, size);
}

void progress_bar(const struct progress *p, int columns, char *out, size_t size)
{
    char text[512];
    words(p, text, sizeof(text));
    // The last column stays free: some terminals wrap when it is written.
    int room = columns - 1 - utf8_columns(text) - 4;
    int width = room > MAX_BAR ? MAX_BAR : room;
    if (width < MIN_BAR) {
        text_clip(text, columns - 1, out, size);
        return;
    }
    double part = p->total > 0 ? (double)p->done / (double)p->total : 0;
    int full = part >= 1 ? width : (int)(part * width);
    char bar[MAX_BAR + 1];
    memset(bar, '.', (size_t)width);
    memset(bar, '#', (size_t)(full < 0 ? 0 : full));
    bar[width] = 0;
    snprintf(out, size, "[%s]  %s", bar, text);
}
