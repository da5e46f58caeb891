// helper.c -- vlmd-ocr: reads pages from its socket until that ends.
//
// A process of its own because Tesseract prints, leaks and, on odd pictures, crashes or
// runs without end.  It may use so much memory and no more, leaves no core dump (there
// are pictures of screens in its memory), holds no file of its parent and dies with it.
// SPDX-License-Identifier: MIT
#include "ocr/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#define SOCKET_FD 3

enum { EXIT_USAGE = 2 };

// The sanitizers reserve terabytes of address space, and look at the process from outside.
#ifdef VLMD_SANITIZED
enum { IS_SANITIZED = true };
#else
enum { IS_SANITIZED = false };
#endif

// PR_SET_PDEATHSIG counts the end of the thread that started us as the parent's: that is
// the loop's thread, and it stops its helpers before it ends.
static int confine(rlim_t memory_bytes)
{
    struct rlimit none = {0, 0};
    struct rlimit memory = {memory_bytes, memory_bytes};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || setrlimit(RLIMIT_CORE, &none) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
        return -1;
    }
    if (IS_SANITIZED) {
        return 0;
    }
    if (prctl(PR_SET_DUMPABLE, 0)) {
        return -1;
    }
    return memory_bytes ? setrlimit(RLIMIT_AS, &memory) : 0;
}

// Tesseract prints to any of the three; the socket moves out of its way.  It is copied
// first, so that only it can have got the number 3.
static int take_socket(void)
{
    int copy = dup(STDIN_FILENO);
    int nothing = open("/dev/null", O_RDWR);
    if (copy < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || dup2(copy, SOCKET_FD) < 0) {
        return -1;
    }
    return close_range(SOCKET_FD + 1, ~0u, 0);
}

// 1 = all bytes, 0 = end of file before the first, -1 = error or cut.
static int read_all(void *data, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = read(SOCKET_FD, (char *)data + got, len - got);
        if (n == 0) {
            return got == 0 ? 0 : -1;
        }
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        got += n > 0 ? (size_t)n : 0;
    }
    return 1;
}

static int write_all(const void *data, size_t len)
{
    size_t sent = 0;
    while (sent < len) {
        ssize_t n = write(SOCKET_FD, (const char *)data + sent, len - sent);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        sent += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int answer(const struct helper *h, enum wire_status status)
{
    struct wire_answer a = {.magic = WIRE_ANSWER_MAGIC, .status = status};
    if (status == WIRE_OK || status == WIRE_NO_LANGUAGE) {
        a.text_len = (uint32_t)h->text.len;
        a.words = (uint32_t)(h->words.len / sizeof(struct wire_word));
        a.page_len = h->page_len;
        a.mean_confidence = h->mean_confidence;
    }
    if (write_all(&a, sizeof(a)) ||
        write_all(h->words.data, a.words * sizeof(struct wire_word))) {
        return -1;
    }
    return write_all(h->text.data, a.text_len);
}

// The whole page is taken in before anything is said, so that the other end never has to
// write and read at once.  A page that is not read to its end leaves no way to go on.
static int serve(struct helper *h, struct wire_page *p)
{
    p->language[WIRE_LANGUAGE_BYTES - 1] = 0;
    if (p->magic != WIRE_PAGE_MAGIC || wire_page_check(p) ||
        !wire_is_language(p->language)) {
        fprintf(stderr, "vlmd-ocr: the request is not of this version's protocol\n");
        return -1;
    }
    size_t bytes = (size_t)p->width * p->height;
    uint8_t *luma = malloc(bytes);
    if (!luma) {
        fprintf(stderr, "vlmd-ocr: no memory for a page of %zu bytes\n", bytes);
        return -1;
    }
    int rc = read_all(luma, bytes) == 1 ? 0 : -1;
    if (rc == 0) {
        rc = answer(h, helper_page(h, p, luma));
    }
    free(luma);
    return rc;
}

static int usage(void)
{
    fprintf(stderr,
            "vlmd-ocr: is started by vlmd (usage: vlmd-ocr --memory BYTES, with a "
            "socket as standard input)\n");
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    if (argc != 3 || strcmp(argv[1], "--memory") != 0) {
        return usage();
    }
    errno = 0;
    unsigned long long memory = strtoull(argv[2], &end, 10);
    if (errno || *end || end == argv[2]) {
        return usage();
    }
    if (confine((rlim_t)memory) || take_socket()) {
        fprintf(stderr, "vlmd-ocr: can not be confined: %s\n", strerror(errno));
        return 1;
    }
    struct helper h = {0};
    struct wire_page page;
    int got;
    while ((got = read_all(&page, sizeof(page))) == 1 && serve(&h, &page) == 0) {
    }
    helper_fini(&h);
    return got == 0 ? 0 : 1;
}
