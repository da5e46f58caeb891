// bench_duplicates.c -- how well near-duplicates are told from changes.
//
//   bench_duplicates changes           made-up screens, two that differ by one thing
//   bench_duplicates samples FOLDER    NAME_1080.png against V_NAME_*.png and other formats
//   bench_duplicates day [HOURS]       a working day, a picture every 4 s
//
// Pictures go through image_prepare_now and image_compare, as in the pipeline.
// Exit code 1: a change that a person would care about was taken for a duplicate.
// SPDX-License-Identifier: MIT
#include "day.h"
#include "image/image.h"
#include "screen.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIALS = 6, SIZES = 5, VALUES = TRIALS * SIZES * 2 };

static const struct {
    int width, height;
    double scale;
} sizes[SIZES] = {
    {1920, 1080, 1}, {1366, 768, 1}, {2560, 1440, 1}, {3840, 2160, 2}, {1920, 1200, 1.25},
};

enum wish { DUPLICATE, EITHER, CHANGE };
static const char *const wishes[] = {"duplicate", "-", "change"};

static uint32_t random_below(uint32_t n)
{
    static uint32_t x = 2463534242u;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x % n;
}

// ---- one thing changes

static void some_text(struct scene *s)
{
    s->typed = (int)random_below(120);
}

static void clock_minute(struct scene *s)
{
    s->at_s += 60;
}

static void clock_second(struct scene *s)
{
    s->has_seconds = true;
    s->at_s += 4;
}

static void caret(struct scene *s)
{
    s->has_caret = !s->has_caret;
}

static void pointer_far(struct scene *s)
{
    s->pointer_x = (int)random_below((uint32_t)s->width);
    s->pointer_y = (int)random_below((uint32_t)s->height);
}

static void pointer_near(struct scene *s)
{
    s->pointer_x += (int)random_below(120) - 60;
    s->pointer_y += (int)random_below(80) - 40;
}

static void pointer_kind(struct scene *s)
{
    s->pointer = POINTER_ARROW + (s->pointer - POINTER_ARROW + 1) % 3;
}

static void all_of_it(struct scene *s)
{
    clock_minute(s);
    caret(s);
    pointer_far(s);
}

static void badge(struct scene *s)
{
    s->badge = 3;
}

#define TYPED(n)                                                                         \
    static void typed_##n(struct scene *s)                                               \
    {                                                                                    \
        s->typed += n;                                                                   \
    }
TYPED(1)
TYPED(2)
TYPED(4)
TYPED(6)
TYPED(8)
TYPED(12)
TYPED(20)
TYPED(40)

static void dim_12(struct scene *s)
{
    s->typed += 12;
}

#define REPLACED(n)                                                                      \
    static void replaced_##n(struct scene *s)                                            \
    {                                                                                    \
        s->replaced = n;                                                                 \
    }
REPLACED(4)
REPLACED(8)
REPLACED(12)
REPLACED(20)
REPLACED(40)

static void scrolled_1(struct scene *s)
{
    s->scrolled += 20;
}

static void scrolled_3(struct scene *s)
{
    s->scrolled += 60;
}

static void scrolled_page(struct scene *s)
{
    s->scrolled += 700;
}

static void other_tab(struct scene *s)
{
    s->document++;
}

static void other_app(struct scene *s)
{
    s->app = s->app == APP_CHAT ? APP_SHEET : APP_CHAT;
}

static void dialog(struct scene *s)
{
    s->has_dialog = true;
}

static void video(struct scene *s)
{
    s->frame++;
}

static const struct kind {
    const char *name;
    enum wish wish;
    void (*change)(struct scene *s);
    int app;  // or -1: any with text
    int contrast;
} kinds[] = {
    {"clock, minute", DUPLICATE, clock_minute, -1, 0},
    {"clock, second", DUPLICATE, clock_second, -1, 0},
    {"caret", DUPLICATE, caret, -1, 0},
    {"pointer, far", DUPLICATE, pointer_far, -1, 0},
    {"pointer, near", DUPLICATE, pointer_near, -1, 0},
    {"pointer, other kind", DUPLICATE, pointer_kind, -1, 0},
    {"clock, caret, pointer", DUPLICATE, all_of_it, -1, 0},
    {"badge appears", EITHER, badge, -1, 0},
    {"typed 1", EITHER, typed_1, -1, 0},
    {"typed 2", EITHER, typed_2, -1, 0},
    {"typed 4", EITHER, typed_4, -1, 0},
    {"typed 6", EITHER, typed_6, -1, 0},
    {"typed 8", EITHER, typed_8, -1, 0},
    {"typed 12", CHANGE, typed_12, -1, 0},
    {"typed 20", CHANGE, typed_20, -1, 0},
    {"typed 40", CHANGE, typed_40, -1, 0},
    {"typed 12, 40 % contrast", CHANGE, dim_12, -1, 40},
    {"replaced 4", EITHER, replaced_4, APP_EDITOR, 0},
    {"replaced 8", EITHER, replaced_8, APP_EDITOR, 0},
    {"replaced 12", EITHER, replaced_12, APP_EDITOR, 0},
    {"replaced 20", CHANGE, replaced_20, APP_EDITOR, 0},
    {"replaced 40", CHANGE, replaced_40, APP_EDITOR, 0},
    {"cell, 3 digits", EITHER, replaced_4, APP_SHEET, 0},
    {"cell, 6 digits", EITHER, replaced_8, APP_SHEET, 0},
    {"scrolled 1 line", CHANGE, scrolled_1, -1, 0},
    {"scrolled 3 lines", CHANGE, scrolled_3, -1, 0},
    {"scrolled a page", CHANGE, scrolled_page, -1, 0},
    {"other tab", CHANGE, other_tab, -1, 0},
    {"other app", CHANGE, other_app, -1, 0},
    {"dialog", CHANGE, dialog, -1, 0},
    {"video, next frame", EITHER, video, APP_VIDEO, 0},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct values {
    int blocks[VALUES], widest[VALUES];
    int n;
    int duplicates[IMAGE_NEAR_LOOSE + 1];
};

static struct scene any_scene(int size, bool is_dark)
{
    static const enum scene_app with_text[] = {APP_EDITOR, APP_TERMINAL, APP_PAGE,
                                               APP_CHAT};
    struct scene s = {
        .width = sizes[size].width,
        .height = sizes[size].height,
        .scale = sizes[size].scale,
        .is_dark = is_dark,
        .is_bar_below = random_below(2),
        .app = with_text[random_below(4)],
        .document = (int)random_below(50),
        .scrolled = (int)random_below(200),
        .at_s = 32400 + (int)random_below(28800),
        .has_caret = random_below(2),
        .pointer = POINTER_ARROW + random_below(3),
    };
    some_text(&s);
    pointer_far(&s);
    return s;
}

static void note(struct values *v, const struct prepared *a, const struct prepared *b)
{
    const struct image_look x = prepared_look(a), y = prepared_look(b);
    for (int m = IMAGE_NEAR_STRICT; m <= IMAGE_NEAR_LOOSE; m++) {
        const struct image_change c = image_compare(&x, &y, m);
        v->duplicates[m] += c.is_duplicate;
        if (m == IMAGE_NEAR_NORMAL) {
            v->blocks[v->n] = c.blocks;
            v->widest[v->n] = c.widest;
        }
    }
    v->n++;
}

static void try_kinds(const struct scene *base, struct values *values)
{
    struct scene shown;
    struct prepared a, b;
    for (int i = 0; i < KINDS; i++) {
        struct scene before = *base, after;
        before.app = kinds[i].app >= 0 ? (enum scene_app)kinds[i].app : before.app;
        before.contrast = kinds[i].contrast;
        if (kinds[i].change == clock_second) {
            before.has_seconds = true;
        }
        after = before;
        kinds[i].change(&after);
        if (i == 0 || memcmp(&before, &shown, sizeof(shown)) != 0) {
            prepare_scene(&before, &a);
            shown = before;
        }
        prepare_scene(&after, &b);
        note(&values[i], &a, &b);
    }
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int print_values(const char *name, enum wish wish, struct values *v)
{
    qsort(v->blocks, (size_t)v->n, sizeof(int), by_value);
    qsort(v->widest, (size_t)v->n, sizeof(int), by_value);
    printf("%-24s %-10s %5d %5d %5d   %5d %5d ", name, wishes[wish], v->blocks[0],
           v->blocks[v->n / 2], v->blocks[v->n - 1], v->widest[0], v->widest[v->n - 1]);
    for (int m = IMAGE_NEAR_STRICT; m <= IMAGE_NEAR_LOOSE; m++) {
        printf("  %6.1f", 100.0 * v->duplicates[m] / v->n);
    }
    printf("\n");
    return wish == CHANGE ? v->duplicates[IMAGE_NEAR_NORMAL] : 0;
}

static void print_head(void)
{
    printf("%-24s %-10s %17s   %11s   %s\n", "", "should be", "blocks min/med/max",
           "widest spot", "duplicate: strict normal loose, %");
}

static int run_changes(void)
{
    static struct values values[KINDS];
    int misses = 0, caught = 0, trivial = 0;
    for (int size = 0; size < SIZES; size++) {
        for (int i = 0; i < 2 * TRIALS; i++) {
            const struct scene s = any_scene(size, i % 2);
            try_kinds(&s, values);
        }
    }
    print_head();
    for (int i = 0; i < KINDS; i++) {
        misses += print_values(kinds[i].name, kinds[i].wish, &values[i]);
        if (kinds[i].wish == DUPLICATE) {
            caught += values[i].duplicates[IMAGE_NEAR_NORMAL];
            trivial += values[i].n;
        }
    }
    printf("normal: %d changes missed; %.1f %% of clock, caret and pointer caught\n",
           misses, 100.0 * caught / trivial);
    return misses > 0;
}

// ---- samples

static bool ends_with(const char *s, const char *tail)
{
    const size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

// NAME_1080.png for V_NAME_*.png and NAME_1080.q80.webp; false: neither.
static bool name_of_base(const char *name, char *base, size_t size, enum wish *wish)
{
    const bool is_variant = strncmp(name, "V_", 2) == 0;
    const bool is_other_format =
        strstr(name, "_1080.") && !ends_with(name, "_1080.png") && name[0] != 'V';
    const char *from = is_variant ? name + 2 : name;
    const char *end = strchr(from, '_');
    if (!end || (!is_variant && !is_other_format)) {
        return false;
    }
    snprintf(base, size, "%.*s_1080.png", (int)(end - from), from);
    *wish = is_other_format || strstr(end, "_clock") || strstr(end, "_cursor") ? DUPLICATE
                                                                               : CHANGE;
    return true;
}

static void prepare_path(const char *folder, const char *name, struct prepared *out)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    prepare_file(path, out);
}

static int run_samples(const char *folder)
{
    struct dirent **names;
    int misses = 0;
    const int n = scandir(folder, &names, NULL, alphasort);
    if (n < 0) {
        fprintf(stderr, "bench_duplicates: %s: can not be read\n", folder);
        return 2;
    }
    print_head();
    for (int i = 0; i < n; i++) {
        char base[300];
        enum wish wish;
        if (name_of_base(names[i]->d_name, base, sizeof(base), &wish)) {
            struct prepared a, b;
            struct values v = {0};
            prepare_path(folder, base, &a);
            prepare_path(folder, names[i]->d_name, &b);
            note(&v, &a, &b);
            misses += print_values(names[i]->d_name, wish, &v);
        }
        free(names[i]);
    }
    free(names);
    return misses > 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "changes") == 0) {
        return run_changes();
    }
    if (argc == 3 && strcmp(argv[1], "samples") == 0) {
        return run_samples(argv[2]);
    }
    if (argc >= 2 && argc <= 3 && strcmp(argv[1], "day") == 0) {
        return run_day(argc == 3 ? atof(argv[2]) : 8);
    }
    fprintf(stderr, "usage: bench_duplicates changes | samples FOLDER | day [HOURS]\n");
    return 2;
}
