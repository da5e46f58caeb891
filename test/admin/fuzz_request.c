// fuzz_request.c -- libFuzzer target: any bytes as requests, bodies and queries of the HTTP
// interface.
// SPDX-License-Identifier: MIT
#include "admin/request_mill.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    request_grind(bytes, len);
    return 0;
}
