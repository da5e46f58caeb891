// test_admin_damage.c -- good requests with bytes changed, cut, doubled and swapped: any
// answer is fine but an internal error, a crash, or none to the good request after them.
//
// A fixed set; fuzz_request goes on from there.
// SPDX-License-Identifier: MIT
#include "admin/request_mill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 800, MAX = 2000 };

static const char *const raw[] = {
    "GET /v1/search?q=a%20b&limit=3 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Idempotency-Key: a\r\nContent-Length: 29\r\n\r\n{\"url\":\"http://127.0.0.1:9/\"}",
    "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; "
    "boundary=xx\r\nContent-Length: 88\r\n\r\n--xx\r\nContent-Disposition: form-data; "
    "name=\"file\"; filename=\"a\"\r\n\r\n\x89PNG\r\n\x1a\n\r\n--xx--\r\n",
    "POST /admin/pause HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    "\r\n2\r\n{}\r\n0\r\n\r\n",
    "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1a-7\r\n\r\n",
    "GET /page.css HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"x\"\r\n"
    "Accept-Encoding: gzip\r\nCookie: vlmd_session=a.b.c\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: "
    "localhost\r\nAuthorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA\r\n\r\n",
};
static const char *const bodies[] = {
    "{\"url\":\"http://a/\",\"app\":\"x\",\"taken_at\":\"2026-01-01T00:00:00Z\"}",
    "{\"inputs\":[\"http://127.0.0.1:9/1\",{\"path\":\"/a\"},5]}",
    "{\"class\":\"net\",\"since\":\"1h\",\"all\":true,\"dry_run\":true}",
    "{\"backend\":\"127.0.0.1:9\",\"model\":\"m\"}",
    "{\"text\":\"admin:\\n  rate: 5\\n\",\"until\":\"2h\",\"code\":\"x\"}",
};
static const char *const queries[] = {
    "q=a&app=b&tag=c&path=d&since=1h&until=now&state=queued&order=newest&limit=5",
    "cursor=n5.7&order=newest&degraded=yes&outcome=failed&class=net",
    "span=minute&since=2026-01-01&until=2026-01-02&sizes=yes&size=160&wait=0&types=job",
};

static uint32_t seed = 2463534242u;

static uint32_t any(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % below;
}

static size_t damage(uint8_t *bytes, size_t len)
{
    static const char spice[] = "{}[]\",:\\%&=\r\n \0;/\xff\xc3"
                                "0-9";
    size_t at = 1 + any((uint32_t)len - 1), n = any(24);
    n = n < len - at ? n : len - at;
    switch (any(5)) {
    case 0: bytes[at] = (uint8_t)spice[any(sizeof(spice) - 1)]; return len;
    case 1: bytes[at] ^= (uint8_t)(1u << any(8)); return len;
    case 2: memmove(bytes + at, bytes + at + n, len - at - n); return len - n;
    case 3:
        if (len + n > MAX) {
            return len;
        }
        memmove(bytes + at + n, bytes + at, len - at);
        return len + n;
    default: return at + 1;  // cut
    }
}

static void grind(uint8_t kind, int route, const char *text)
{
    uint8_t bytes[MAX];
    size_t len = 0, n = strlen(text);
    bytes[len++] = kind;
    if (route >= 0) {
        bytes[len++] = (uint8_t)route;
    }
    memcpy(bytes + len, text, n);
    len += n;
    for (uint32_t i = any(4); i > 0 && len > 4; i--) {
        len = damage(bytes, len);
    }
    request_grind(bytes, len);
}

static void damaged_requests_are_answered_or_dropped(void **state)
{
    static const char good[] = "?GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    uint8_t bytes[sizeof(good)];
    (void)state;
    memcpy(bytes, good, sizeof(good));
    bytes[0] = MILL_RAW;
    for (int i = 0; i < ROUNDS; i++) {
        int route = (int)any((uint32_t)request_routes());
        uint8_t pieces = any(8) ? 0 : 0x81;  // a multiple of MILL_KINDS
        switch (any(3)) {
        case 0: grind((uint8_t)(pieces + MILL_RAW), -1, raw[any(7)]); break;
        case 1: grind((uint8_t)(pieces + MILL_BODY), route, bodies[any(5)]); break;
        default: grind((uint8_t)(pieces + MILL_QUERY), route, queries[any(3)]); break;
        }
        if (i % 100 == 0) {
            assert_int_equal(request_grind(bytes, sizeof(good) - 1), 200);
        }
    }
    assert_int_equal(request_grind(bytes, sizeof(good) - 1), 200);
    request_mill_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_requests_are_answered_or_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
