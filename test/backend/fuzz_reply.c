// fuzz_reply.c -- libFuzzer target: any bytes as a server's reply.
// SPDX-License-Identifier: MIT
#include "reply_mill.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    reply_grind(bytes, len);
    return 0;
}
