// sight.c -- draws the picture, and judges what a model says about it.
//
// The PNG is stored, not compressed: a palette of one colour, one bit per pixel.
// Source: PNG (W3C, 3rd edition) 5 and 11; RFC 1950, RFC 1951 3.2.4.
// SPDX-License-Identifier: MIT
#include "backend/sight.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    ROW_BYTES = 1 + SIGHT_SIDE_PX / 8,  // filter, pixels
    DATA_BYTES = ROW_BYTES * SIGHT_SIDE_PX,
    // The thriftiest models take 9 tokens for such a picture (3 x 3 patches of 48).
    LEAST_TOKENS = 8,
};

const struct sight_colour sight_colour = {"magenta", "pink", 0xff, 0x00, 0xc8};
const char sight_question[] = "What colour is this picture? Answer with one word.";

static uint32_t crc_of(const uint8_t *bytes, size_t len)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        }
    }
    return ~crc;
}

static void put_u32(uint8_t *at, uint32_t n)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(n >> (24 - 8 * i));
    }
}

// type and data stand at chunk + 4.
static int add_chunk(struct buf *out, uint8_t *chunk, const char *type, size_t len)
{
    put_u32(chunk, (uint32_t)len);
    memcpy(chunk + 4, type, 4);
    put_u32(chunk + 8 + len, crc_of(chunk + 4, len + 4));
    return buf_add(out, (const char *)chunk, len + 12);
}

static uint32_t adler_of(const uint8_t *bytes, size_t len)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < len; i++) {
        a = (a + bytes[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

// All pixels are the palette's first colour: zeros, as are the filters.
static int add_pixels(struct buf *out)
{
    uint8_t chunk[12 + 2 + 5 + DATA_BYTES + 4] = {0};
    uint8_t *z = chunk + 8;
    z[0] = 0x78;  // deflate, window 32 KiB
    z[1] = 0x01;
    z[2] = 1;  // the last block, stored
    z[3] = DATA_BYTES & 0xff;
    z[4] = DATA_BYTES >> 8;
    z[5] = (uint8_t)~z[3];
    z[6] = (uint8_t)~z[4];
    put_u32(z + 7 + DATA_BYTES, adler_of(z + 7, DATA_BYTES));
    return add_chunk(out, chunk, "IDAT", 2 + 5 + DATA_BYTES + 4);
}

int sight_draw(struct buf *out)
{
    uint8_t chunk[12 + 13] = {0};
    const struct sight_colour *c = &sight_colour;
    int rc = buf_add(out, "\x89PNG\r\n\x1a\n", 8);
    put_u32(chunk + 8, SIGHT_SIDE_PX);
    put_u32(chunk + 12, SIGHT_SIDE_PX);
    chunk[16] = 1;  // bit
    chunk[17] = 3;  // palette
    rc = rc == 0 ? add_chunk(out, chunk, "IHDR", 13) : rc;
    chunk[8] = c->red;
    chunk[9] = c->green;
    chunk[10] = c->blue;
    rc = rc == 0 ? add_chunk(out, chunk, "PLTE", 3) : rc;
    rc = rc == 0 ? add_pixels(out) : rc;
    return rc == 0 ? add_chunk(out, chunk, "IEND", 0) : rc;
}

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = text; (at = strcasestr(at, word)); at++) {
        bool is_start = at == text || !isalpha((unsigned char)at[-1]);
        if (is_start && !isalpha((unsigned char)at[n])) {
            return true;
        }
    }
    return false;
}

// The colour named is proof enough, whatever was counted.  Else the picture must have cost
// something.
enum sight_proof sight_judge(const char *answer, int64_t tokens, int64_t text_tokens)
{
    const char *said = answer ? answer : "";
    if (has_word(said, sight_colour.name) || has_word(said, sight_colour.other_name)) {
        return SIGHT_SEEN;
    }
    if (tokens < 1 || text_tokens < 1) {
        return SIGHT_UNCLEAR;
    }
    return tokens - text_tokens >= LEAST_TOKENS ? SIGHT_SEEN : SIGHT_BLIND;
}
