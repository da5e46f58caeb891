// page_gate.c -- plants secrets on a page, masks what is found, looks for what is left.
//
// A secret counts as masked by where it was drawn, not by what OCR made of it.  What is left
// is looked for as skeletons, so that a misread rest counts as a leak, too.
// SPDX-License-Identifier: MIT
#include "page_gate.h"

// cmocka wants these first.
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_SKELETON = 6, LONGEST_SKELETON = 12, JPEG_SIDE_PX = 768 };

// What must be masked comes oftener than what only adds up.
static const enum privacy_category turns[] = {
    PRIVACY_CARD,     PRIVACY_PASSWORD, PRIVACY_API_KEY,     PRIVACY_SSN,
    PRIVACY_TOKEN,    PRIVACY_EMAIL,    PRIVACY_JWT,         PRIVACY_IBAN,
    PRIVACY_PASSWORD, PRIVACY_PHONE,    PRIVACY_PRIVATE_KEY, PRIVACY_CARD,
    PRIVACY_BIRTH,    PRIVACY_API_KEY,  PRIVACY_NATIONAL_ID, PRIVACY_SSN,
    PRIVACY_IP,       PRIVACY_TOKEN,    PRIVACY_SEED,        PRIVACY_MAC,
};
enum { TURNS = sizeof(turns) / sizeof(turns[0]) };

void gate_open(struct gate *g)
{
    struct err e = {0};
    *g = (struct gate){0};
    reader_open(&g->reader);
    if (privacy_finder_open(&g->finder, &e)) {
        fail_msg("finder: %s", e.msg);
    }
}

void gate_close(struct gate *g)
{
    privacy_finder_free(g->finder);
    reader_close(&g->reader);
}

// ---- planting

// Latin letters of two bytes and the punctuation of three that all fonts have: other scripts
// need other language data than the helper is asked to use here.
static bool is_readable(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        const bool is_latin = *c >= 0xc2 && *c <= 0xc5;
        const bool is_mark = c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0x90 && c[2] <= 0xa6;
        if (*c >= 0x80 && !is_latin && !is_mark) {
            return false;
        }
        c += is_mark ? 2 : is_latin ? 1 : 0;
    }
    return true;
}

static bool is_of_use(const struct corpus_item *item)
{
    return !item->is_misread && is_readable(item->text);
}

// The n-th secret of a page's turn, or a decoy.  What the corpus has misread already is
// drawn again.
static void take_item(struct corpus_item *item, unsigned n)
{
    for (unsigned again = 0;; again++) {
        const uint64_t seed = 0x5eed00000000u + n * 64 + again;
        if (n % 3 == 2) {
            corpus_decoy(item, n / 3 + again, seed);
        } else {
            const unsigned turn = n / 3 * 2 + n % 3;
            corpus_secret(item, turns[turn % TURNS], turn / TURNS + again, seed);
        }
        if (is_of_use(item)) {
            return;
        }
    }
}

// BEGIN and END are no secret, nor is what stands beside the name of a header.
static bool is_framing(const char *line, size_t len)
{
    return memmem(line, len, "-----", 5) || memmem(line, len, ": ", 2);
}

// Of a private key the lines of its body only; of PuTTY's the private half.
static void find_plant(struct gate_page *p, struct gate_plant *at, size_t from,
                       size_t len)
{
    const char *text = at->item.text;
    const bool is_key = at->item.is_secret && at->item.category == PRIVACY_PRIVATE_KEY;
    const char *private = is_key ? strstr(text, "Private-Lines") : NULL;
    size_t begin = private ? (size_t)(private - text) : from;
    for (size_t end; begin < from + len; begin = end + 1) {
        end = is_key ? begin + strcspn(text + begin, "\n") : from + len;
        end = end > from + len ? from + len : end;
        if (!is_key || !is_framing(text + begin, end - begin)) {
            at->n_boxes +=
                page_find(p->page, at->line, begin, end - begin, at->boxes + at->n_boxes,
                          GATE_MAX_BOXES - at->n_boxes);
        }
    }
}

// false: there is no room.
static bool plant(struct gate_page *p, const struct corpus_item *item)
{
    struct gate_plant *at = &p->plants[p->n_plants];
    *at = (struct gate_plant){.item = *item, .line = page_add(p->page, item->text)};
    if (at->line < 0) {
        return false;
    }
    const char *secret = item->is_secret ? strstr(item->text, item->secret) : item->text;
    const size_t len = strlen(item->is_secret ? item->secret : item->text);
    find_plant(p, at, (size_t)(secret - item->text), len);
    assert_in_range(at->n_boxes, 1, GATE_MAX_BOXES);
    p->n_plants++;
    return true;
}

// What found no room is first on the next page, unless it fits on none.
void gate_plant(struct gate *g, struct gate_page *p, unsigned n)
{
    *p = (struct gate_page){.spec = page_spec_of(n)};
    p->page = page_new(&p->spec);
    while (p->n_plants < GATE_MAX_PLANTS) {
        struct corpus_item item;
        take_item(&item, g->next);
        if (!plant(p, &item) && p->n_plants > 0) {
            break;
        }
        g->next++;
    }
    p->png = page_png(p->page, &p->png_len);
}

void gate_page_fini(struct gate_page *p)
{
    page_free(p->page);
    free(p->png);
    free(p->text);
    free(p->words);
}

// ---- masking

static void find_boxes(struct gate *g, struct gate_page *p,
                       const struct page_reading *read, struct privacy_boxes *boxes)
{
    struct privacy_findings findings = {0};
    p->n_words = read->req.n_words;
    p->words = calloc((size_t)p->n_words + 1, sizeof(*p->words));
    assert_non_null(p->words);
    for (int i = 0; i < read->req.n_words; i++) {
        const struct ocr_word *w = &read->req.words[i];
        p->words[i] = (struct privacy_word){w->left,   w->top,    w->width,
                                            w->height, w->offset, w->len};
    }
    const struct privacy_page page = {
        .width = read->req.width,
        .height = read->req.height,
        .text = p->text,
        .text_len = p->text_bytes,
        .plain_len = read->req.page_len,
        .words = p->words,
        .n_words = p->n_words,
    };
    assert_int_equal(privacy_find_page(g->finder, &page, &findings), 0);
    const int rc = privacy_boxes_make(&page, &findings, ~0u, boxes);
    assert_true(rc == 0 || rc == E_NOT_FOUND);
    p->is_blocked = rc != 0;
    privacy_findings_fini(&findings);
}

static bool is_beside(const struct privacy_word *w, const struct page_box *b)
{
    const int middle = w->top + w->height / 2;
    return middle >= b->top && middle < b->top + b->height;
}

void gate_read_at(const struct gate_page *p, const struct gate_plant *at, char *out,
                  size_t size)
{
    size_t n = 0;
    *out = 0;
    for (int k = 0; k < at->n_boxes; k++) {
        for (int i = 0; i < p->n_words && n < size; i++) {
            const struct privacy_word *w = &p->words[i];
            if (is_beside(w, &at->boxes[k])) {
                n += (size_t)snprintf(out + n, size - n, "%.*s ", (int)w->len,
                                      p->text + w->offset);
            }
        }
        n += n < size ? (size_t)snprintf(out + n, size - n, "/ ") : 0;
    }
}

static double share_covered(const struct page_box *b, const uint8_t *is_black, int width,
                            int height)
{
    long black = 0;
    for (int y = b->top; y < b->top + b->height; y++) {
        for (int x = b->left; x < b->left + b->width; x++) {
            black += y >= 0 && y < height && x >= 0 && x < width &&
                     is_black[(size_t)y * (size_t)width + (size_t)x];
        }
    }
    return (double)black / ((double)b->width * b->height);
}

static void judge(struct gate_page *p, const struct privacy_boxes *boxes)
{
    const int width = page_width(p->page), height = page_height(p->page);
    uint8_t *is_black = calloc((size_t)width, (size_t)height);
    assert_non_null(is_black);
    for (int i = 0; i < boxes->n; i++) {
        const struct privacy_box *b = &boxes->items[i];
        assert_true(b->x >= 0 && b->y >= 0 && b->x + b->width <= width &&
                    b->y + b->height <= height);
        for (int y = b->y; y < b->y + b->height; y++) {
            memset(is_black + (size_t)y * (size_t)width + b->x, 1, (size_t)b->width);
        }
    }
    for (int i = 0; i < p->n_plants; i++) {
        struct gate_plant *at = &p->plants[i];
        double covered = 0, all = 0;
        for (int k = 0; k < at->n_boxes; k++) {
            const double area = (double)at->boxes[k].width * at->boxes[k].height;
            covered += area * share_covered(&at->boxes[k], is_black, width, height);
            all += area;
        }
        at->covered = covered / all;
        at->is_masked = at->covered >= (at->item.is_secret ? 0.9 : 0.2);
    }
    free(is_black);
}

// ---- what is left

void gate_skeleton(const char *text, char *out)
{
    for (; *text; text++) {
        const int c = tolower((unsigned char)*text);
        const char *from = "o@il|!j][szbgq", *to = "00111111152869";
        const char *same = c < 128 ? strchr(from, c) : NULL;
        if (same) {
            *out++ = to[same - from];
        } else if (isalnum(c)) {
            *out++ = (char)c;
        }
    }
    *out = 0;
}

// Everything else that is written on the page.
static char *rest_of(const struct gate_page *p, const struct gate_plant *but)
{
    char *all = malloc(GATE_MAX_PLANTS * sizeof(p->plants[0].item.text)), *end = all;
    assert_non_null(all);
    *end = 0;
    for (int i = 0; i < p->n_plants; i++) {
        const struct corpus_item *item = &p->plants[i].item;
        const char *secret = item->is_secret ? strstr(item->text, item->secret) : NULL;
        if (&p->plants[i] == but) {
            end += sprintf(end, "%.*s\n%s\n", (int)(secret - item->text), item->text,
                           secret + strlen(item->secret));
        } else {
            end += sprintf(end, "%s\n", item->text);
        }
    }
    gate_skeleton(all, all);
    return all;
}

// Of a private key only its body.
static void copy_secret(const struct gate_plant *at, char *out)
{
    const struct corpus_item *item = &at->item;
    const bool is_key = item->category == PRIVACY_PRIVATE_KEY;
    const char *private = is_key ? strstr(item->secret, "Private-Lines") : NULL;
    const char *line = private ? private : item->secret;
    for (size_t len; *line; line += len + (line[len] == '\n')) {
        len = is_key ? strcspn(line, "\n") : strlen(line);
        if (!is_key || !is_framing(line, len)) {
            memcpy(out, line, len);
            out += len;
        }
    }
    *out = 0;
}

// The secret, or a dozen characters of it in a row, that stand nowhere else on the page.
static bool is_read(const struct gate_page *p, const struct gate_plant *at,
                    const char *skeleton)
{
    char secret[sizeof(at->item.text)], part[LONGEST_SKELETON + 1];
    copy_secret(at, secret);
    gate_skeleton(secret, secret);
    const size_t len = strlen(secret);
    const size_t n = len < LONGEST_SKELETON ? len : LONGEST_SKELETON;
    bool is_there = false;
    if (len < LEAST_SKELETON) {
        return false;  // stands in other numbers by chance
    }
    char *rest = rest_of(p, at);
    for (size_t i = 0; i + n <= len && !is_there; i++) {
        snprintf(part, sizeof(part), "%.*s", (int)n, secret + i);
        is_there = strstr(skeleton, part) && !strstr(rest, part);
    }
    free(rest);
    return is_there;
}

static void look_for_leaks(struct gate_page *p, const struct page_reading *read,
                           const char *where)
{
    char *skeleton = malloc(read->req.text.len + 1);
    assert_non_null(skeleton);
    gate_skeleton(read->req.text.len ? (const char *)read->req.text.data : "", skeleton);
    for (int i = 0; i < p->n_plants; i++) {
        struct gate_plant *at = &p->plants[i];
        if (at->item.is_secret && at->is_masked && is_read(p, at, skeleton)) {
            at->leak = where;
        }
    }
    free(skeleton);
}

static void read_masked(struct gate *g, struct gate_page *p,
                        const struct privacy_boxes *boxes, bool reads_jpeg)
{
    static struct image_box masks[PRIVACY_MAX_BOXES];
    struct image_config c = {0};
    struct page_reading read;
    for (int i = 0; i < boxes->n; i++) {
        const struct privacy_box *b = &boxes->items[i];
        masks[i] = (struct image_box){b->x, b->y, b->width, b->height};
    }
    struct image_req image = {
        .bytes = p->png,
        .bytes_len = p->png_len,
        .target_px = JPEG_SIDE_PX * p->spec.scale,
        .want_luma = true,
        .skip_encode = !reads_jpeg,
        .masks = masks,
        .n_masks = boxes->n,
    };
    image_config_default(&c);
    if (image_prepare_now(&c, &image)) {
        fail_msg("image: %s", image.err.msg);
    }
    reader_read(&g->reader, image.luma, image.width, image.height, &read);
    look_for_leaks(p, &read, "masked picture");
    reading_fini(&read);
    if (reads_jpeg) {
        reader_read_file(&g->reader, image.jpeg.data, image.jpeg.len, &read);
        look_for_leaks(p, &read, "jpeg");
        reading_fini(&read);
    }
    image_req_fini(&image);
}

void gate_pass(struct gate *g, struct gate_page *p, bool reads_jpeg)
{
    struct page_reading read;
    static struct privacy_boxes boxes;
    reader_read_file(&g->reader, p->png, p->png_len, &read);
    p->read_ms = read.req.elapsed_ms;
    p->text_bytes = read.req.text.len;
    p->text = malloc(p->text_bytes + 1);
    assert_non_null(p->text);
    memcpy(p->text, buf_str(&read.req.text), p->text_bytes + 1);
    find_boxes(g, p, &read, &boxes);
    reading_fini(&read);
    if (p->is_blocked) {
        return;
    }
    judge(p, &boxes);
    if (boxes.n) {
        read_masked(g, p, &boxes, reads_jpeg);
    }
}
