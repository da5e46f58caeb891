// schedule_hold.c -- why work is held back although backends are there: a person said so, or
// the machine is wanted for something else.
// SPDX-License-Identifier: MIT
#include "base/log.h"
#include "spine/schedule_inside.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ASK_AGAIN_MS = 2000 };

void schedule_configure(struct schedule *s, const struct schedule_config *c)
{
    s->config = *c;
}

// ---- a person's word

static void word_pause(struct schedule *s)
{
    time_t at = (time_t)(s->pause_until_ms / 1000);
    struct tm tm;
    char text[64];
    bool has_end = s->pause_until_ms != INT64_MAX && localtime_r(&at, &tm) &&
                   strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm) > 0;
    snprintf(s->pause_why, sizeof(s->pause_why), "you paused it%s%s (`vlmd resume`)",
             has_end ? " until " : "", has_end ? text : "");
}

void schedule_note_pause(struct schedule *s, int64_t until_ms)
{
    if (until_ms == s->pause_until_ms) {
        return;
    }
    bool is_new = s->pause_until_ms == 0;
    s->pause_until_ms = until_ms;
    if (until_ms == 0) {
        s->pause_why[0] = 0;
        log_info("schedule", "work goes on");
    } else {
        word_pause(s);
        log_info("schedule", "paused: %s", s->pause_why);
    }
    if (is_new) {
        pipeline_shed(s->pipeline);
    }
    s->events.on_trouble(s->events.arg);
}

// A pause is ended in the database, by whatever process.
int64_t schedule_ask_again_ms(const struct schedule *s)
{
    return loop_now_ms(s->loop) + ASK_AGAIN_MS;
}

// ---- the machine

// What waits would be sent as soon as something ends: it goes back to the queue.
void schedule_ease(struct schedule *s, enum yield_mode mode, const char *why,
                   int64_t until_ms)
{
    bool is_stricter = mode > s->ease;
    s->ease = mode;
    s->ease_until_ms = until_ms;
    snprintf(s->ease_why, sizeof(s->ease_why), "%s", why);
    if (is_stricter && (mode == YIELD_PAUSE || !s->batch)) {
        pipeline_shed(s->pipeline);
    }
    s->may_have_work = true;
    s->events.on_trouble(s->events.arg);
}

enum yield_mode schedule_eased(const struct schedule *s)
{
    return s->ease;
}

// ---- telling

const char *schedule_held_because(const struct schedule *s)
{
    return s->pause_until_ms ? s->pause_why : s->ease == YIELD_PAUSE ? s->ease_why : "";
}

int64_t schedule_paused_until_ms(const struct schedule *s)
{
    if (s->pause_until_ms) {
        return s->pause_until_ms;
    }
    return s->ease == YIELD_PAUSE ? s->ease_until_ms : 0;
}
