// start.c -- what each step of opening has to say.
// SPDX-License-Identifier: MIT
#include "start.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_BYTES = 600, MIB = 1 << 20 };

void start_tell(const struct vlmd_options *o, const char *name, const char *result,
                uint64_t began_ns, const char *words)
{
    const struct vlmd_start_step step = {
        .name = name,
        .result = result,
        .words = words,
        .took_ms = (double)(uv_hrtime() - began_ns) / 1e6,
    };
    if (strcmp(result, "fail") == 0) {
        log_error("start", "step=%s state=fail ms=%.1f %s", name, step.took_ms, words);
    } else {
        log_info("start", "step=%s state=%s ms=%.1f %s", name, result, step.took_ms,
                 words);
    }
    if (o->on_start) {
        o->on_start(o->start_arg, &step);
    }
}

static void say_store(const struct app *a, char *out)
{
    snprintf(out, WORDS_BYTES, "%.500s", store_path(a->store));
}

static void say_privacy(const struct app *a, char *out)
{
    snprintf(out, WORDS_BYTES, "%s",
             a->config->privacy.policy.allow_remote
                 ? "pictures may go to other machines, as the rules allow"
                 : "pictures stay on this machine");
}

static void say_image(const struct app *a, char *out)
{
    int n = image_threads(a->images);
    snprintf(out, WORDS_BYTES, "%d thread%s, %lld MB", n, n == 1 ? "" : "s",
             (long long)(a->config->image.memory_bytes / MIB));
}

static void say_backends(const struct app *a, char *out)
{
    int n = a->config->n_backends;
    if (a->config->is_auto) {
        snprintf(out, WORDS_BYTES, "looked for on the usual local ports");
    } else if (n == 0) {
        snprintf(out, WORDS_BYTES, "text recognition only");
    } else {
        snprintf(out, WORDS_BYTES, "%d named", n);
    }
}

// A part of app.c that is a step to a person; say NULL: only when it fails.  What the gate goes
// by is there early, as the database needs it, too; the gate itself with the schedule.
static const struct {
    const char *part, *step;
    void (*say)(const struct app *a, char *out);
} steps[] = {
    {"gate", "privacy", NULL},
    {"store", "store", say_store},
    {"images", "image", say_image},
    {"dispatch", "backends", say_backends},
    {"schedule", "privacy", say_privacy},
};

void start_part(const struct app *a, const struct vlmd_options *o, const char *part,
                int rc, uint64_t began_ns, const char *words)
{
    char own[WORDS_BYTES] = "";
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (strcmp(steps[i].part, part) != 0) {
            continue;
        }
        if (rc == 0 && steps[i].say) {
            steps[i].say(a, own);
            start_tell(o, steps[i].step, "ok", began_ns, own);
        }
        part = steps[i].step;
        break;
    }
    if (rc) {
        start_tell(o, part, "fail", began_ns, words);
    }
}
