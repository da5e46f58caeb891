// vp8_modes.c -- how each macroblock is predicted: from the first partition.
// Source: RFC 6386, 8, 10 and 11.
// SPDX-License-Identifier: MIT
#include "image/vp8.h"

VP8_INLINE int read_segment(const struct vp8_head *h, struct vp8_bool *b)
{
    if (!vp8_flag_of(b, h->segment_probs[0])) {
        return vp8_flag_of(b, h->segment_probs[1]);
    }
    return 2 + vp8_flag_of(b, h->segment_probs[2]);
}

VP8_INLINE enum vp8_mode read_luma(struct vp8_bool *b)
{
    if (vp8_flag_of(b, 156)) {
        return vp8_flag_of(b, 128) ? VP8_TM : VP8_HORIZONTAL;
    }
    return vp8_flag_of(b, 163) ? VP8_VERTICAL : VP8_DC;
}

VP8_INLINE enum vp8_mode read_chroma(struct vp8_bool *b)
{
    if (!vp8_flag_of(b, 142)) {
        return VP8_DC;
    }
    if (!vp8_flag_of(b, 114)) {
        return VP8_VERTICAL;
    }
    return vp8_flag_of(b, 183) ? VP8_TM : VP8_HORIZONTAL;
}

// At most seven reads.
VP8_INLINE enum vp8_mode read_block(struct vp8_bool *b, const uint8_t *p)
{
    vp8_fill(b);
    if (!vp8_read(b, p[0])) {
        return VP8_DC;
    }
    if (!vp8_read(b, p[1])) {
        return VP8_TM;
    }
    if (!vp8_read(b, p[2])) {
        return VP8_VERTICAL;
    }
    if (!vp8_read(b, p[3])) {
        if (!vp8_read(b, p[4])) {
            return VP8_HORIZONTAL;
        }
        return vp8_read(b, p[5]) ? VP8_VERTICAL_RIGHT : VP8_RIGHT_DOWN;
    }
    if (!vp8_read(b, p[6])) {
        return VP8_LEFT_DOWN;
    }
    if (!vp8_read(b, p[7])) {
        return VP8_VERTICAL_LEFT;
    }
    return vp8_read(b, p[8]) ? VP8_HORIZONTAL_UP : VP8_HORIZONTAL_DOWN;
}

VP8_INLINE void read_modes(struct vp8_block *m, const struct vp8_head *h,
                           struct vp8_bool *in, uint8_t above[4], uint8_t left[4])
{
    struct vp8_bool b = *in;
    m->segment = h->has_map ? read_segment(h, &b) : 0;
    m->is_skipped = h->has_skip && vp8_flag_of(&b, h->skip_prob);
    m->is_split = !vp8_flag_of(&b, 145);
    if (!m->is_split) {
        m->modes[0] = (uint8_t)read_luma(&b);
        memset(above, m->modes[0], 4);
        memset(left, m->modes[0], 4);
    }
    for (int i = 0; i < 16 && m->is_split; i++) {
        const int x = i % 4, y = i / 4;
        const enum vp8_mode mode = read_block(&b, vp8_mode_probs[above[x]][left[y]]);
        m->modes[i] = above[x] = left[y] = (uint8_t)mode;
    }
    m->chroma_mode = (uint8_t)read_chroma(&b);
    *in = b;
}

void vp8_modes_plain(struct vp8_block *m, const struct vp8_head *h, struct vp8_bool *in,
                     uint8_t above[4], uint8_t left[4])
{
    read_modes(m, h, in, above, left);
}

#if defined(__x86_64__)
VP8_BMI2 static void read_bmi2(struct vp8_block *m, const struct vp8_head *h,
                               struct vp8_bool *in, uint8_t above[4], uint8_t left[4])
{
    read_modes(m, h, in, above, left);
}
#else
#define read_bmi2 vp8_modes_plain
#endif

vp8_read_modes_fn *vp8_modes_best(void)
{
    return vp8_has_bmi2() ? read_bmi2 : vp8_modes_plain;
}
