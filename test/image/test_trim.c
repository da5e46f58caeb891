// test_trim.c -- what a thread's heap has kept goes back to the system.
// SPDX-License-Identifier: MIT
#include "image/memory_kit.h"
#include "image/trim.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)100 << 10)  // below the size that gets pages of its own
enum { BLOCKS = 160, LEAST_KB = 12000 };

// Freed from the first on, all of it ends up behind the last block that is still used.
static void *use_heap(void *arg)
{
    void **blocks = calloc(BLOCKS, sizeof(*blocks));
    // A large block freed once makes glibc keep twice its size at the heap's end.
    char *volatile large = malloc((size_t)16 << 20);
    free(large);
    char *kept = malloc(1000);
    strcpy(kept, "kept");
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK_BYTES);
        memset(blocks[i], 1, BLOCK_BYTES);
    }
    for (int i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    const long before = memory_resident_kb();
    trim_heap();
    *(long *)arg = before - memory_resident_kb();
    assert_string_equal(kept, "kept");
    free(kept);
    free(blocks);
    return NULL;
}

static void test_heap_of_a_thread(void **state)
{
    (void)state;
    pthread_t thread;
    long freed_kb = 0;
    assert_int_equal(pthread_create(&thread, NULL, use_heap, &freed_kb), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (memory_is_glibc()) {
        assert_true(freed_kb > LEAST_KB);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_heap_of_a_thread)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
