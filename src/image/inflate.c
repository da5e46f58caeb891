// inflate.c -- deflate with tables of whole symbols, stopping between two of them.
//
// A symbol is one table entry: a literal, a length with the number of its extra bits, the
// end, or where the table for longer codes begins.  While enough bytes of a part are left
// the bit buffer is filled by one load; near the end of each part, byte by byte.
// Whatever is unusual is an error here: the caller then lets another decoder judge.
// Source: RFC 1950, RFC 1951; F. Giesen, "Reading bits in far too many ways".
// SPDX-License-Identifier: MIT
#include "image/inflate.h"
#include "image/inflate_bits.h"
#include "image/inflate_table.h"

#include <libdeflate.h>
#include <string.h>

#define HISTORY ((size_t)32768)
// Decompressed at a time; together with history and tables it stays in L2.
#define STRETCH ((size_t)128 * 1024)

enum {
    OFFSET_MAX_BITS = 15 + 13,      // code and extra bits
    SLACK = 4 + 258 + ARENA_ALIGN,  // bytes that one round of the fast loop may write
    MAX_LENS = MAX_LITERALS + MAX_OFFSETS,
};

// ---- entries

static inline uint64_t low_bits(uint64_t v, unsigned n)
{
    return v & (((uint64_t)1 << n) - 1);
}

// Base and extra bits; bits still begin with the code.
static inline size_t value_of(uint32_t entry, uint64_t bits)
{
    return (entry >> 16) + (size_t)(low_bits(bits, entry & 63) >> (entry >> 8 & 15));
}

static inline size_t length_of(uint32_t entry, uint64_t bits)
{
    return entry_length(entry) +
           (size_t)(low_bits(bits, entry & 63) >> (entry >> 8 & 15));
}

static inline uint32_t longer(const uint32_t *table, uint32_t entry, uint64_t bits)
{
    return table[(entry >> 16) + low_bits(bits, entry >> 8 & 15)];
}

// ---- matches

static inline void copy16(uint8_t *to, const uint8_t *from)
{
    uint64_t v[2];
    memcpy(v, from, sizeof(v));
    memcpy(to, v, sizeof(v));
}

static inline void copy8(uint8_t *to, const uint8_t *from)
{
    uint64_t v;
    memcpy(&v, from, sizeof(v));
    memcpy(to, &v, sizeof(v));
}

// Writes up to 31 bytes behind the match.  A load that reaches over bytes just written
// waits for them, hence the different ways.
static inline void copy_match(uint8_t *out, size_t offset, size_t length)
{
    const uint8_t *const end = out + length;
    const uint8_t *from = out - offset;
    if (offset >= 32) {
        do {
            copy16(out, from);
            copy16(out + 16, from + 16);
            out += 32;
            from += 32;
        } while (out < end);
    } else if (offset >= 16) {
        do {
            copy16(out, out - offset);
            out += 16;
        } while (out < end);
    } else if (offset == 1) {
        const uint64_t v = 0x0101010101010101u * *from;
        do {
            memcpy(out, &v, sizeof(v));
            memcpy(out + 8, &v, sizeof(v));
            out += 16;
        } while (out < end);
    } else {
        const size_t step = offset < 8 ? offset : 8;
        do {
            copy8(out, out - offset);
            out += step;
        } while (out < end);
    }
}

// ---- coded blocks

static int slow_symbol(struct inflate *z)
{
    fill_slowly(z);
    uint32_t e = z->tables->literals[low_bits(z->bits, LITERAL_BITS)];
    if (e & ENTRY_EXCEPTION && e & ENTRY_LONGER) {
        if (!drop(z, LITERAL_BITS)) {
            return E_FORMAT;
        }
        e = longer(z->tables->literals, e, z->bits);
    }
    const size_t length = length_of(e, z->bits);
    if (!drop(z, e & 63)) {
        return E_FORMAT;
    }
    if (e & ENTRY_LITERAL) {
        *z->out++ = entry_literal(e);
        return 0;
    }
    if (e & ENTRY_EXCEPTION) {
        z->state = z->is_last ? INFLATE_END : INFLATE_HEAD;
        return e & ENTRY_STOP ? 0 : E_FORMAT;
    }
    if (e & ENTRY_LEADER) {
        *z->out++ = entry_literal(e);
    }
    e = z->tables->offsets[low_bits(z->bits, OFFSET_BITS)];
    if (e & ENTRY_LONGER) {
        if (!drop(z, OFFSET_BITS)) {
            return E_FORMAT;
        }
        e = longer(z->tables->offsets, e, z->bits);
    }
    const size_t offset = value_of(e, z->bits);
    if (e & ENTRY_EXCEPTION || !drop(z, e & 63) ||
        offset > (size_t)(z->out - z->window)) {
        return E_FORMAT;
    }
    copy_match(z->out, offset, length);
    z->out += length;
    return 0;
}

// What the hot loop changes; a local copy of it is kept in registers.  Whole entries are
// subtracted from n_bits, so only its lowest byte means anything.
struct fast {
    const uint8_t *in;
    uint8_t *out;
    uint64_t bits;
    unsigned n_bits;
};

#define ALWAYS_INLINE inline __attribute__((always_inline))

// At least 56 bits afterwards.
static ALWAYS_INLINE void fill_fast(struct fast *f)
{
    f->bits |= load64(f->in) << (f->n_bits & 63);
    f->in += 7 - (f->n_bits >> 3 & 7);
    f->n_bits |= 56;
}

// entry: or just a number of bits.
static ALWAYS_INLINE void drop_fast(struct fast *f, uint32_t entry)
{
    f->bits >>= entry & 63;
    f->n_bits -= entry;
}

// The entry behind one for longer codes, when it is one.
static ALWAYS_INLINE uint32_t resolve(struct fast *f, const uint32_t *table, uint32_t e,
                                      unsigned main_bits)
{
    if (e & ENTRY_LONGER) {
        drop_fast(f, main_bits);
        e = longer(table, e, f->bits);
    }
    return e;
}

enum fast_end { FAST_STOPPED, FAST_BLOCK_END, FAST_WRONG };

static ALWAYS_INLINE uint32_t put_literal(struct fast *f, const uint32_t *literals,
                                          uint32_t e)
{
    drop_fast(f, e);
    *f->out++ = entry_literal(e);
    return literals[low_bits(f->bits, LITERAL_BITS)];
}

static ALWAYS_INLINE bool match_fast(struct fast *f, const uint32_t *literals,
                                     const uint32_t *offsets, const uint8_t *window,
                                     uint32_t *entry, bool is_joined)
{
    const size_t length = length_of(*entry, f->bits);
    drop_fast(f, *entry);
    if (is_joined) {  // written over when there is none
        *f->out = entry_literal(*entry);
        f->out += (*entry & ENTRY_LEADER) != 0;
    }
    if (__builtin_expect((uint8_t)f->n_bits < OFFSET_MAX_BITS + LITERAL_BITS, 0)) {
        fill_fast(f);
    }
    uint32_t e = offsets[low_bits(f->bits, OFFSET_BITS)];
    if (__builtin_expect(e & ENTRY_EXCEPTION, 0)) {
        e = resolve(f, offsets, e, OFFSET_BITS);
        if (e & ENTRY_EXCEPTION) {
            return false;
        }
    }
    const size_t offset = value_of(e, f->bits);
    drop_fast(f, e);
    if (__builtin_expect((uintptr_t)f->out - offset < (uintptr_t)window, 0)) {
        return false;
    }
    // The next entry is on its way while the match is copied; there are bits enough for it,
    // so that it need not wait for more of them.
    *entry = literals[low_bits(f->bits, LITERAL_BITS)];
    copy_match(f->out, offset, length);
    f->out += length;
    fill_fast(f);
    return true;
}

// At the head of the loop 56 bits are there, and the entry of the first ones.
static ALWAYS_INLINE enum fast_end fast_symbols(struct fast *f, const struct inflate *z,
                                                bool is_joined)
{
    const uint32_t *const literals = z->tables->literals;
    const uint32_t *const offsets = z->tables->offsets;
    const uint8_t *const in_stop = z->in_end - INFLATE_FAST_IN, *const stop = z->stop;
    const uint8_t *const window = z->window;
    fill_fast(f);
    uint32_t e = literals[low_bits(f->bits, LITERAL_BITS)];
    while (f->out < stop && f->in <= in_stop) {
        // Three literals of at most 11 bits leave enough for a length.
        if (e & ENTRY_LITERAL) {
            e = put_literal(f, literals, e);
            if (e & ENTRY_LITERAL) {
                e = put_literal(f, literals, e);
                if (e & ENTRY_LITERAL) {
                    e = put_literal(f, literals, e);
                    fill_fast(f);
                    continue;
                }
            }
        }
        if (__builtin_expect(e & ENTRY_EXCEPTION, 0)) {
            e = resolve(f, literals, e, LITERAL_BITS);
            if (e & ENTRY_LITERAL) {
                put_literal(f, literals, e);
                fill_fast(f);
                e = literals[low_bits(f->bits, LITERAL_BITS)];
                continue;
            }
            if (e & ENTRY_EXCEPTION) {
                drop_fast(f, e);
                return e & ENTRY_STOP ? FAST_BLOCK_END : FAST_WRONG;
            }
        }
        if (!match_fast(f, literals, offsets, window, &e, is_joined)) {
            return FAST_WRONG;
        }
    }
    return FAST_STOPPED;
}

static ALWAYS_INLINE enum fast_end fast_local(struct inflate *z)
{
    struct fast f = {z->in, z->out, z->bits, z->n_bits};
    const enum fast_end end =
        z->is_joined ? fast_symbols(&f, z, true) : fast_symbols(&f, z, false);
    z->in = f.in;
    z->out = f.out;
    z->bits = f.bits;
    z->n_bits = (uint8_t)f.n_bits;
    return end;
}

static enum fast_end fast_plain(struct inflate *z)
{
    return fast_local(z);
}

#if defined(__x86_64__)
// Shifts by a variable, and masks, are one instruction there.
__attribute__((target("bmi,bmi2"))) static enum fast_end fast_bmi2(struct inflate *z)
{
    return fast_local(z);
}

static enum fast_end run_fast(struct inflate *z)
{
    const bool has_both = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    return has_both ? fast_bmi2(z) : fast_plain(z);
}
#else
static enum fast_end run_fast(struct inflate *z)
{
    return fast_plain(z);
}
#endif

static int coded(struct inflate *z)
{
    while (z->state == INFLATE_CODED && z->out < z->stop) {
        if (z->in_end - z->in < INFLATE_FAST_IN) {
            if (!inflate_cross(z) && slow_symbol(z)) {
                return E_FORMAT;
            }
            continue;
        }
        const enum fast_end end = run_fast(z);
        if (end == FAST_WRONG) {
            return E_FORMAT;
        }
        if (end == FAST_BLOCK_END) {
            z->state = z->is_last ? INFLATE_END : INFLATE_HEAD;
        }
    }
    return 0;
}

// ---- stored blocks

static int open_stored(struct inflate *z)
{
    uint32_t len, complement;
    if (!drop(z, z->n_bits & 7) || !take(z, 16, &len) || !take(z, 16, &complement) ||
        len != (complement ^ 0xffff)) {
        return E_FORMAT;
    }
    z->stored_left = len;
    z->state = INFLATE_STORED;
    return 0;
}

// First the bytes in the bit buffer, then whole parts.
static int stored(struct inflate *z)
{
    while (z->stored_left > 0 && z->out < z->stop) {
        if (z->n_bits > 0) {
            *z->out++ = (uint8_t)z->bits;
            z->stored_left--;
            z->n_bits -= 8;
            z->bits >>= 8;
            continue;
        }
        z->bits = 0;
        size_t n = (size_t)(z->in_end - z->in);
        if (n == 0 && !inflate_next_part(z)) {
            return E_FORMAT;
        }
        n = n < z->stored_left ? n : z->stored_left;
        n = n < (size_t)(z->stop - z->out) ? n : (size_t)(z->stop - z->out);
        memcpy(z->out, z->in, n);
        z->in += n;
        z->out += n;
        z->stored_left -= n;
    }
    if (z->stored_left == 0) {
        z->state = z->is_last ? INFLATE_END : INFLATE_HEAD;
    }
    return 0;
}

// ---- block heads

static bool read_precode(struct inflate *z, uint32_t *table)
{
    static const uint8_t order[PRECODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                            11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lens[PRECODES] = {0};
    uint32_t n, len;
    if (!take(z, 4, &n)) {
        return false;
    }
    for (uint32_t i = 0; i < n + 4; i++) {
        if (!take(z, 3, &len)) {
            return false;
        }
        lens[order[i]] = (uint8_t)len;
    }
    return inflate_table_build(table, CODE_PRECODE, lens, PRECODES);
}

// One length, or how often one is repeated.
static bool read_lens(struct inflate *z, const uint32_t *table, uint8_t *lens, uint32_t n)
{
    uint32_t i = 0;
    while (i < n) {
        fill_slowly(z);
        const uint32_t e = table[low_bits(z->bits, PRECODE_BITS)];
        const uint32_t symbol = e >> 16;
        uint32_t times = 0;
        if (!drop(z, e & 63)) {
            return false;
        }
        if (symbol < 16) {
            lens[i++] = (uint8_t)symbol;
            continue;
        }
        if (!take(z,
                  symbol == 16   ? 2
                  : symbol == 17 ? 3
                                 : 7,
                  &times) ||
            (symbol == 16 && i == 0)) {
            return false;
        }
        times += symbol == 18 ? 11 : 3;
        if (times > n - i) {
            return false;
        }
        memset(lens + i, symbol == 16 ? lens[i - 1] : 0, times);
        i += times;
    }
    return true;
}

static int open_own_codes(struct inflate *z)
{
    uint32_t precode[1 << PRECODE_BITS];
    uint8_t lens[MAX_LENS];
    uint32_t literals, offsets;
    if (!take(z, 5, &literals) || !take(z, 5, &offsets)) {
        return E_FORMAT;
    }
    literals += 257;
    offsets += 1;
    if (literals > 286 || offsets > 30 || !read_precode(z, precode) ||
        !read_lens(z, precode, lens, literals + offsets) || lens[256] == 0) {
        return E_FORMAT;
    }
    if (!inflate_table_build(z->tables->literals, CODE_LITERALS, lens, (int)literals) ||
        !inflate_table_build(z->tables->offsets, CODE_OFFSETS, lens + literals,
                             (int)offsets)) {
        return E_FORMAT;
    }
    z->is_joined = inflate_table_join(z->tables->literals, lens, (int)literals);
    z->state = INFLATE_CODED;
    return 0;
}

static int open_block(struct inflate *z)
{
    uint32_t is_last, kind;
    if (!take(z, 1, &is_last) || !take(z, 2, &kind)) {
        return E_FORMAT;
    }
    z->is_last = is_last;
    switch (kind) {
    case 0: return open_stored(z);
    case 1:
        z->state = INFLATE_CODED;
        z->is_joined = false;
        return inflate_table_fixed(z->tables) ? 0 : E_BUG;
    case 2: return open_own_codes(z);
    default: return E_FORMAT;
    }
}

// ---- the whole stream

static size_t window_bytes(size_t piece)
{
    return HISTORY + piece + STRETCH + SLACK;
}

size_t inflate_bytes(size_t piece)
{
    return window_bytes(piece) + sizeof(struct inflate_tables);
}

int inflate_open(struct inflate *z, struct arena *arena, size_t piece)
{
    uint32_t method, flags;
    z->bits = 0;
    z->n_bits = 0;
    z->ahead = NULL;
    z->has_no_more = false;
    z->state = INFLATE_HEAD;
    z->sum = 1;
    z->stored_left = 0;
    z->is_joined = false;
    z->window = arena_get(arena, window_bytes(piece));
    z->tables = arena_get(arena, sizeof(*z->tables));
    if (!z->window || !z->tables) {
        return E_NOMEM;
    }
    z->stop = z->window + HISTORY + piece + STRETCH;
    z->out = z->taken = z->window;
    if (!take(z, 8, &method) || !take(z, 8, &flags) || (method & 15) != 8 ||
        method >> 4 > 7 || flags & 0x20 || (method << 8 | flags) % 31 != 0) {
        return E_FORMAT;
    }
    return 0;
}

static void slide(struct inflate *z)
{
    const size_t made = (size_t)(z->out - z->window);
    const size_t left = (size_t)(z->out - z->taken);
    size_t keep = left > HISTORY ? left : HISTORY;
    keep = keep < made ? keep : made;
    memmove(z->window, z->out - keep, keep);
    z->out = z->window + keep;
    z->taken = z->out - left;
}

static int check_sum(struct inflate *z)
{
    uint32_t sum = 0, byte;
    if (!drop(z, z->n_bits & 7)) {
        return E_FORMAT;
    }
    for (int i = 0; i < 4; i++) {
        if (!take(z, 8, &byte)) {
            return E_FORMAT;
        }
        sum = sum << 8 | byte;
    }
    return sum == z->sum ? 0 : E_FORMAT;
}

static int step(struct inflate *z)
{
    switch (z->state) {
    case INFLATE_HEAD: return open_block(z);
    case INFLATE_STORED: return stored(z);
    case INFLATE_CODED: return coded(z);
    case INFLATE_END: break;
    }
    return 0;
}

int inflate_more(struct inflate *z, size_t piece)
{
    if ((size_t)(z->out - z->taken) >= piece || z->state == INFLATE_END) {
        return 0;
    }
    slide(z);
    const uint8_t *from = z->out;
    int rc = 0;
    while (!rc && z->out < z->stop && z->state != INFLATE_END) {
        rc = step(z);
    }
    z->sum = libdeflate_adler32(z->sum, from, (size_t)(z->out - from));
    if (!rc && z->state == INFLATE_END) {
        rc = check_sum(z);
    }
    return rc;
}
