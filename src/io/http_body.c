// http_body.c -- the request body that holds the picture once.
//
// 267 kB per request at 1,024 requests in flight is why the encoded text never exists as a
// whole: curl asks for 64 kB at a time and the encoder writes into curl's buffer.
// SPDX-License-Identifier: MIT
#include "io/http_call.h"

#include "base/base64.h"

#include <string.h>

// Far above any picture that is sent; keeps the arithmetic below from overflowing.
#define MAX_PART_BYTES ((size_t)256 << 20)

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
        base64_encode(b->image + in_at, in_left < 3 ? in_left : 3, quad);
        return read_plain(quad, 4, at % 4, out, room);
    }
    size_t in_room = room / 4 * 3;
    return base64_encode(b->image + in_at, in_left < in_room ? in_left : in_room, out);
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
