// test_reply_damage.c -- real replies with bytes changed, cut, doubled and swapped: any end is
// fine but a crash, and most must still be told apart from an answer.
// SPDX-License-Identifier: MIT
#include "base/err.h"
#include "reply_mill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 30000, MAX = 2048 };

static const char *const replies[] = {
    "\x02: ping\n\ndata: "
    "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}"
    "\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"{\\\"summary\\\":\\\"a \\u00e4 "
    "\\ud83d\\ude00\\\",\"}}]}\n\ndata: "
    "{\"choices\":[{\"delta\":{\"content\":\"\\\"tags\\\":"
    "[\\\"x\\\",1],\\\"text\\\":null}\"}}]}\n\ndata: {\"choices\":[{\"delta\":{},"
    "\"finish_reason\":\"stop\"}]}\n\ndata: "
    "{\"choices\":[],\"usage\":{\"prompt_tokens\":400,"
    "\"completion_tokens\":9}}\n\ndata: [DONE]\n\n",
    "\x13{\"message\":{\"content\":\"{\\\"summary\\\":\"},\"done\":false}\n{\"message\":{"
    "\"content\":\"\\\"s\\\"}\"},\"done\":false}\n{\"done\":true,\"done_reason\":"
    "\"stop\","
    "\"prompt_eval_count\":400,\"eval_count\":9,\"total_duration\":5123456789123}\n",
    "\x26{\"choices\":[{\"message\":{\"content\":\"<think>x</"
    "think>```json\\n{\\\"summary\\\":"
    "\\\"s\\\"}\\n```\"},\"finish_reason\":\"length\"}]}",
    "\x37{\"error\":\"{\\\"error\\\":{\\\"code\\\":500,\\\"message\\\":\\\"out of "
    "memory\\\","
    "\\\"type\\\":\\\"server_error\\\"}}\\nlog\"}\n",
    "\x42"
    "event: error\r\ndata: {\"error\":{\"message\":\"x\",\"code\":\"503\"}}\r\n\r\n",
    "\x54{\"detail\":[{\"loc\":[\"body\",\"seed\"],\"msg\":\"Extra "
    "inputs\",\"type\":\"t\"}]}",
    "\x60<html><head><title>502</title></head></html>",
};

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state >> 11;
}

static size_t damage(uint8_t *bytes, size_t len)
{
    static const char spice[] = "{}[]\",:\\\n\r u0e9dat";
    size_t at = (size_t)next_random() % len;
    size_t n = (size_t)next_random() % 24;
    n = n < len - at ? n : len - at;
    switch (next_random() % 6) {
    case 0: bytes[at] = (uint8_t)next_random(); break;
    case 1: bytes[at] = (uint8_t)spice[next_random() % (sizeof(spice) - 1)]; break;
    case 2: bytes[at] ^= (uint8_t)(1u << next_random() % 8); break;
    case 3: len = at + 1; break;
    case 4:
        memmove(bytes + at, bytes + at + n, len - at - n);
        len -= n;
        break;
    default:
        n = len + n <= MAX ? n : 0;
        memmove(bytes + at + n, bytes + at, len - at);
        len += n;
    }
    return len ? len : 1;
}

static void sound_replies_are_read(void **state)
{
    (void)state;
    static const int expected[] = {
        0, 0, 0, E_MODEL_CRASH, E_OVERLOAD, E_SERVER, E_BAD_REQUEST};
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        // every size of piece gives the same end
        for (int piece = 0; piece < 16; piece++) {
            uint8_t bytes[MAX];
            size_t len = strlen(replies[i]);
            memcpy(bytes, replies[i], len);
            bytes[0] = (uint8_t)((bytes[0] & 0x0f) | piece << 4);
            assert_string_equal(err_name(reply_grind(bytes, len)), err_name(expected[i]));
        }
    }
}

static void damaged_replies_are_survived(void **state)
{
    (void)state;
    int answers = 0;
    int failures = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t bytes[MAX];
        const char *reply =
            replies[(size_t)round % (sizeof(replies) / sizeof(replies[0]))];
        size_t len = strlen(reply);
        memcpy(bytes, reply, len);
        for (uint64_t k = next_random() % 4; k < 4; k++) {
            len = damage(bytes, len);
        }
        // a copy of its own, so that a sanitizer sees a read past the end
        uint8_t *copy = malloc(len);
        memcpy(copy, bytes, len);
        if (reply_grind(copy, len) == 0) {
            answers++;
        } else {
            failures++;
        }
        free(copy);
    }
    // both ways are taken, or the mill grinds nothing
    assert_true(answers > ROUNDS / 100);
    assert_true(failures > ROUNDS / 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_replies_are_read),
        cmocka_unit_test(damaged_replies_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
