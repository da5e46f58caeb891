// vp8.h -- key frames of VP8, which lossy WebP are, a row of macroblocks at a time.
//
// For the pictures that programs write: whatever is unusual is refused, and libwebp
// decodes it or says what is wrong (webp.c).  What is not refused has the very bytes that
// libwebp gives without the loop filter, which is not run here.
//
//   vp8_head.c     where the frame lies in the file; its header
//   vp8_bool.h     the arithmetic decoder
//   vp8_modes.c    how each macroblock is predicted
//   vp8_tokens.c   its coefficients
//   vp8_predict.c  its prediction; kernels*.c add what the coefficients say
//   vp8_tables.c   the standard's numbers
//   vp8.c          macroblocks, row by row; vp8_shrink.c: their way into the resamplers
//
// Source: RFC 6386; RFC 9649 (the file around it).
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_VP8_H
#define VLMD_IMAGE_VP8_H

#include "base/err.h"
#include "image/arena.h"
#include "image/kernels.h"
#include "image/vp8_bool.h"

enum {
    VP8_SEGMENTS = 4,
    VP8_PARTITIONS = 8,
    VP8_TYPES = 4,     // of blocks: luma without its means, those means, chroma, luma
    VP8_CONTEXTS = 3,  // the coefficient before, or the blocks around: 0, 1, more
    VP8_BANDS = 8,
    VP8_PROBS = 11,
    VP8_PLACES = 17,       // of a coefficient, and one behind the last
    VP8_PROB_STRIDE = 16,  // VP8_PROBS and what fills a line
    VP8_MB = 16,           // pixels of a macroblock, each way
    VP8_BLOCKS = 24,       // of 4 x 4: luma, then the two of chroma
    VP8_BLOCK_COEFFS = 16,
    VP8_GROUP = 8,   // macroblocks that struct vp8_work holds
    VP8_LINE = 160,  // bytes from row to row of it
};

// As in the standard's tree of modes.
enum vp8_mode {
    VP8_DC,
    VP8_TM,
    VP8_VERTICAL,
    VP8_HORIZONTAL,
    VP8_LEFT_DOWN,
    VP8_RIGHT_DOWN,
    VP8_VERTICAL_RIGHT,
    VP8_VERTICAL_LEFT,
    VP8_HORIZONTAL_DOWN,
    VP8_HORIZONTAL_UP,
    VP8_N_MODES,
};

// Factors of the first coefficient and of all others.
struct vp8_quant {
    int luma[2];
    int means[2];
    int chroma[2];
};

// Probabilities where the reader wants them: by place instead of by band.
struct vp8_probs {
    uint8_t at[VP8_TYPES][VP8_PLACES][VP8_CONTEXTS][VP8_PROB_STRIDE];
};

struct vp8_head {
    int width;
    int height;
    bool has_map;  // of segments
    uint8_t segment_probs[3];
    bool has_skip;
    uint8_t skip_prob;
    struct vp8_quant quant[VP8_SEGMENTS];
    struct vp8_bool modes;  // behind the header
    struct vp8_bool tokens[VP8_PARTITIONS];
    int n_tokens;  // a power of two
};

// What the neighbours of a macroblock are asked for: which blocks have coefficients.
struct vp8_near {
    uint8_t luma[4];
    uint8_t chroma[2][2];
    uint8_t means;
};

// One macroblock.
struct vp8_block {
    int segment;
    bool is_skipped;    // no coefficients
    bool is_split;      // luma is predicted block by block
    uint8_t modes[16];  // the first only, when it is not split
    uint8_t chroma_mode;
    uint8_t n[VP8_BLOCKS];  // 0: no coefficients; 1: only the first; 2: any
    _Alignas(16) int16_t coeffs[VP8_BLOCKS][VP8_BLOCK_COEFFS];  // 0 between macroblocks
};

// Samples of some macroblocks with those that they are predicted from: a row above, a
// column to the left, four more to the right.
struct vp8_work {
    _Alignas(32) uint8_t luma[17 * VP8_LINE];
    _Alignas(32) uint8_t chroma[9 * VP8_LINE];
};

enum {
    VP8_LUMA_AT = VP8_LINE + 8,
    VP8_CB_AT = VP8_LINE + 8,
    VP8_CR_AT = VP8_CB_AT + VP8_LINE / 2,
};

// Rows of samples above the next macroblocks.
struct vp8_above {
    uint8_t *luma;  // four more than the row has
    uint8_t *cb;
    uint8_t *cr;
    uint8_t *modes;  // four for each macroblock
    struct vp8_near *near;
};

// false: a coefficient that no encoder makes of samples.
typedef bool vp8_read_tokens_fn(struct vp8_block *m, struct vp8_bool *in,
                                const struct vp8_probs *probs, const struct vp8_quant *q,
                                struct vp8_near *above, struct vp8_near *left);

// above: the modes of the four blocks there, then those of this one; left alike.
typedef void vp8_read_modes_fn(struct vp8_block *m, const struct vp8_head *h,
                               struct vp8_bool *in, uint8_t above[4], uint8_t left[4]);

struct vp8 {
    const struct kernels *kernels;  // borrowed: constant
    vp8_read_tokens_fn *read_tokens;
    vp8_read_modes_fn *read_modes;
    struct vp8_head head;
    struct vp8_probs probs;
    int across;  // macroblocks
    int down;
    int y;                   // of the next row of them
    struct vp8_above above;  // borrowed: until the arena's reset
    uint8_t left_modes[4];
    struct vp8_near left;
    struct vp8_block block;
    struct vp8_work work;
};

// Where a row of macroblocks goes: 16 rows of luma, 8 of each chroma, of whole ones.
struct vp8_rows {
    uint8_t *luma[VP8_MB];
    uint8_t *cb[VP8_MB / 2];
    uint8_t *cr[VP8_MB / 2];
};

// file: of len bytes, borrowed as long as v.
// Errors: E_FORMAT (libwebp shall judge); E_NOMEM.
MUST_USE int vp8_open(struct vp8 *v, const uint8_t *file, size_t len, struct arena *arena,
                      const struct kernels *kernels);
// v->down times.
// Errors: E_FORMAT (damaged or unusual: libwebp shall start over and judge).
MUST_USE int vp8_next_row(struct vp8 *v, const struct vp8_rows *out);

// ---- the parts

MUST_USE int vp8_head_read(struct vp8_head *h, struct vp8_probs *probs,
                           const uint8_t *file, size_t len);
// The fastest for this machine.
vp8_read_modes_fn *vp8_modes_best(void);
vp8_read_tokens_fn *vp8_tokens_best(void);
// What they do on any machine.
vp8_read_modes_fn vp8_modes_plain;
vp8_read_tokens_fn vp8_tokens_plain;

void vp8_predict_luma(uint8_t *at, enum vp8_mode mode, bool has_above, bool has_left);
void vp8_predict_chroma(uint8_t *at, enum vp8_mode mode, bool has_above, bool has_left);
void vp8_predict_block(uint8_t *at, enum vp8_mode mode);

extern const uint8_t vp8_dc_steps[128];
extern const uint16_t vp8_ac_steps[128];
extern const uint8_t vp8_mode_probs[VP8_N_MODES][VP8_N_MODES][VP8_N_MODES - 1];
extern const uint8_t vp8_default_probs[VP8_TYPES][VP8_BANDS][VP8_CONTEXTS][VP8_PROBS];
extern const uint8_t vp8_update_probs[VP8_TYPES][VP8_BANDS][VP8_CONTEXTS][VP8_PROBS];

#endif
