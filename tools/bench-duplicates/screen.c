// screen.c -- letters from segments, windows from rectangles.
// SPDX-License-Identifier: MIT
#include "screen.h"

#include <libdeflate.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct canvas {
    uint8_t *rgb;
    int width, height;
    double scale;
};

// ---- shapes; places and sizes at scale 1 from here on

static int px(const struct canvas *c, double v)
{
    return (int)lround(v * c->scale);
}

static void blend(struct canvas *c, int x, int y, uint32_t colour, double share)
{
    if (x < 0 || y < 0 || x >= c->width || y >= c->height) {
        return;
    }
    uint8_t *p = c->rgb + 3 * ((size_t)y * (size_t)c->width + (size_t)x);
    for (int i = 0; i < 3; i++) {
        const int to = colour >> (16 - 8 * i) & 255;
        p[i] = (uint8_t)(p[i] + (to - p[i]) * share + .5);
    }
}

static void fill(struct canvas *c, double x, double y, double w, double h,
                 uint32_t colour)
{
    const uint8_t dot[3] = {(uint8_t)(colour >> 16), (uint8_t)(colour >> 8),
                            (uint8_t)colour};
    const int x0 = px(c, x) < 0 ? 0 : px(c, x);
    const int y0 = px(c, y) < 0 ? 0 : px(c, y);
    const int x1 = px(c, x + w) > c->width ? c->width : px(c, x + w);
    const int y1 = px(c, y + h) > c->height ? c->height : px(c, y + h);
    for (int row = y0; row < y1; row++) {
        uint8_t *p = c->rgb + 3 * ((size_t)row * (size_t)c->width + (size_t)x0);
        for (int col = x0; col < x1; col++, p += 3) {
            memcpy(p, dot, 3);
        }
    }
}

// ---- letters

// Corners and middles of a letter's box, 3 across and 3 down, and the strokes between them.
enum { STROKES = 14 };
static const struct stroke {
    double x0, y0, x1, y1;
} strokes[STROKES] = {
    {0, 0, 1, 0},   {1, 0, 1, .5},   {1, .5, 1, 1},   {0, 1, 1, 1},   {0, .5, 0, 1},
    {0, 0, 0, .5},  {0, .5, .5, .5}, {.5, .5, 1, .5}, {0, 0, .5, .5}, {.5, 0, .5, .5},
    {1, 0, .5, .5}, {1, 1, .5, .5},  {.5, .5, .5, 1}, {.5, .5, 0, 1},
};

enum {
    A = 1 << 0,
    B = 1 << 1,
    C = 1 << 2,
    D = 1 << 3,
    E = 1 << 4,
    F = 1 << 5,
    G = 1 << 6,
    H = 1 << 7,
    I = 1 << 8,
    J = 1 << 9,
    K = 1 << 10,
    L = 1 << 11,
    M = 1 << 12,
    N = 1 << 13,
};

static const uint16_t letters[26] = {
    A | B | C | E | F | G | H,
    A | B | C | D | H | J | M,
    A | D | E | F,
    A | B | C | D | J | M,
    A | D | E | F | G,
    A | E | F | G,
    A | C | D | E | F | H,
    B | C | E | F | G | H,
    A | D | J | M,
    B | C | D | E,
    E | F | G | K | L,
    D | E | F,
    B | C | E | F | I | K,
    B | C | E | F | I | L,
    A | B | C | D | E | F,
    A | B | E | F | G | H,
    A | B | C | D | E | F | L,
    A | B | E | F | G | H | L,
    A | C | D | F | G | H,
    A | J | M,
    B | C | D | E | F,
    E | F | K | N,
    B | C | E | F | L | N,
    I | K | L | N,
    I | K | M,
    A | D | K | N,
};

static const uint16_t digits[10] = {
    A | B | C | D | E | F,     B | C | K,         A | B | D | E | G | H,
    A | B | C | D | H,         B | C | F | G | H, A | C | D | F | G | H,
    A | C | D | E | F | G | H, A | B | C,         A | B | C | D | E | F | G | H,
    A | B | C | D | F | G | H,
};

enum { CELL_W = 8, LINE_H = 20, TYPES = 128, CELL_MAX = 64 };

// How much of each dot of a letter's cell is ink; made once for each scale.
struct type {
    double scale;
    int w, h;
    bool is_made[TYPES];
    float ink[TYPES][CELL_MAX * CELL_MAX];
};

static double distance(double x, double y, const double s[4])
{
    const double dx = s[2] - s[0], dy = s[3] - s[1];
    double t = ((x - s[0]) * dx + (y - s[1]) * dy) / (dx * dx + dy * dy);
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(x - s[0] - t * dx, y - s[1] - t * dy);
}

static uint16_t strokes_of(char ch)
{
    if (ch >= '0' && ch <= '9') {
        return digits[ch - '0'];
    }
    const int low = ch | 32;
    return low >= 'a' && low <= 'z' ? letters[low - 'a'] : ch == ':' ? J | M : G | H;
}

static void add_stroke(struct type *t, float *ink, const double s[4], double weight)
{
    for (int y = 0; y < t->h; y++) {
        for (int x = 0; x < t->w; x++) {
            const double d = distance(x + .5, y + .5, s);
            const double share = weight / 2 + .5 - d;
            const float v = (float)(share < 0 ? 0 : share > 1 ? 1 : share);
            ink[y * t->w + x] = v > ink[y * t->w + x] ? v : ink[y * t->w + x];
        }
    }
}

// Capitals and letters with a stem are 10 high, the others 7, on a line at 15.
static const float *type_get(struct type *t, char ch)
{
    float *ink = t->ink[(int)ch];
    if (t->is_made[(int)ch]) {
        return ink;
    }
    t->is_made[(int)ch] = true;
    const bool is_low = ch >= 'a' && !strchr("bdfhklt", ch);
    const double high = is_low ? 7 : 10, wide = ch == ':' ? 0.1 : 5;
    const uint16_t mask = strokes_of(ch);
    for (int i = 0; i < STROKES; i++) {
        if (mask & 1 << i) {
            const struct stroke *s = &strokes[i];
            const double at[4] = {
                (1.5 + s->x0 * wide) * t->scale, (15 - high * (1 - s->y0)) * t->scale,
                (1.5 + s->x1 * wide) * t->scale, (15 - high * (1 - s->y1)) * t->scale};
            add_stroke(t, ink, at, 1.3 * t->scale);
        }
    }
    return ink;
}

static struct type *type_at(double scale)
{
    static struct type *made[8];
    for (int i = 0; i < 8; i++) {
        if (made[i] && made[i]->scale == scale) {
            return made[i];
        }
        if (!made[i]) {
            made[i] = calloc(1, sizeof(*made[i]));
            if (!made[i]) {
                abort();
            }
            made[i]->scale = scale;
            made[i]->w = (int)lround(CELL_W * scale);
            made[i]->h = (int)lround(LINE_H * scale);
            return made[i];
        }
    }
    abort();
}

static void put_char(struct canvas *c, double x, double y, char ch, uint32_t colour)
{
    if (ch == ' ') {
        return;
    }
    struct type *t = type_at(c->scale);
    const float *ink = type_get(t, ch);
    for (int row = 0; row < t->h; row++) {
        for (int col = 0; col < t->w; col++) {
            const float share = ink[row * t->w + col];
            if (share > 0) {
                blend(c, px(c, x) + col, px(c, y) + row, colour, share);
            }
        }
    }
}

static void put_text(struct canvas *c, double x, double y, const char *text,
                     uint32_t colour)
{
    for (; *text; text++, x += CELL_W) {
        put_char(c, x, y, *text, colour);
    }
}

// ---- made-up text

static uint32_t mix(uint32_t a, uint32_t b)
{
    uint32_t h = a * 0x9e3779b1u ^ (b + 0x7f4a7c15u) * 0x85ebca6bu;
    h ^= h >> 15;
    h *= 0xc2b2ae35u;
    return h ^ h >> 13;
}

// Letter i of line n of a document.  Words of five letters or so.
static char letter_at(int document, int line, int i)
{
    const uint32_t h = mix((uint32_t)(document * 4099 + line), (uint32_t)i);
    return h % 6 == 0 ? ' ' : "etaoinshrdlucmfwypvbgkETAO0123"[h / 6 % 30];
}

// Every eighth line is long; in the first of them that is seen letters are replaced.
static bool is_long(int line)
{
    return line % 8 == 6;
}

static int line_letters(int document, int line, int most)
{
    return is_long(line) ? most
                         : (int)(mix((uint32_t)document * 77, (uint32_t)line) %
                                 (uint32_t)(most + 1));
}

// ---- the screen

struct look {
    uint32_t back, panel, text, dim, bar, accent;
};

static uint32_t between(uint32_t from, uint32_t to, int percent)
{
    uint32_t out = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        const int a = from >> shift & 255, b = to >> shift & 255;
        out |= (uint32_t)(a + (b - a) * percent / 100) << shift;
    }
    return out;
}

static struct look look_of(const struct scene *s)
{
    struct look l =
        s->is_dark
            ? (struct look){0x1e1e1e, 0x252526, 0xd4d4d4, 0x808080, 0x181818, 0x264f78}
            : (struct look){0xffffff, 0xf3f3f3, 0x202020, 0x707070, 0xe8e8e8, 0x3574f0};
    if (s->contrast) {
        l.text = between(l.back, l.text, s->contrast);
    }
    return l;
}

enum { BAR_H = 30, TITLE_H = 34, SIDE_W = 220, STATUS_H = 24 };

struct body {
    double x, y, w, h;
};

static void put_lines(struct canvas *c, const struct scene *s, const struct look *l,
                      const struct body *b)
{
    const int most = (int)(b->w / CELL_W) - 4;
    const int first = s->scrolled / LINE_H;
    for (int row = 0; row * LINE_H < b->h - LINE_H; row++) {
        const double y = b->y + row * LINE_H - s->scrolled % LINE_H;
        const int line = first + row;
        const int n = line_letters(s->document, line, most);
        for (int i = 0; i < n; i++) {
            const bool is_new = is_long(line) && row < 8 && i < s->replaced;
            put_char(c, b->x + 8 + i * CELL_W, y,
                     letter_at(s->document + (is_new ? 1000 : 0), line, i), l->text);
        }
    }
}

// Typed letters go on below what is there, at a place that is empty before.
static void put_typed(struct canvas *c, const struct scene *s, const struct look *l,
                      const struct body *b)
{
    const int across = (int)(b->w / CELL_W) - 4;
    int row = 0, col = 0;
    const double top = b->y + b->h * (s->app == APP_CHAT ? .93 : .4);
    fill(c, b->x, top - 4, b->w, (s->app == APP_CHAT ? 2 : 6) * LINE_H, l->back);
    for (int i = 0; i < s->typed; i++) {
        row = i / across;
        col = i % across;
        put_char(c, b->x + 8 + col * CELL_W, top + row * LINE_H,
                 letter_at(s->document + 500, row, col), l->text);
    }
    if (s->has_caret) {
        col = s->typed % across;
        row = s->typed / across;
        fill(c, b->x + 8 + col * CELL_W, top + row * LINE_H + 2, 2, 16, l->text);
    }
}

static void put_sheet(struct canvas *c, const struct scene *s, const struct look *l,
                      const struct body *b)
{
    for (int row = 0; row * 24 < b->h; row++) {
        fill(c, b->x, b->y + row * 24, b->w, 1, l->dim);
        for (int col = 0; col * 110 < b->w; col++) {
            char text[12];
            const int line = row + s->scrolled / LINE_H;
            const bool is_new = row == 5 && col == 4;
            snprintf(text, sizeof(text), "%d",
                     (int)(mix((uint32_t)(s->document * 991 + line), (uint32_t)col) %
                           1000000));
            if (is_new) {
                for (int i = 0; i < s->replaced && text[i]; i++) {
                    text[i] = (char)('0' + (text[i] - '0' + 3) % 10);
                }
            }
            put_text(c, b->x + 6 + col * 110, b->y + row * 24 + 2, text, l->text);
        }
    }
    for (int col = 0; col * 110 < b->w; col++) {
        fill(c, b->x + col * 110, b->y, 1, b->h, l->dim);
    }
}

// Soft spots that wander, over half of the window.
static void put_video(struct canvas *c, const struct scene *s, const struct body *b)
{
    const int x0 = px(c, b->x), y0 = px(c, b->y), w = px(c, b->w * .6),
              h = px(c, b->h * .6);
    // Never the same again: the scene changes every 100 frames.
    const double t = s->frame * .13 + mix(9, (uint32_t)s->frame / 100) % 100;
    const double bend = 3 + mix(11, (uint32_t)s->frame / 100) % 50 * .1;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            const double u = (double)x / w, v = (double)y / h;
            const double k =
                .5 + .25 * sin(bend * u + t) + .25 * cos(5 * v - 1.7 * t + u);
            const int grey = (int)(k * 220) + 10;
            blend(c, x0 + x, y0 + y, (uint32_t)(grey << 16 | grey << 8 | grey), 1);
        }
    }
}

static void put_bar(struct canvas *c, const struct scene *s, const struct look *l,
                    double w, double h)
{
    char clock[16];
    const double y = s->is_bar_below ? h - BAR_H : 0;
    const int n = snprintf(clock, sizeof(clock), "%02d:%02d", s->at_s / 3600 % 24,
                           s->at_s / 60 % 60);
    if (s->has_seconds) {
        snprintf(clock + n, sizeof(clock) - (size_t)n, ":%02d", s->at_s % 60);
    }
    fill(c, 0, y, w, BAR_H, l->bar);
    put_text(c, s->is_bar_below ? w - 84 : w / 2 - 32, y + 5, clock, l->text);
    for (int i = 0; i < 6; i++) {
        fill(c, 8 + i * 34, y + 4, 22, 22, mix(3, (uint32_t)i) & 0x7f7f7f);
    }
    if (s->badge) {
        fill(c, 8 + 3 * 34 + 10, y + 3, 14, 14, 0xd03030);
        put_char(c, 8 + 3 * 34 + 13, y, (char)('0' + s->badge % 10), 0xffffff);
    }
}

static void put_pointer(struct canvas *c, const struct scene *s)
{
    const double x = s->pointer_x / c->scale, y = s->pointer_y / c->scale;
    if (s->pointer == POINTER_BEAM) {
        fill(c, x + 3, y, 2, 17, 0x000000);
        fill(c, x, y, 8, 1, 0x000000);
        fill(c, x, y + 16, 8, 1, 0x000000);
    } else if (s->pointer == POINTER_HAND) {
        fill(c, x + 5, y, 4, 12, 0x101010);
        fill(c, x + 6, y + 1, 2, 12, 0xffffff);
        fill(c, x, y + 8, 18, 11, 0x101010);
        fill(c, x + 1, y + 9, 16, 9, 0xffffff);
    } else if (s->pointer == POINTER_ARROW) {
        for (int row = 0; row < 19; row++) {
            const double wide = row < 13 ? row * .9 + 1 : row < 14 ? 6 : 4;
            const double from = row < 14 ? 0 : (row - 9) * .6;
            fill(c, x + from, y + row, wide, 1, 0xffffff);
            fill(c, x + from + 1, y + row, wide - 2 > 0 ? wide - 2 : 0, 1, 0x101010);
        }
    }
}

static void put_window(struct canvas *c, const struct scene *s, const struct look *l,
                       double w, double h)
{
    const double top = s->is_bar_below ? 0 : BAR_H;
    const struct body b = {SIDE_W, top + TITLE_H, w - SIDE_W,
                           h - BAR_H - TITLE_H - STATUS_H};
    fill(c, 0, top, w, TITLE_H, l->panel);
    for (int i = 0; i < 4; i++) {
        const bool is_chosen = i == s->document % 4;
        fill(c, SIDE_W + i * 180, top + 4, 176, TITLE_H - 4,
             is_chosen ? l->back : l->bar);
        for (int k = 0; k < 14; k++) {
            put_char(c, SIDE_W + 12 + i * 180 + k * CELL_W, top + 8,
                     letter_at(i + 31, 2, k), is_chosen ? l->text : l->dim);
        }
    }
    fill(c, 0, top + TITLE_H, SIDE_W, h, l->panel);
    for (int row = 0; row < 24; row++) {
        for (int k = 0; k < 16; k++) {
            put_char(c, 16 + k * CELL_W, top + TITLE_H + 10 + row * 26,
                     letter_at((int)s->app + 60, row, k), l->dim);
        }
    }
    if (s->app == APP_SHEET) {
        put_sheet(c, s, l, &b);
    } else if (s->app == APP_VIDEO) {
        put_video(c, s, &b);
    } else {
        put_lines(c, s, l, &b);
    }
    if (s->app != APP_VIDEO) {
        put_typed(c, s, l, &b);
    }
    fill(c, 0, b.y + b.h, w, STATUS_H, l->accent);
}

static void put_dialog(struct canvas *c, const struct look *l, double w, double h)
{
    fill(c, w / 2 - 180, h / 2 - 70, 360, 140, l->dim);
    fill(c, w / 2 - 178, h / 2 - 68, 356, 136, l->panel);
    put_text(c, w / 2 - 150, h / 2 - 40, "Save changes before closing", l->text);
}

const char *scene_app_name(enum scene_app a)
{
    static const char *const names[APPS] = {"editor", "terminal", "page",
                                            "chat",   "sheet",    "video"};
    return names[a];
}

void scene_draw(const struct scene *s, uint8_t *rgb)
{
    struct canvas c = {rgb, s->width, s->height, s->scale};
    const struct look l = look_of(s);
    const double w = s->width / s->scale, h = s->height / s->scale;
    fill(&c, 0, 0, w + 1, h + 1, l.back);
    put_window(&c, s, &l, w, h);
    put_bar(&c, s, &l, w, h);
    if (s->has_dialog) {
        put_dialog(&c, &l, w, h);
    }
    put_pointer(&c, s);
}

bool scene_says_the_same(const struct scene *a, const struct scene *b)
{
    struct scene x = *a;
    x.at_s = b->at_s;
    x.has_caret = b->has_caret;
    x.pointer = b->pointer;
    x.pointer_x = b->pointer_x;
    x.pointer_y = b->pointer_y;
    return x.width == b->width && x.height == b->height && x.scale == b->scale &&
           x.is_dark == b->is_dark && x.is_bar_below == b->is_bar_below &&
           x.app == b->app && x.document == b->document && x.scrolled == b->scrolled &&
           x.typed == b->typed && x.replaced == b->replaced &&
           x.has_dialog == b->has_dialog && x.badge == b->badge && x.frame == b->frame;
}

// ---- PNG

static void put_be32(uint8_t *at, size_t v)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(v >> (24 - 8 * i));
    }
}

static size_t put_chunk(uint8_t *at, const char *name, size_t len)
{
    put_be32(at, len);
    memcpy(at + 4, name, 4);
    put_be32(at + 8 + len, libdeflate_crc32(0, at + 4, len + 4));
    return len + 12;
}

uint8_t *scene_png(const struct scene *s, size_t *len)
{
    static const uint8_t signature[8] = {137, 'P', 'N', 'G', 13, 10, 26, 10};
    const size_t stride = (size_t)s->width * 3, n = (stride + 1) * (size_t)s->height;
    struct libdeflate_compressor *z = libdeflate_alloc_compressor(0);
    uint8_t *rgb = malloc(stride * (size_t)s->height), *raw = malloc(n);
    const size_t bound = z ? libdeflate_zlib_compress_bound(z, n) : 0;
    uint8_t *out = malloc(bound + 100);
    if (!z || !rgb || !raw || !out) {
        abort();
    }
    scene_draw(s, rgb);
    for (int y = 0; y < s->height; y++) {
        raw[(size_t)y * (stride + 1)] = 0;
        memcpy(raw + (size_t)y * (stride + 1) + 1, rgb + (size_t)y * stride, stride);
    }
    size_t at = sizeof(signature);
    memcpy(out, signature, at);
    put_be32(out + at + 8, (size_t)s->width);
    put_be32(out + at + 12, (size_t)s->height);
    memcpy(out + at + 16, "\x08\x02\0\0\0", 5);
    at += put_chunk(out + at, "IHDR", 13);
    at += put_chunk(out + at, "IDAT",
                    libdeflate_zlib_compress(z, raw, n, out + at + 8, bound));
    *len = at + put_chunk(out + at, "IEND", 0);
    libdeflate_free_compressor(z);
    free(raw);
    free(rgb);
    return out;
}
