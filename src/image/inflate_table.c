// inflate_table.c -- decoding tables of deflate's codes.
// Source: RFC 1951, 3.2.2 (canonical codes) and 3.2.5 (lengths, offsets).
// SPDX-License-Identifier: MIT
#include "image/inflate_table.h"

#include <string.h>

enum {
    MAX_BITS = 15,
    LITERALS = 256,
    FIRST_LENGTH = 257,
    LENGTHS = 29,
    USED_OFFSETS = 30,
    // Measured: 18 to 23 % in photographs, 3 to 12 % in pages of text.
    LEAST_JOINABLE = (1 << LITERAL_BITS) * 15 / 100,
};

static uint32_t literal_meaning(int symbol)
{
    static const uint16_t base[LENGTHS] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                           15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                           67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t extra[LENGTHS] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                           2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    if (symbol < 256) {
        return ENTRY_LITERAL | (uint32_t)symbol << 24;
    }
    if (symbol == 256) {
        return ENTRY_EXCEPTION | ENTRY_STOP;
    }
    const int i = symbol - FIRST_LENGTH;
    return i < LENGTHS ? (uint32_t)(base[i] - LEAST_LENGTH) << 16 | extra[i]
                       : ENTRY_EXCEPTION;
}

// Offsets double every second symbol, with one more extra bit.
static uint32_t offset_meaning(int symbol)
{
    if (symbol >= USED_OFFSETS) {
        return ENTRY_EXCEPTION;
    }
    if (symbol < 4) {
        return (uint32_t)(symbol + 1) << 16;
    }
    const int extra = symbol / 2 - 1;
    const uint32_t base = ((2u + (uint32_t)(symbol & 1)) << extra) + 1;
    return base << 16 | (uint32_t)extra;
}

static uint32_t meaning(enum inflate_code kind, int symbol)
{
    switch (kind) {
    case CODE_LITERALS: return literal_meaning(symbol);
    case CODE_OFFSETS: return offset_meaning(symbol);
    case CODE_PRECODE: break;
    }
    return (uint32_t)symbol << 16;
}

static unsigned reversed(unsigned code, int bits)
{
    static const uint8_t nibble[16] = {0, 8, 4, 12, 2, 10, 6, 14,
                                       1, 9, 5, 13, 3, 11, 7, 15};
    const unsigned lo = (unsigned)nibble[code & 15] << 4 | nibble[code >> 4 & 15];
    const unsigned hi = (unsigned)nibble[code >> 8 & 15] << 4 | nibble[code >> 12 & 15];
    return (lo << 8 | hi) >> (16 - bits);
}

struct build {
    uint32_t *table;
    enum inflate_code kind;
    int main_bits;
    unsigned slots;
    unsigned count[MAX_BITS + 1];   // codes of each length
    uint16_t sorted[MAX_LITERALS];  // symbols by length, then by value
    int n_sorted;
};

static uint32_t entry(const struct build *b, int symbol, int bits)
{
    return meaning(b->kind, symbol) + (uint32_t)bits + ((uint32_t)bits << 8);
}

// False: not exactly all codes are used.
static bool sort(struct build *b, const uint8_t *lens, int n)
{
    unsigned next[MAX_BITS + 2] = {0}, used = 0;
    for (int i = 0; i < n; i++) {
        b->count[lens[i]]++;
    }
    b->count[0] = 0;
    for (int len = 1; len <= MAX_BITS; len++) {
        next[len + 1] = next[len] + b->count[len];
        used += b->count[len] << (MAX_BITS - len);
    }
    for (int i = 0; i < n; i++) {
        if (lens[i]) {
            b->sorted[next[lens[i]]++] = (uint16_t)i;
        }
    }
    b->n_sorted = (int)next[MAX_BITS];
    return used == 1u << MAX_BITS;
}

// The table of all codes of some length holds the table of those a bit longer twice.
static unsigned put_short(struct build *b, int *next)
{
    unsigned code = 0;
    for (int len = 1; len <= b->main_bits; len++) {
        for (unsigned k = 0; k < b->count[len]; k++) {
            b->table[reversed(code++, len)] = entry(b, b->sorted[(*next)++], len);
        }
        code <<= 1;
        if (len < b->main_bits) {
            memcpy(b->table + (1u << len), b->table, sizeof(*b->table) << len);
        }
    }
    return code;
}

// The table that is being filled; codes that begin alike follow each other.
struct long_codes {
    unsigned prefix;
    int sub_bits;
    unsigned first_slot;
    unsigned next_slot;
};

// The longest code that begins like the next one, which has len bits and n - 1 others
// of its length behind it: codes are complete, so its table is full some time.
static int find_sub_bits(const struct build *b, int len, unsigned n)
{
    int bits = len - b->main_bits;
    unsigned free_slots = 1u << bits;
    while (n < free_slots) {
        free_slots = (free_slots - n) << 1;
        bits++;
        n = b->count[b->main_bits + bits];
    }
    return bits;
}

static bool put_long(struct build *b, unsigned code, int next)
{
    const unsigned mask = (1u << b->main_bits) - 1;
    struct long_codes l = {.prefix = mask + 1, .next_slot = mask + 1};
    for (int len = b->main_bits + 1; len <= MAX_BITS; len++, code <<= 1) {
        for (unsigned k = 0; k < b->count[len]; k++, code++) {
            const unsigned bits = reversed(code, len);
            if ((bits & mask) != l.prefix) {
                l.prefix = bits & mask;
                l.sub_bits = find_sub_bits(b, len, b->count[len] - k);
                l.first_slot = l.next_slot;
                l.next_slot += 1u << l.sub_bits;
                if (l.next_slot > b->slots) {
                    return false;
                }
                b->table[l.prefix] = ENTRY_EXCEPTION | ENTRY_LONGER | l.first_slot << 16 |
                                     (uint32_t)l.sub_bits << 8 | (uint32_t)b->main_bits;
            }
            const int rest = len - b->main_bits;
            const uint32_t e = entry(b, b->sorted[next++], rest);
            for (unsigned i = bits >> b->main_bits; i < 1u << l.sub_bits;
                 i += 1u << rest) {
                b->table[l.first_slot + i] = e;
            }
        }
    }
    return true;
}

// No code at all, or the one code 0, which is common in pictures of one colour.
static bool put_single(struct build *b)
{
    if (b->kind != CODE_OFFSETS || b->n_sorted > 1 || (int)b->count[1] != b->n_sorted) {
        return false;
    }
    for (unsigned i = 0; i < 1u << b->main_bits; i++) {
        b->table[i] =
            i & 1 || b->n_sorted == 0 ? ENTRY_EXCEPTION : entry(b, b->sorted[0], 1);
    }
    return true;
}

bool inflate_table_build(uint32_t *table, enum inflate_code kind, const uint8_t *lens,
                         int n)
{
    static const struct {
        int bits;
        unsigned slots;
    } sizes[] = {{LITERAL_BITS, LITERAL_SLOTS},
                 {OFFSET_BITS, OFFSET_SLOTS},
                 {PRECODE_BITS, 1 << PRECODE_BITS}};
    struct build b = {.table = table,
                      .kind = kind,
                      .main_bits = sizes[kind].bits,
                      .slots = sizes[kind].slots};
    int next = 0;
    if (!sort(&b, lens, n)) {
        return put_single(&b);
    }
    const unsigned code = put_short(&b, &next);
    return put_long(&b, code, next);
}

// How often of 1 << LITERAL_BITS times a literal and a length with short codes follow each
// other, if both come as often as their codes were made for, and in no order.
static unsigned count_joinable(const uint8_t *lens, int n)
{
    unsigned literals[MAX_BITS + 1] = {0}, lengths[MAX_BITS + 1] = {0}, sum = 0;
    for (int i = 0; i < LITERALS; i++) {
        literals[lens[i]]++;
    }
    for (int i = FIRST_LENGTH; i < n; i++) {
        lengths[lens[i]]++;
    }
    for (int a = 1; a < LITERAL_BITS; a++) {
        for (int b = 1; a + b <= LITERAL_BITS; b++) {
            sum += literals[a] * lengths[b] << (LITERAL_BITS - a - b);
        }
    }
    return sum;
}

bool inflate_table_join(uint32_t *table, const uint8_t *lens, int n)
{
    if (count_joinable(lens, n) < LEAST_JOINABLE) {
        return false;
    }
    // What is behind an index's first code is a smaller index, whose entry is still single.
    for (unsigned i = 1u << LITERAL_BITS; i-- > 0;) {
        const uint32_t first = table[i], used = first & 63;
        if (!(first & ENTRY_LITERAL)) {
            continue;
        }
        const uint32_t second = table[i >> used];
        const uint32_t bits = used + (second >> 8 & 15);
        if (!(second & (ENTRY_LITERAL | ENTRY_EXCEPTION)) && bits <= LITERAL_BITS) {
            table[i] = (second + used + (used << 8)) | ENTRY_LEADER |
                       (uint32_t)entry_literal(first) << 24;
        }
    }
    return true;
}

bool inflate_table_fixed(struct inflate_tables *t)
{
    uint8_t lens[MAX_LITERALS];
    for (int i = 0; i < MAX_LITERALS; i++) {
        lens[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    }
    if (!inflate_table_build(t->literals, CODE_LITERALS, lens, MAX_LITERALS)) {
        return false;
    }
    memset(lens, 5, MAX_OFFSETS);
    return inflate_table_build(t->offsets, CODE_OFFSETS, lens, MAX_OFFSETS);
}
