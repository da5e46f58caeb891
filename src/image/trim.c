// trim.c -- malloc_trim, and what it leaves.
//
// glibc gives free pages between blocks back, but at the end of a thread's heap it keeps
// up to twice the largest block it ever saw: 16 MB after one lossless WebP.  Its limits
// could be set, for the whole process, which is not ours to do.  So blocks of growing
// sizes are taken from the end of the heap, their pages dropped, and freed again.
// SPDX-License-Identifier: MIT
#include "image/trim.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__GLIBC__)

enum { SMALLEST = 512 << 10, LARGEST = 32 << 20 };

// One that has pages of its own is no part of the heap; freeing it would make glibc put
// blocks of its size there from now on.
static bool has_own_pages(void *block, size_t page)
{
    return (malloc_usable_size(block) + 2 * sizeof(size_t)) % page == 0;
}

static void drop_pages(uint8_t *block, size_t size, size_t page)
{
    const uintptr_t from = ((uintptr_t)block + page - 1) / page * page;
    const uintptr_t to = ((uintptr_t)block + size) / page * page;
    if (to > from) {
        madvise((void *)from, to - from, MADV_DONTNEED);
    }
}

// Where malloc is another one (jemalloc, a sanitizer) the first malloc_trim is glibc's first
// look at its own heap, which it then sets up, without a lock: a second thread walks through
// what is half set up.  Source: glibc 2.36, malloc.c, ptmalloc_init.
static void set_up(void)
{
    malloc_trim(0);
}

void trim_heap(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    pthread_once(&once, set_up);
    malloc_trim(0);
    bool is_heap = true;
    for (size_t size = SMALLEST; is_heap && size <= LARGEST; size *= 2) {
        uint8_t *block = malloc(size + page / 2);
        is_heap = block && !has_own_pages(block, page);
        if (is_heap) {
            drop_pages(block, size, page);
        }
        free(block);
    }
}

#else

void trim_heap(void)
{
}

#endif
