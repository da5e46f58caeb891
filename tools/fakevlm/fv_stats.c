// fv_stats.c -- what was asked and answered.
// SPDX-License-Identifier: MIT
#include "fv_stats.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// The hash is uniform already: its first digits are the place.
static size_t home_of(const char *hash, size_t cap)
{
    uint64_t n = 0;
    for (int i = 0; i < 12; i++)
        n = n << 4 | (uint64_t)(hash[i] <= '9' ? hash[i] - '0' : hash[i] - 'a' + 10);
    return (size_t)n & (cap - 1);
}

static struct image_count *find_place(struct image_count *table, size_t cap,
                                      const char *hash)
{
    size_t i = home_of(hash, cap);
    while (table[i].hash[0] && strcmp(table[i].hash, hash) != 0)
        i = (i + 1) & (cap - 1);
    return &table[i];
}

static void grow(struct stats *s)
{
    size_t cap = s->images_cap ? s->images_cap * 2 : 64;
    struct image_count *table = fv_alloc(cap * sizeof *table);
    for (size_t i = 0; i < s->images_cap; i++) {
        if (s->images[i].hash[0])
            *find_place(table, cap, s->images[i].hash) = s->images[i];
    }
    free(s->images);
    s->images = table;
    s->images_cap = cap;
}

struct image_count *stats_image(struct stats *s, const char hash[33])
{
    if (s->images_n * 2 >= s->images_cap)
        grow(s);
    struct image_count *place = find_place(s->images, s->images_cap, hash);
    if (!place->hash[0]) {
        memcpy(place->hash, hash, sizeof place->hash);
        s->images_n++;
    }
    return place;
}

void stats_running(struct stats *s, int change)
{
    s->running += change;
    assert(s->running >= 0);
    if (s->running > s->running_max)
        s->running_max = s->running;
}

void stats_reset(struct stats *s)
{
    struct stats kept = {.open_connections = s->open_connections, .running = s->running};
    kept.open_connections_max = kept.open_connections;
    kept.running_max = kept.running;
    free(s->images);
    *s = kept;
}

void stats_free(struct stats *s)
{
    free(s->images);
    *s = (struct stats){0};
}

void stats_add_images(const struct stats *s, struct text *out)
{
    const char *comma = "";
    text_puts(out, "{");
    for (size_t i = 0; i < s->images_cap; i++) {
        const struct image_count *image = &s->images[i];
        if (!image->hash[0])
            continue;
        text_printf(out, "%s\"%s\":{\"asked\":%" PRId64 ",\"answered\":%" PRId64 "}",
                    comma, image->hash, image->asked, image->answered);
        comma = ",";
    }
    text_puts(out, "}");
}

static void add_totals(const struct stats *s, struct text *out)
{
    int64_t asked = 0, answered = 0, asked_twice = 0, answered_twice = 0, never = 0;
    for (size_t i = 0; i < s->images_cap; i++) {
        const struct image_count *image = &s->images[i];
        asked += image->asked;
        answered += image->answered;
        asked_twice += image->asked > 1;
        answered_twice += image->answered > 1;
        never += image->asked > 0 && image->answered == 0;
    }
    text_printf(out,
                "\"totals\":{\"images\":%zu,\"asked\":%" PRId64 ",\"answered\":%" PRId64
                ",\"asked_twice\":%" PRId64 ",\"answered_twice\":%" PRId64
                ",\"never_answered\":%" PRId64 "}",
                s->images_n, asked, answered, asked_twice, answered_twice, never);
}

void stats_add_counters(const struct stats *s, struct text *out)
{
    const struct {
        const char *name;
        int64_t value;
    } rows[] = {
        {"requests", s->requests},
        {"chat_requests", s->chat_requests},
        {"answered", s->answered},
        {"refused", s->refused},
        {"cancelled", s->cancelled},
        {"bytes_in", s->bytes_in},
        {"bytes_out", s->bytes_out},
        {"connections", s->connections},
        {"open_connections", s->open_connections},
        {"open_connections_max", s->open_connections_max},
        {"running", s->running},
        {"max_concurrency", s->running_max},
        {"max_waiting", s->waiting_max},
        {"loads", s->loads},
        {"unloads", s->unloads},
        {"steps", s->steps},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        text_printf(out, "\"%s\":%" PRId64 ",", rows[i].name, rows[i].value);
    add_totals(s, out);
}
