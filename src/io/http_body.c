// http_body.c -- base64, and the request body that holds the picture once.
//
// 267 kB per request at 1,024 requests in flight is why the encoded text never exists as a
// whole: curl asks for 64 kB at a time and the encoder writes into curl's buffer.
// SPDX-License-Identifier: MIT
#include "io/http_call.h"

#include <string.h>

// Far above any picture that is sent; keeps the arithmetic below from overflowing.
#define MAX_PART_BYTES ((size_t)256 << 20)

// Two characters for each 12-bit value; the 8 KiB stay in the first cache.
// clang-format off
#define PAIRS(a)                                                                         \
    {a, 'A'}, {a, 'B'}, {a, 'C'}, {a, 'D'}, {a, 'E'}, {a, 'F'}, {a, 'G'}, {a, 'H'},      \
    {a, 'I'}, {a, 'J'}, {a, 'K'}, {a, 'L'}, {a, 'M'}, {a, 'N'}, {a, 'O'}, {a, 'P'},      \
    {a, 'Q'}, {a, 'R'}, {a, 'S'}, {a, 'T'}, {a, 'U'}, {a, 'V'}, {a, 'W'}, {a, 'X'},      \
    {a, 'Y'}, {a, 'Z'}, {a, 'a'}, {a, 'b'}, {a, 'c'}, {a, 'd'}, {a, 'e'}, {a, 'f'},      \
    {a, 'g'}, {a, 'h'}, {a, 'i'}, {a, 'j'}, {a, 'k'}, {a, 'l'}, {a, 'm'}, {a, 'n'},      \
    {a, 'o'}, {a, 'p'}, {a, 'q'}, {a, 'r'}, {a, 's'}, {a, 't'}, {a, 'u'}, {a, 'v'},      \
    {a, 'w'}, {a, 'x'}, {a, 'y'}, {a, 'z'}, {a, '0'}, {a, '1'}, {a, '2'}, {a, '3'},      \
    {a, '4'}, {a, '5'}, {a, '6'}, {a, '7'}, {a, '8'}, {a, '9'}, {a, '+'}, {a, '/'}

static const char pairs[4096][2] = {
    PAIRS('A'), PAIRS('B'), PAIRS('C'), PAIRS('D'), PAIRS('E'), PAIRS('F'), PAIRS('G'),
    PAIRS('H'), PAIRS('I'), PAIRS('J'), PAIRS('K'), PAIRS('L'), PAIRS('M'), PAIRS('N'),
    PAIRS('O'), PAIRS('P'), PAIRS('Q'), PAIRS('R'), PAIRS('S'), PAIRS('T'), PAIRS('U'),
    PAIRS('V'), PAIRS('W'), PAIRS('X'), PAIRS('Y'), PAIRS('Z'), PAIRS('a'), PAIRS('b'),
    PAIRS('c'), PAIRS('d'), PAIRS('e'), PAIRS('f'), PAIRS('g'), PAIRS('h'), PAIRS('i'),
    PAIRS('j'), PAIRS('k'), PAIRS('l'), PAIRS('m'), PAIRS('n'), PAIRS('o'), PAIRS('p'),
    PAIRS('q'), PAIRS('r'), PAIRS('s'), PAIRS('t'), PAIRS('u'), PAIRS('v'), PAIRS('w'),
    PAIRS('x'), PAIRS('y'), PAIRS('z'), PAIRS('0'), PAIRS('1'), PAIRS('2'), PAIRS('3'),
    PAIRS('4'), PAIRS('5'), PAIRS('6'), PAIRS('7'), PAIRS('8'), PAIRS('9'), PAIRS('+'),
    PAIRS('/'),
};
// clang-format on

static void encode_three(const uint8_t *in, char *out)
{
    unsigned bits = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];
    memcpy(out, pairs[bits >> 12], 2);
    memcpy(out + 2, pairs[bits & 0xfff], 2);
}

size_t http_base64(const uint8_t *in, size_t len, char *out)
{
    char *start = out;
    for (; len >= 3; len -= 3, in += 3, out += 4) {
        encode_three(in, out);
    }
    if (len) {
        uint8_t rest[3] = {in[0], len == 2 ? in[1] : 0, 0};
        encode_three(rest, out);
        out[3] = '=';
        out[2] = len == 2 ? out[2] : '=';
        out += 4;
    }
    return (size_t)(out - start);
}

static size_t base64_length(size_t len)
{
    return (len + 2) / 3 * 4;
}

int body_length(const struct http_body *b, size_t *len)
{
    if (b->head_len > MAX_PART_BYTES || b->image_len > MAX_PART_BYTES ||
        b->tail_len > MAX_PART_BYTES) {
        return E_TOOBIG;
    }
    *len = b->head_len + base64_length(b->image_len) + b->tail_len;
    return 0;
}

static size_t read_plain(const char *part, size_t len, size_t at, char *out, size_t room)
{
    size_t n = len - at < room ? len - at : room;
    memcpy(out, part + at, n);
    return n;
}

// curl's buffer begins and ends anywhere: a group that is cut by it goes through quad.
static size_t read_encoded(const struct http_body *b, size_t at, char *out, size_t room)
{
    size_t in_at = at / 4 * 3;
    size_t in_left = b->image_len - in_at;
    if (at % 4 || room < 4) {
        char quad[4];
        http_base64(b->image + in_at, in_left < 3 ? in_left : 3, quad);
        return read_plain(quad, 4, at % 4, out, room);
    }
    size_t in_room = room / 4 * 3;
    return http_base64(b->image + in_at, in_left < in_room ? in_left : in_room, out);
}

size_t body_read(const struct http_body *b, size_t at, char *out, size_t room)
{
    size_t image_end = b->head_len + base64_length(b->image_len);
    size_t end = image_end + b->tail_len;
    size_t n = 0;
    while (n < room && at + n < end) {
        size_t pos = at + n;
        if (pos < b->head_len) {
            n += read_plain(b->head, b->head_len, pos, out + n, room - n);
        } else if (pos < image_end) {
            n += read_encoded(b, pos - b->head_len, out + n, room - n);
        } else {
            n += read_plain(b->tail, b->tail_len, pos - image_end, out + n, room - n);
        }
    }
    return n;
}
