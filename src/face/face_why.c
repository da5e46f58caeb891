// face_why.c -- why a picture is (not) described, in sentences.
// SPDX-License-Identifier: MIT
#include "face/face.h"

#include "face/timefmt.h"

#include <inttypes.h>
#include <string.h>

static int why_queued(const struct vlmd_item *it, int64_t now_ms, struct buf *out)
{
    char span[64];
    time_span(now_ms - it->queued_at_ms, span, sizeof(span));
    int rc = buf_printf(out, "Not described yet: in the queue for %s.", span);
    if (rc == 0 && it->attempts > 0) {
        rc =
            buf_printf(out, " %d request%s failed%s%s.", it->attempts,
                       it->attempts == 1 ? "" : "s", *it->reason ? ": " : "", it->reason);
    } else if (rc == 0 && *it->reason) {
        rc = buf_printf(out, " Waiting because: %s.", it->reason);
    }
    if (rc == 0 && it->next_try_at_ms > now_ms) {
        char at[64];
        time_local(it->next_try_at_ms, at, sizeof(at));
        time_span(it->next_try_at_ms - now_ms, span, sizeof(span));
        rc = buf_printf(out, " Next try at %s (in %s).", at, span);
    } else if (rc == 0 && it->attempts == 0) {
        rc = buf_add_str(out,
                         " It is described as soon as `vlmd watch` or `vlmd batch` runs "
                         "and a backend has time; see `vlmd status`.");
    }
    return rc;
}

static int why_failed(const struct vlmd_item *it, struct buf *out)
{
    int rc = it->attempts
                 ? buf_printf(out, "Not described: failed after %d request%s: %s (%s).",
                              it->attempts, it->attempts == 1 ? "" : "s", it->reason,
                              it->error_class)
                 : buf_printf(out, "Not described, nothing was asked: %s (%s).",
                              it->reason, it->error_class);
    if (rc == 0 && *it->error_todo) {
        rc = buf_printf(out, " What to do: %s. Then: vlmd jobs retry %" PRId64,
                        it->error_todo, it->id);
    }
    return rc;
}

static int why_described(const struct vlmd_item *it, const char *original,
                         struct buf *out)
{
    char at[64];
    time_local(it->described_at_ms, at, sizeof(at));
    int rc = 0;
    if (it->duplicate_of && it->duplicate_blocks >= 0) {
        rc = buf_printf(
            out,
            "Nearly the same as #%" PRId64 "%s%s%s: %d of 9216 blocks differ, "
            "by at most %d of 255; has its description. ",
            it->duplicate_of, *original ? " (" : "", original, *original ? ")" : "",
            it->duplicate_blocks, it->duplicate_max_diff);
    } else if (it->duplicate_of) {
        rc = buf_printf(out, "Same picture as #%" PRId64 "%s%s%s; has its description. ",
                        it->duplicate_of, *original ? " (" : "", original,
                        *original ? ")" : "");
    } else if (strcmp(it->outcome, "cached") == 0) {
        rc = buf_add_str(out, "Same picture as one described before; its description was "
                              "taken over. ");
    }
    if (rc || !it->has_description) {
        return rc;
    }
    if (it->is_degraded && *it->fallback_class) {
        return buf_printf(
            out,
            "Described by %s only (%s): no model could (%s). To ask one again: vlmd jobs "
            "redo %" PRId64,
            strcmp(it->fallback, "metadata") == 0 ? "program and title"
                                                  : "text recognition",
            at, it->fallback_class, it->id);
    }
    if (it->is_degraded) {
        return buf_printf(
            out,
            "Described by text recognition only (%s); it is asked again when a "
            "vision model is there.",
            at);
    }
    return buf_printf(out, "Described by %s at %s (%s).",
                      *it->model ? it->model : "a model",
                      *it->backend ? it->backend : "a backend", at);
}

int face_why(const struct vlmd_item *it, const char *original, int64_t now_ms,
             struct buf *out)
{
    if (strcmp(it->state, "leased") == 0) {
        return buf_add_str(out, "A vlmd process works on it right now.");
    }
    if (strcmp(it->state, "queued") == 0) {
        return why_queued(it, now_ms, out);
    }
    if (strcmp(it->outcome, "blocked") == 0) {
        return buf_printf(
            out,
            "Not described, nothing was sent: %s. To allow it change the rule "
            "under privacy in the configuration, then: vlmd jobs redo %" PRId64,
            it->reason, it->id);
    }
    if (strcmp(it->outcome, "skipped") == 0) {
        return buf_printf(out, "Not described: %s.", it->reason);
    }
    if (strcmp(it->outcome, "failed") == 0) {
        return why_failed(it, out);
    }
    return why_described(it, original, out);
}
