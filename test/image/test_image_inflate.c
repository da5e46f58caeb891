// test_image_inflate.c -- our inflate against libdeflate: every kind of block, input in any
// parts, output in any pieces, and damage.
// SPDX-License-Identifier: MIT
#include "image/inflate.h"
#include "image/inflate_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

static uint32_t seed = 1;

static uint32_t next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

// Parts of part bytes; every third one empty when part is odd.
struct source {
    const uint8_t *next;
    const uint8_t *end;
    size_t part;
    int n;
};

static bool on_part_end(struct inflate *z)
{
    struct source *s = z->arg;
    const size_t left = (size_t)(s->end - s->next);
    if (left == 0) {
        return false;
    }
    size_t n = left < s->part ? left : s->part;
    n = s->part % 2 && ++s->n % 3 == 0 ? 0 : n;
    z->in = s->next;
    z->in_end = s->next + n;
    s->next += n;
    return true;
}

// Everything out of in; E_* or 0, and *len bytes in out, which holds cap.
static int inflate_all(const uint8_t *in, size_t in_len, size_t part, size_t piece,
                       uint8_t *out, size_t cap, size_t *len)
{
    struct arena arena = {0};
    struct source s = {.next = in, .end = in + in_len, .part = part};
    struct inflate z = {.on_part_end = on_part_end, .arg = &s};
    *len = 0;
    int rc = inflate_open(&z, &arena, piece);
    while (!rc) {
        rc = inflate_more(&z, piece);
        size_t n = (size_t)(z.out - z.taken);
        assert_true(rc || n >= piece || z.state == INFLATE_END);
        if (rc || n == 0 || *len + n > cap) {
            break;
        }
        n = n < piece ? n : piece;
        memcpy(out + *len, z.taken, n);
        *len += n;
        z.taken += n;
    }
    arena_fini(&arena);
    return rc;
}

enum { KINDS = 7 };

// Noise, one value, short periods, text-like, skewed: codes of all lengths, all offsets.
static void make_data(uint8_t *p, size_t n, int kind)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t v = next_random();
        const size_t period = (size_t)1 + i / 3000 % 40;
        switch (kind) {
        case 0: p[i] = (uint8_t)v; break;
        case 1: p[i] = 7; break;
        case 2: p[i] = (uint8_t)(i < period ? v : p[i - period]); break;
        case 3: p[i] = (uint8_t)("etaoin shrdlu"[v % 13]); break;
        case 4: p[i] = (uint8_t)__builtin_ctz(v | 1u << 20); break;
        case 5: p[i] = (uint8_t)(v % 97 == 0 || i < 30000 ? v : p[i - 30000]); break;
        default: p[i] = (uint8_t)((v & 3) ? 0 : (v >> 2) % (1 + i % 255)); break;
        }
    }
}

static uint8_t *compress(const uint8_t *in, size_t n, int level, size_t *len)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
    const size_t bound = libdeflate_zlib_compress_bound(c, n);
    uint8_t *packed = malloc(bound);
    *len = libdeflate_zlib_compress(c, in, n, packed, bound);
    libdeflate_free_compressor(c);
    // Exactly as long as it is, so that a sanitizer sees each byte too much.
    uint8_t *out = malloc(*len);
    memcpy(out, packed, *len);
    free(packed);
    return out;
}

static void check(const uint8_t *data, size_t n, int level)
{
    static const size_t parts[] = {1, 2, 7, 33, 500, 8192, 1 << 30};
    static const size_t pieces[] = {5761, 1, 100, 40000, 1000};
    size_t len, got;
    uint8_t *packed = compress(data, n, level, &len);
    uint8_t *out = malloc(n + 1);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const size_t piece = pieces[(i + (size_t)level) % 5];
        assert_int_equal(inflate_all(packed, len, parts[i], piece, out, n + 1, &got), 0);
        assert_int_equal(got, n);
        assert_memory_equal(out, data, n);
    }
    free(packed);
    free(out);
}

static void test_all_kinds(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 5, 300, 33000, 200000};
    static const int levels[] = {0, 1, 6, 12};
    uint8_t *data = malloc(200000);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int kind = 0; kind < KINDS; kind++) {
            make_data(data, sizes[i], kind);
            for (int l = 0; l < 4; l++) {
                check(data, sizes[i], levels[l]);
            }
        }
    }
    free(data);
}

// More than the window several times over: history survives the slides.
static void test_long_stream(void **state)
{
    (void)state;
    const size_t n = 1500000;
    uint8_t *data = malloc(n);
    make_data(data, n, 5);
    check(data, n, 6);
    free(data);
}

// A stream that ends early is never taken for a whole one.
static void test_cut(void **state)
{
    (void)state;
    uint8_t data[3000], out[3001];
    size_t len, got;
    for (int kind = 0; kind < KINDS; kind++) {
        make_data(data, sizeof(data), kind);
        for (int level = 0; level <= 6; level += 6) {
            uint8_t *packed = compress(data, sizeof(data), level, &len);
            for (size_t n = 0; n < len; n++) {
                uint8_t *cut = malloc(n + 1);
                memcpy(cut, packed, n);
                assert_int_equal(inflate_all(cut, n, 64, 500, out, sizeof(out), &got),
                                 E_FORMAT);
                free(cut);
            }
            free(packed);
        }
    }
}

// With any bit turned over: refused, or exactly what libdeflate makes of it.
static void test_damage(void **state)
{
    (void)state;
    enum { N = 2000, CAP = 200000 };
    uint8_t data[N];
    uint8_t *out = malloc(CAP), *want = malloc(CAP);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    size_t len, got, want_len;
    int refused = 0;
    for (int kind = 2; kind < KINDS; kind++) {
        make_data(data, N, kind);
        uint8_t *packed = compress(data, N, kind == 4 ? 0 : 6, &len);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
            const int rc = inflate_all(packed, len, 100, 777, out, CAP, &got);
            if (rc) {
                assert_int_equal(rc, E_FORMAT);
                refused++;
            } else {
                assert_int_equal(
                    libdeflate_zlib_decompress(d, packed, len, want, CAP, &want_len), 0);
                assert_int_equal(got, want_len);
                assert_memory_equal(out, want, got);
            }
            packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free(packed);
    }
    assert_true(refused > 1000);
    libdeflate_free_decompressor(d);
    free(out);
    free(want);
}

// Streams made by hand: what compressors do not write.
static void test_odd_streams(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[24];
        size_t len;
        int rc;
    } cases[] = {
        // an empty stored block, then a fixed one with "a"
        {{0x78, 0x01, 0, 0, 0, 0xff, 0xff, 0x4b, 4, 0, 0, 0x62, 0, 0x62}, 14, 0},
        {{0x78, 0x01, 7, 0, 0, 0, 0, 1}, 8, E_FORMAT},           // block of kind 3
        {{0x78, 0x01, 1, 1, 0, 0xff, 0xff, 0x61}, 8, E_FORMAT},  // wrong complement
        {{0x78, 0x02, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 1}, 11, E_FORMAT},  // head's check
        {{0x88, 0x1c, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 1}, 11, E_FORMAT},  // 64 KB window
        {{0x78, 0x20, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 1}, 11, E_FORMAT},  // dictionary
        {{0x78, 0x01, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 2}, 11, E_FORMAT},  // checksum
        {{0x78, 0x01, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 1}, 11, 0},         // nothing
        {{0x78, 0x01, 3, 2, 0, 0, 0, 0, 1}, 9, E_FORMAT},  // a match before all data
    };
    uint8_t out[400];
    size_t got;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int rc =
            inflate_all(cases[i].bytes, cases[i].len, 3, 10, out, sizeof(out), &got);
        if (rc != cases[i].rc) {
            fail_msg("case %zu: %d", i, rc);
        }
    }
}

// ---- literals in front of lengths

// What an index means with joined entries is what it means without them, one after the other.
static void check_joined(const uint32_t *plain, const uint32_t *joined, unsigned i)
{
    const uint32_t first = plain[i], used = first & 63, e = joined[i];
    if (!(e & ENTRY_LEADER)) {
        assert_int_equal(e, first);
        return;
    }
    const uint32_t second = plain[i >> used];
    assert_true(first & ENTRY_LITERAL);
    assert_false(second & (ENTRY_LITERAL | ENTRY_EXCEPTION));
    assert_int_equal(entry_literal(e), entry_literal(first));
    assert_int_equal(entry_length(e), entry_length(second));
    assert_int_equal(e >> 8 & 15, used + (second >> 8 & 15));
    assert_int_equal(e & 63, used + (second & 63));
    assert_true((e >> 8 & 15) <= LITERAL_BITS);
    assert_false(e & (ENTRY_LITERAL | ENTRY_EXCEPTION));
}

static void test_joined_entries(void **state)
{
    (void)state;
    static struct inflate_tables plain, joined;
    uint8_t lens[MAX_LITERALS] = {0};
    int n_joined = 0;
    // One half literals, of all values; end; lengths up to 258, with extra bits or none.
    for (int i = 0; i < 256; i += 2) {
        lens[i + (i & 2) / 2] = 8;
    }
    lens[256] = lens[264] = 4;
    lens[257] = lens[269] = lens[285] = 3;
    assert_true(inflate_table_build(plain.literals, CODE_LITERALS, lens, 286));
    joined = plain;
    assert_true(inflate_table_join(joined.literals, lens, 286));
    for (unsigned i = 0; i < 1u << LITERAL_BITS; i++) {
        check_joined(plain.literals, joined.literals, i);
        n_joined += (joined.literals[i] & ENTRY_LEADER) != 0;
    }
    // Of the literals' half, what begins with one of the three short lengths.
    assert_int_equal(n_joined, (1 << LITERAL_BITS) / 2 * 3 / 8);
}

static void test_other_blocks_are_not_joined(void **state)
{
    (void)state;
    static struct inflate_tables plain, joined;
    uint8_t lens[MAX_LITERALS] = {0};
    memset(lens, 8, 254);  // literals, and as good as nothing else
    lens[256] = lens[257] = 8;
    assert_true(inflate_table_build(plain.literals, CODE_LITERALS, lens, 286));
    joined = plain;
    assert_false(inflate_table_join(joined.literals, lens, 286));
    assert_memory_equal(&plain, &joined, sizeof(plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds),
        cmocka_unit_test(test_long_stream),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_joined_entries),
        cmocka_unit_test(test_other_blocks_are_not_joined),
        cmocka_unit_test(test_odd_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
