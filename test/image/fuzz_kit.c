// fuzz_kit.c -- parameters from bytes, and what must hold of every result.
// SPDX-License-Identifier: MIT
#include "image/fuzz_kit.h"

#include "image/fit.h"
#include "image/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIRTY_BYTES = 600 * 1024 };  // more than most pictures need

void fuzz_must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz: %s\n", what);
        abort();
    }
}

struct fuzz_params fuzz_params_get(const uint8_t *b)
{
    struct fuzz_params p = {.target_px = 1 + b[0],
                            .want_luma = b[1] & 1,
                            .skip_encode = b[1] & 2,
                            .flag = b[1] & 4,
                            .extra = {b[2], b[3]},
                            .n_boxes = b[1] >> 3 & 3};
    for (int i = 0; i < p.n_boxes; i++) {
        const uint8_t *box = b + 4 + 4 * i;
        p.boxes[i] = (struct image_box){4 * (int8_t)box[0], 4 * (int8_t)box[1],
                                        1 + 4 * box[2], 1 + 4 * box[3]};
    }
    return p;
}

uint8_t *fuzz_copy(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    fuzz_must(copy, "no memory for the copy");
    memcpy(copy, bytes, len);
    return copy;
}

static bool is_honest(int rc)
{
    return rc == E_CUT || rc == E_CORRUPT || rc == E_FORMAT || rc == E_TOOBIG;
}

static bool is_black(const struct image_req *r, const struct image_box *b)
{
    for (int y = b->y < 0 ? 0 : b->y; y < r->height && y < b->y + b->height; y++) {
        for (int x = b->x < 0 ? 0 : b->x; x < r->width && x < b->x + b->width; x++) {
            if (r->luma[(size_t)y * (size_t)r->width + (size_t)x] != 0) {
                return false;
            }
        }
    }
    return true;
}

static void check_picture(const struct image_req *r, const struct fuzz_params *p)
{
    int width, height;
    fit_side(r->width, r->height, p->target_px, &width, &height);
    fuzz_must(r->sent_width == width && r->sent_height == height, "another size");
    fuzz_must(p->want_luma == (r->luma != NULL), "luma");
    for (int i = 0; p->want_luma && i < p->n_boxes; i++) {
        fuzz_must(is_black(r, &p->boxes[i]), "a box is not black");
    }
    if (p->skip_encode) {
        fuzz_must(r->jpeg.len == 0, "it was encoded");
        return;
    }
    fuzz_must(r->jpeg.len > 4 && memcmp(r->jpeg.data, "\xff\xd8", 2) == 0 &&
                  memcmp(r->jpeg.data + r->jpeg.len - 2, "\xff\xd9", 2) == 0,
              "what is sent is no JPEG");
}

// dirt: what is in the working memory.
static int run(struct image_req *r, int dirt)
{
    static struct budget budget = {.max = 64 << 20};
    static struct worker w = {.budget = &budget, .keep = 2 * DIRTY_BYTES};
    struct image_config c = {.max_pixels = 1 << 15, .memory_bytes = budget.max};
    image_config_default(&c);
    void *memory = arena_get(&w.arena, DIRTY_BYTES);
    fuzz_must(memory, "no memory");
    memset(memory, dirt, DIRTY_BYTES);
    arena_reset(&w.arena, (size_t)w.keep);
    return picture_prepare(r, &c, &w);
}

static void check_same(const struct image_req *a, const struct image_req *b)
{
    const size_t area = (size_t)a->width * (size_t)a->height;
    fuzz_must(a->width == b->width && a->height == b->height, "two sizes");
    fuzz_must(a->jpeg.len == b->jpeg.len &&
                  (!a->jpeg.len || memcmp(a->jpeg.data, b->jpeg.data, a->jpeg.len) == 0),
              "old memory shows in what is sent");
    fuzz_must(!a->luma || memcmp(a->luma, b->luma, area) == 0,
              "old memory shows in luma");
    fuzz_must(memcmp(a->thumb, b->thumb, sizeof(a->thumb)) == 0,
              "old memory shows in the thumb");
}

void fuzz_prepare(const uint8_t *bytes, size_t len, const struct fuzz_params *p)
{
    struct image_req r[2];
    int rc[2];
    uint8_t *copy = fuzz_copy(bytes, len);
    for (int i = 0; i < 2; i++) {
        r[i] = (struct image_req){.bytes = copy,
                                  .bytes_len = len,
                                  .target_px = p->target_px,
                                  .want_luma = p->want_luma,
                                  .skip_encode = p->skip_encode,
                                  .masks = p->boxes,
                                  .n_masks = p->n_boxes};
        rc[i] = run(&r[i], i ? 0xff : 0);
        fuzz_must(rc[i] == 0 || is_honest(rc[i]), err_name(rc[i]));
        fuzz_must(rc[i] == 0 || strlen(r[i].err.msg) > 10, "an error without words");
    }
    fuzz_must(rc[0] == rc[1], "old memory decides");
    if (rc[0] == 0) {
        check_picture(&r[0], p);
        check_same(&r[0], &r[1]);
    }
    image_req_fini(&r[0]);
    image_req_fini(&r[1]);
    free(copy);
}
