// day.c -- someone writes, reads, talks, watches and goes for coffee; every 4 s a picture.
//
// The comparison goes as in the pipeline: with the last described picture, then with those
// of the last FRAMES described ones whose hashes are near.
// SPDX-License-Identifier: MIT
#include "day.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVERY_S = 4,
    FRAMES = 64,         // as many as the store keeps of a source
    NEAR_BITS = 8,       // as in the store
    CANDIDATES = 4,      // as in the store
    SMALL_LETTERS = 12,  // fewer typed letters than this may be folded
    DAYS = 2,
};

// ---- the real code

static void prepare(struct image_req *r, const char *name, struct prepared *out)
{
    struct image_config c = {0};
    image_config_default(&c);
    r->skip_encode = true;
    if (image_prepare_now(&c, r)) {
        fprintf(stderr, "bench_duplicates: %s: %s\n", name, r->err.msg);
        exit(2);
    }
    memcpy(out->thumb, r->thumb, sizeof(out->thumb));
    out->width = r->width;
    out->height = r->height;
    image_req_fini(r);
}

void prepare_file(const char *path, struct prepared *out)
{
    struct image_req r = {.path = path};
    prepare(&r, path, out);
}

void prepare_scene(const struct scene *s, struct prepared *out)
{
    size_t len;
    uint8_t *png = scene_png(s, &len);
    struct image_req r = {.bytes = png, .bytes_len = len};
    prepare(&r, "a made-up screen", out);
    free(png);
}

struct image_look prepared_look(const struct prepared *p)
{
    return (struct image_look){p->thumb, p->width, p->height};
}

// ---- the person

struct person {
    struct scene s;
    struct scene kept[APPS];  // windows stay as they were left
    enum activity { WRITES, READS, TALKS, WATCHES, AWAY, ACTIVITIES } does;
    int left;  // pictures until something else is done
    uint32_t random;
};

static uint32_t draw(struct person *p, uint32_t n)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 17;
    p->random ^= p->random << 5;
    return p->random % n;
}

static void open_app(struct person *p, enum scene_app app)
{
    struct scene next = p->kept[app];
    p->kept[p->s.app] = p->s;
    next.at_s = p->s.at_s;
    next.pointer_x = p->s.pointer_x;
    next.pointer_y = p->s.pointer_y;
    p->s = next;
}

static void choose_activity(struct person *p)
{
    const uint32_t k = draw(p, 100);
    if (k < 30) {
        p->does = WRITES;
        open_app(p, draw(p, 3) ? APP_EDITOR : draw(p, 2) ? APP_TERMINAL : APP_SHEET);
    } else if (k < 65) {
        p->does = READS;
        open_app(p, draw(p, 4) ? APP_PAGE : APP_EDITOR);
    } else if (k < 80) {
        p->does = TALKS;
        open_app(p, APP_CHAT);
    } else if (k < 87) {
        p->does = WATCHES;
        open_app(p, APP_VIDEO);
    } else {
        p->does = AWAY;
    }
    p->left = 5 + (int)draw(p, p->does == AWAY ? 150 : 60);
}

static void write_some(struct person *p)
{
    if (draw(p, 3)) {
        p->s.typed = (p->s.typed + (int)draw(p, 14)) % 400;
    }
    if (draw(p, 12) == 0) {
        p->s.scrolled += 20 * (int)draw(p, 20);
    }
}

static void read_some(struct person *p)
{
    if (draw(p, 4) == 0) {
        p->s.scrolled += 20 * (1 + (int)draw(p, 25));
    }
    if (draw(p, 40) == 0) {
        p->s.document++;
        p->s.scrolled = 0;
    }
}

static void act(struct person *p)
{
    switch (p->does) {
    case WRITES: write_some(p); break;
    case READS: read_some(p); break;
    case TALKS:
        if (draw(p, 3) == 0) {
            p->s.scrolled += 40;
        } else if (draw(p, 2)) {
            p->s.typed = (p->s.typed + (int)draw(p, 14)) % 200;
        }
        break;
    case WATCHES: p->s.frame += 100; break;
    case AWAY:
    case ACTIVITIES: return;
    }
    if (draw(p, 3) == 0) {
        p->s.pointer_x = (int)draw(p, (uint32_t)p->s.width);
        p->s.pointer_y = (int)draw(p, (uint32_t)p->s.height);
    }
    p->s.has_dialog = draw(p, 80) == 0;
}

static void step(struct person *p)
{
    if (p->left-- <= 0) {
        choose_activity(p);
    }
    p->s.at_s += EVERY_S;
    p->s.has_caret = p->s.app != APP_VIDEO && draw(p, 2);
    act(p);
}

static void wake_up(struct person *p, int day)
{
    memset(p, 0, sizeof(*p));
    p->random = 88172645u + 7919u * (uint32_t)day;
    for (int i = 0; i < APPS; i++) {
        p->kept[i] = (struct scene){
            .width = 1920,
            .height = 1080,
            .scale = 1,
            .is_dark = day % 2,
            .is_bar_below = day % 2,
            .has_seconds = day % 2,
            .app = (enum scene_app)i,
            .document = i * 100,
            .at_s = 9 * 3600,
            .pointer = i == APP_VIDEO ? POINTER_NONE : POINTER_ARROW,
        };
    }
    p->s = p->kept[APP_EDITOR];
}

// ---- what is done about it

struct described {
    struct scene s;
    struct prepared p;
    uint64_t hash;
};

struct day {
    struct described frames[FRAMES];  // the last FRAMES, in a ring
    int n_described;
    int total, same, near_last, near_older, asked;
    int missed, folded, needless;
};

static const struct described *frame_back(const struct day *d, int back)
{
    return &d->frames[(d->n_described - 1 - back) % FRAMES];
}

static int frames_kept(const struct day *d)
{
    return d->n_described < FRAMES ? d->n_described : FRAMES;
}

static void note_error(struct day *d, const struct scene *now, const struct scene *was)
{
    struct scene as_typed = *now;
    as_typed.typed = was->typed;
    if (scene_says_the_same(now, was)) {
        return;
    }
    if (scene_says_the_same(&as_typed, was) &&
        abs(now->typed - was->typed) < SMALL_LETTERS) {
        d->folded++;
    } else {
        d->missed++;
    }
}

static bool is_near(const struct prepared *p, const struct described *f)
{
    const struct image_look a = prepared_look(p), b = prepared_look(&f->p);
    return image_compare(&a, &b, IMAGE_NEAR_NORMAL).is_duplicate;
}

// The last one, then the nearest of the others by hash.
static const struct described *find(struct day *d, const struct prepared *p,
                                    uint64_t hash, int *back)
{
    bool is_tried[FRAMES] = {false};
    for (int tries = 0; tries < CANDIDATES; tries++) {
        int best = -1, best_bits = NEAR_BITS + 1;
        for (int i = 0; i < frames_kept(d); i++) {
            const int bits = __builtin_popcountll(frame_back(d, i)->hash ^ hash);
            if (!is_tried[i] && (bits < best_bits || (i == 0 && tries == 0))) {
                best = i;
                best_bits = tries == 0 && i == 0 ? -1 : bits;
            }
        }
        if (best < 0) {
            break;
        }
        is_tried[best] = true;
        if (is_near(p, frame_back(d, best))) {
            *back = best;
            return frame_back(d, best);
        }
    }
    return NULL;
}

static bool was_same(const struct day *d, const struct scene *s)
{
    for (int i = 0; i < frames_kept(d); i++) {
        if (scene_says_the_same(s, &frame_back(d, i)->s)) {
            return true;
        }
    }
    return false;
}

// Without the seconds that a clock does not show.
static bool is_same_picture(const struct scene *a, const struct scene *b)
{
    struct scene x = *a, y = *b;
    if (!x.has_seconds) {
        x.at_s -= x.at_s % 60;
        y.at_s -= y.at_s % 60;
    }
    return memcmp(&x, &y, sizeof(x)) == 0;
}

static void take_picture(struct day *d, const struct scene *s)
{
    struct prepared p;
    int back = 0;
    d->total++;
    for (int i = 0; i < frames_kept(d); i++) {
        if (is_same_picture(s, &frame_back(d, i)->s)) {
            d->same++;
            return;
        }
    }
    prepare_scene(s, &p);
    const uint64_t hash = image_hash_look(p.thumb);
    const struct described *f = find(d, &p, hash, &back);
    if (f) {
        d->near_last += back == 0;
        d->near_older += back > 0;
        note_error(d, s, &f->s);
        return;
    }
    d->needless += was_same(d, s);
    d->asked++;
    d->frames[d->n_described % FRAMES] = (struct described){*s, p, hash};
    d->n_described++;
}

static void print_day(const char *name, const struct day *d)
{
    printf("%-22s %7d %7d %9d %10d %7d %9.1f %% %7d %8d %9d\n", name, d->total, d->same,
           d->near_last, d->near_older, d->asked,
           100.0 * (d->total - d->asked) / d->total, d->missed, d->folded, d->needless);
}

int run_day(double hours)
{
    static const char *const names[DAYS] = {"light", "dark, with seconds"};
    int missed = 0;
    printf("%-22s %7s %7s %9s %10s %7s %11s %7s %8s %9s\n", "", "total", "equal",
           "near last", "near older", "asked", "not asked", "missed", "folded",
           "needless");
    for (int i = 0; i < DAYS; i++) {
        struct day *d = calloc(1, sizeof(*d));
        struct person p;
        if (!d) {
            return 2;
        }
        wake_up(&p, i);
        for (int t = 0; t < (int)(hours * 3600 / EVERY_S); t++) {
            step(&p);
            take_picture(d, &p.s);
        }
        print_day(names[i], d);
        missed += d->missed;
        free(d);
    }
    printf("missed: taken for a duplicate of something else; folded: fewer than %d typed "
           "letters;\nneedless: asked, though a described one says the same\n",
           SMALL_LETTERS);
    return missed > 0;
}
