// transform.h -- the factors of the 8-point cosine transform, for all sets.
//
// With c(k) = sqrt(2) * cos(k * pi / 16), the even outputs 2 and 6 are one rotation by c(6),
// the odd ones the paper's three steps with their sums multiplied out, so that each output
// is two products of two inputs: exact, and what pmaddwd does.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IMAGE_TRANSFORM_H
#define VLMD_IMAGE_TRANSFORM_H

#include <stdbool.h>

enum { FACTOR_BITS = 13, KEPT_BITS = 2 };

// Times 2^FACTOR_BITS, rounded before they are added.
enum {
    C_0_298631336 = 2446,   // -c1 + c3 + c5 - c7
    C_0_390180644 = 3196,   // c3 - c5
    C_0_541196100 = 4433,   // c6
    C_0_765366865 = 6270,   // c2 - c6
    C_0_899976223 = 7373,   // c3 - c7
    C_1_175875602 = 9633,   // c3
    C_1_501321110 = 12299,  // c1 + c3 - c5 - c7
    C_1_847759065 = 15137,  // c2 + c6
    C_1_961570560 = 16069,  // c3 + c5
    C_2_053119869 = 16819,  // c1 + c3 - c5 + c7
    C_2_562915447 = 20995,  // c1 + c3
    C_3_072711026 = 25172,  // c1 + c3 + c5 - c7
};

// Of output 2 and 6, on the differences b of the outer and d of the inner sums.
enum {
    F2_B = C_0_541196100 + C_0_765366865,
    F2_D = C_0_541196100,
    F6_B = C_0_541196100,
    F6_D = C_0_541196100 - C_1_847759065,
};

// Of the odd ones: the common parts g and h on e (differences 3 and 1) and f (2 and 0),
// then outputs 7, 1, 5, 3 on the differences themselves.
enum {
    FG_E = C_1_175875602 - C_1_961570560,
    FG_F = C_1_175875602,
    FH_E = C_1_175875602,
    FH_F = C_1_175875602 - C_0_390180644,
    F7_3 = C_0_298631336 - C_0_899976223,
    F7_0 = -C_0_899976223,
    F1_3 = -C_0_899976223,
    F1_0 = C_1_501321110 - C_0_899976223,
    F5_2 = C_2_053119869 - C_2_562915447,
    F5_1 = -C_2_562915447,
    F3_2 = -C_2_562915447,
    F3_1 = C_3_072711026 - C_2_562915447,
};

#endif
