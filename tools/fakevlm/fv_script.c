// fv_script.c -- an HTTP answer as bytes with waits between them.
// SPDX-License-Identifier: MIT
#include "fv_script.h"

#include <stdio.h>
#include <stdlib.h>

static void end_step(struct script *s, int64_t wait_ms)
{
    if (s->steps_n == s->steps_cap) {
        s->steps_cap = s->steps_cap ? s->steps_cap * 2 : 16;
        s->steps = realloc(s->steps, s->steps_cap * sizeof *s->steps);
        if (!s->steps) {
            fputs("fakevlm: out of memory\n", stderr);
            abort();
        }
    }
    s->steps[s->steps_n++] = (struct step){.wait_ms = wait_ms, .end = s->bytes.len};
}

void script_raw(struct script *s, int64_t wait_ms, const void *bytes, size_t len)
{
    text_add(&s->bytes, bytes, len);
    end_step(s, wait_ms);
}

void script_body(struct script *s, int64_t wait_ms, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    if (s->is_chunked)
        text_printf(&s->bytes, "%zx\r\n", len);
    text_add(&s->bytes, bytes, len);
    if (s->is_chunked)
        text_puts(&s->bytes, "\r\n");
    end_step(s, wait_ms);
}

void script_last_chunk(struct script *s)
{
    if (s->is_chunked)
        script_raw(s, 0, "0\r\n\r\n", 5);
}

void script_pace(struct script *s, int64_t first_ms)
{
    for (size_t i = 0; i < s->steps_n; i++) {
        s->steps[i].wait_steps = (int)s->steps[i].wait_ms;
        s->steps[i].wait_ms = i == 0 ? first_ms : 0;
    }
}

void script_clear(struct script *s)
{
    text_free(&s->bytes);
    free(s->steps);
    *s = (struct script){0};
}
