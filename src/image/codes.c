// codes.c -- runs of zeros and values become bits, bits become bytes.
//
// Which values are not zero is known as a word of bits; each costs a look-up and two
// shifts, and after every two of them whole bytes are stored, without asking how many they
// are.  Escapes come later, for many bytes at once: one in 256 needs one.
// SPDX-License-Identifier: MIT
#include "image/codes.h"

#include <stdbool.h>
#include <string.h>

enum { LUMA, CHROMA };
enum { LENGTH_BITS = 5, VALUE_BITS = 12, END_OF_BLOCK = 0x00, SIXTEEN_ZEROS = 0xf0 };

// Where the i-th value in zigzag order stands in a struct block_pair.
static const uint8_t place[BLOCK_SIZE] = {
    0,   1,   16,  32,  17,  2,  3,  18, 33,  48,  64,  49,  34, 19,  4,   5,
    20,  35,  50,  65,  80,  96, 81, 66, 51,  36,  21,  6,   7,  22,  37,  52,
    67,  82,  97,  112, 113, 98, 83, 68, 53,  38,  23,  39,  54, 69,  84,  99,
    114, 115, 100, 85,  70,  55, 71, 86, 101, 116, 117, 102, 87, 103, 118, 119,
};

static const uint8_t first_symbols[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static const uint8_t luma_symbols[] = {
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51,
    0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1,
    0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18,
    0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39,
    0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57,
    0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75,
    0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92,
    0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8,
    0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2,
    0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
};

static const uint8_t chroma_symbols[] = {
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07,
    0x61, 0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09,
    0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25,
    0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38,
    0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56,
    0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74,
    0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
    0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
    0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6,
    0xd7, 0xd8, 0xd9, 0xda, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2,
    0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
};

const struct codes_table codes_tables[4] = {
    {0x00, {0, 1, 5, 1, 1, 1, 1, 1, 1}, first_symbols, sizeof(first_symbols)},
    {0x10,
     {0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125},
     luma_symbols,
     sizeof(luma_symbols)},
    {0x01, {0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}, first_symbols, sizeof(first_symbols)},
    {0x11,
     {0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119},
     chroma_symbols,
     sizeof(chroma_symbols)},
};

// Codes are counted up, and doubled from one length to the next.
static void set_entries(uint32_t *entries, const struct codes_table *t)
{
    uint32_t code = 0;
    for (unsigned len = 1, k = 0; len <= 16; len++, code <<= 1) {
        for (int i = 0; i < t->counts[len - 1]; i++, k++, code++) {
            const unsigned symbol = t->symbols[k], size = symbol & 15;
            entries[symbol] = code << (size + LENGTH_BITS) | (len + size);
        }
    }
}

// A value is coded by how many bits it has, and those bits; of negative ones their
// complement.
static void set_values(uint16_t *values)
{
    values[CODES_MOST] = 0;
    for (int size = 1; size <= 11; size++) {
        const int most = (1 << size) - 1;
        for (int v = 1 << (size - 1); v <= most; v++) {
            values[CODES_MOST + v] = (uint16_t)(size << VALUE_BITS | v);
            values[CODES_MOST - v] = (uint16_t)(size << VALUE_BITS | (most - v));
        }
    }
}

// Whole codes of a run and a value.
static void set_near(struct codes_plan *p, int kind)
{
    for (int run = 0; run < 16; run++) {
        for (int v = 1 - BLOCK_NEAR; v < BLOCK_NEAR; v++) {
            const uint32_t value = p->values[v + CODES_MOST];
            const uint32_t entry = p->other[kind][16 * run + (int)(value >> VALUE_BITS)];
            const uint32_t code =
                entry >> LENGTH_BITS | (value & ((1 << VALUE_BITS) - 1));
            p->near[kind][run][v + BLOCK_NEAR] =
                code << 8 | (entry & ((1 << LENGTH_BITS) - 1));
        }
    }
}

void codes_plan_init(struct codes_plan *p)
{
    memset(p->first, 0, sizeof(p->first));
    memset(p->other, 0, sizeof(p->other));
    memset(p->near, 0, sizeof(p->near));
    set_values(p->values);
#if defined(__x86_64__)
    p->has_bmi2 = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#endif
    for (int i = 0; i < 2; i++) {
        set_entries(p->first[i], &codes_tables[2 * i]);
        set_entries(p->other[i], &codes_tables[2 * i + 1]);
        set_near(p, i);
    }
}

// ---- bits

// What the hot loop changes, kept in registers.  Above the lowest n bits stands what was
// written already.
struct writer {
    uint64_t bits;
    unsigned n;
    uint8_t *out;
};

#define ALWAYS inline __attribute__((always_inline))

static ALWAYS void put(struct writer *w, uint32_t entry)
{
    const unsigned n = entry & ((1 << LENGTH_BITS) - 1);
    w->bits = w->bits << n | entry >> LENGTH_BITS;
    w->n += n;
}

// Stores whole bytes; up to 57 bits may come before the next time.
static ALWAYS void flush(struct writer *w)
{
    uint64_t v = w->bits << (-w->n & 63);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(w->out, &v, sizeof(v));
    w->out += w->n >> 3;
    w->n &= 7;
}

// entries: of the run of zeros before it.
static ALWAYS void put_value(struct writer *w, const struct codes_plan *p,
                             const uint32_t *entries, int value)
{
    const uint32_t v = p->values[value + CODES_MOST];
    put(w, entries[v >> VALUE_BITS] | (v & ((1 << VALUE_BITS) - 1)) << LENGTH_BITS);
}

// A value that is large, or has a long run of zeros before it.  By value, so that the hot
// loop's stays in registers.
static __attribute__((noinline)) struct writer put_rare(struct writer w,
                                                        const struct codes_plan *p,
                                                        int kind, int run, int value)
{
    const uint32_t *entries = p->other[kind];
    for (; run >= 16; run -= 16) {
        flush(&w);
        put(&w, entries[SIXTEEN_ZEROS]);
    }
    flush(&w);
    put_value(&w, p, entries + 16 * run, value);
    return w;
}

// The value at i in zigzag order; last: where the one before it was.
static ALWAYS void put_other(struct writer *w, const struct codes_plan *p, int kind,
                             const struct block_pair *pair, int which, ptrdiff_t i,
                             ptrdiff_t last)
{
    const ptrdiff_t run = i - last - 1;
    const uint32_t entry = p->near[kind][run][pair->near[which][i]];
    if (__builtin_expect(entry == 0, 0)) {
        const int16_t *values = pair->values[0][which];
        *w = put_rare(*w, p, kind, (int)run, values[place[i]]);
    } else {
        w->bits = w->bits << (entry & 63) | entry >> 8;
        w->n += entry & 0xff;
    }
}

// last_first: of the plane's block before.
static ALWAYS void put_block(struct writer *w, const struct codes_plan *p, int kind,
                             const struct block_pair *pair, int which, int *last_first)
{
    const int16_t *values = pair->values[0][which];
    uint64_t used = pair->used[which] & ~(uint64_t)1;
    const bool is_full = used >> 63;
    ptrdiff_t last = 0;
    put_value(w, p, p->first[kind], values[0] - *last_first);
    *last_first = values[0];
    while (used) {
        const ptrdiff_t i = __builtin_ctzll(used);
        put_other(w, p, kind, pair, which, i, last);
        last = i;
        used &= used - 1;
        flush(w);
        if (used) {
            const ptrdiff_t k = __builtin_ctzll(used);
            put_other(w, p, kind, pair, which, k, last);
            last = k;
            used &= used - 1;
        }
    }
    if (!is_full) {
        put(w, p->other[kind][END_OF_BLOCK]);
    }
    flush(w);
}

static ALWAYS uint8_t *put_mcu(struct codes *c, const struct codes_plan *p,
                               const struct block_pair pairs[3], uint8_t *out)
{
    struct writer w = {c->bits, c->n_bits, out};
    for (int i = 0; i < 2; i++) {
        put_block(&w, p, LUMA, &pairs[i], 0, &c->last[0]);
        put_block(&w, p, LUMA, &pairs[i], 1, &c->last[0]);
    }
    put_block(&w, p, CHROMA, &pairs[2], 0, &c->last[1]);
    put_block(&w, p, CHROMA, &pairs[2], 1, &c->last[2]);
    c->bits = w.bits;
    c->n_bits = w.n;
    return w.out;
}

static uint8_t *mcu_plain(struct codes *c, const struct codes_plan *p,
                          const struct block_pair pairs[3], uint8_t *out)
{
    return put_mcu(c, p, pairs, out);
}

#if defined(__x86_64__)
// Shifts by a variable are one instruction there.
__attribute__((target("bmi,bmi2"))) static uint8_t *mcu_bmi2(
    struct codes *c, const struct codes_plan *p, const struct block_pair pairs[3],
    uint8_t *out)
{
    return put_mcu(c, p, pairs, out);
}

uint8_t *codes_mcu(struct codes *c, const struct codes_plan *p,
                   const struct block_pair pairs[3], uint8_t *out)
{
    return p->has_bmi2 ? mcu_bmi2(c, p, pairs, out) : mcu_plain(c, p, pairs, out);
}
#else
uint8_t *codes_mcu(struct codes *c, const struct codes_plan *p,
                   const struct block_pair pairs[3], uint8_t *out)
{
    return mcu_plain(c, p, pairs, out);
}
#endif

uint8_t *codes_end(struct codes *c, uint8_t *out)
{
    if (c->n_bits > 0) {
        *out++ = (uint8_t)(c->bits << (8 - c->n_bits) | 0xff >> c->n_bits);
    }
    c->n_bits = 0;
    return out;
}

// ---- bytes

static bool has_ff(uint64_t v)
{
    const uint64_t ones = 0x0101010101010101u;
    return ((~v - ones) & v & ones << 7) != 0;
}

uint8_t *codes_escape(const uint8_t *in, size_t n, uint8_t *out)
{
    while (n > 0) {
        uint64_t v = 0;
        const size_t part = n < sizeof(v) ? n : sizeof(v);
        memcpy(&v, in, part);
        if (has_ff(v)) {
            for (size_t i = 0; i < part; i++) {
                *out++ = in[i];
                if (in[i] == 0xff) {
                    *out++ = 0;
                }
            }
        } else {
            memcpy(out, &v, sizeof(v));
            out += part;
        }
        in += part;
        n -= part;
    }
    return out;
}
