// ocr_fake.c -- a helper for the tests: misbehaves as the first byte of the page says.
// SPDX-License-Identifier: MIT
#include "ocr_fake.h"

#include "ocr/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void get(void *data, size_t len)
{
    for (size_t got = 0; got < len;) {
        ssize_t n = read(0, (char *)data + got, len - got);
        if (n <= 0) {
            exit(got == 0 && n == 0 ? 0 : 4);
        }
        got += (size_t)n;
    }
}

static void put(const void *data, size_t len, size_t step)
{
    for (size_t sent = 0; sent < len;) {
        size_t some = len - sent < step ? len - sent : step;
        ssize_t n = write(1, (const char *)data + sent, some);
        if (n <= 0) {
            _exit(5);
        }
        sent += (size_t)n;
    }
}

static struct wire_answer head(enum wire_status status, size_t text_len, uint32_t words)
{
    return (struct wire_answer){
        .magic = WIRE_ANSWER_MAGIC,
        .status = status,
        .text_len = (uint32_t)text_len,
        .page_len = (uint32_t)text_len,
        .words = words,
        .mean_confidence = 87,
    };
}

static void put_text(enum wire_status status, const char *text, size_t step)
{
    struct wire_answer a = head(status, strlen(text), 0);
    put(&a, sizeof(a), step);
    put(text, a.text_len, step);
}

static void put_page(const struct wire_page *p, const uint8_t *luma, size_t step)
{
    char text[256];
    struct wire_word words[3] = {{0}};
    unsigned long long sum = 0;
    for (size_t i = 0; i < (size_t)p->width * p->height; i++) {
        sum += luma[i];
    }
    const char *omp = getenv("OMP_THREAD_LIMIT");
    int len = snprintf(text, sizeof(text), "pid=%d sum=%llu language=%s omp=%s key=%s",
                       (int)getpid(), sum, p->language, omp ? omp : "",
                       getenv("VLMD_API_KEY") ? "seen" : "none");
    struct wire_answer a = head(WIRE_OK, (size_t)len, 3);
    for (uint32_t i = 0; i < 3; i++) {
        words[i] = (struct wire_word){.left = (int32_t)i,
                                      .width = 1,
                                      .height = (int32_t)p->height,
                                      .confidence = 90 + i,
                                      .offset = i,
                                      .len = 3};
    }
    put(&a, sizeof(a), step);
    put(words, sizeof(words), step);
    put(text, (size_t)len, step);
}

static void put_long(void)
{
    enum { TEXT = 1 << 20, WORDS = 1000 };
    struct wire_answer a = head(WIRE_OK, TEXT, WORDS);
    struct wire_word *words = calloc(WORDS, sizeof(*words));
    char *text = malloc(TEXT);
    memset(text, 'x', TEXT);
    put(&a, sizeof(a), TEXT);
    put(words, WORDS * sizeof(*words), TEXT);
    put(text, TEXT, TEXT);
    free(words);
    free(text);
}

static void put_outside(const struct wire_page *p)
{
    struct wire_answer a = head(WIRE_OK, 0, 1);
    struct wire_word w = {.left = (int32_t)p->width - 1, .width = 2, .height = 1};
    put(&a, sizeof(a), sizeof(a));
    put(&w, sizeof(w), sizeof(w));
}

static void stay(void)
{
    for (;;) {
        pause();
    }
}

static void break_rules(enum fake_mode mode, const struct wire_page *p)
{
    struct wire_answer a = head(WIRE_OK, 0, 0);
    if (mode == FAKE_MAGIC) {
        a.magic++;
    } else if (mode == FAKE_OVERSIZE) {
        a.text_len = 1u << 30;
    } else if (mode == FAKE_OUTSIDE) {
        put_outside(p);
        stay();
    } else if (mode == FAKE_LATIN1) {
        put_text(WIRE_OK, "caf\xe9", 99);
        stay();
    } else if (mode == FAKE_CUT) {
        put(&a, sizeof(a) / 2, sizeof(a));
        _exit(0);
    } else {  // FAKE_TALKS_ON
        put(&a, sizeof(a), sizeof(a));
        put("more", 4, 4);
        stay();
    }
    put(&a, sizeof(a), sizeof(a));
    stay();
}

static void misbehave(enum fake_mode mode)
{
    if (mode == FAKE_EXIT) {
        fprintf(stderr, "many words\nwhy\n");
        _exit(3);
    }
    if (mode == FAKE_DEAF) {
        close(0);
        close(1);
    }
    stay();
}

static void play(enum fake_mode mode, const struct wire_page *p, const uint8_t *luma)
{
    switch (mode) {
    case FAKE_READ: put_page(p, luma, 1 << 20); break;
    case FAKE_DRIBBLE: put_page(p, luma, 1); break;
    case FAKE_EMPTY: put_text(WIRE_OK, "", 1); break;
    case FAKE_LONG: put_long(); break;
    case FAKE_STUBBORN:
        put_page(p, luma, 1 << 20);
        stay();
        break;
    case FAKE_EXIT:
    case FAKE_DEAF:
    case FAKE_HANG: misbehave(mode); break;
    case FAKE_MAGIC:
    case FAKE_OVERSIZE:
    case FAKE_OUTSIDE:
    case FAKE_LATIN1:
    case FAKE_CUT:
    case FAKE_TALKS_ON: break_rules(mode, p); break;
    case FAKE_NO_LANGUAGE: put_text(WIRE_NO_LANGUAGE, "deu chi_sim", 99); break;
    case FAKE_NO_MEMORY: put_text(WIRE_NO_MEMORY, "", 99); break;
    case FAKE_TOO_LONG: put_text(WIRE_TOO_LONG, "", 99); break;
    case FAKE_FAILED: put_text(WIRE_FAILED, "", 99); break;
    case FAKE_DIE_EARLY:
    case FAKE_INTERRUPTS: _exit(6);
    }
}

int main(void)
{
    struct wire_page page;
    for (;;) {
        get(&page, sizeof(page));
        size_t bytes = (size_t)page.width * page.height;
        uint8_t *luma = malloc(bytes);
        get(luma, 1);
        if (luma[0] == FAKE_DIE_EARLY) {
            _exit(7);
        }
        if (luma[0] == FAKE_INTERRUPTS) {
            put_text(WIRE_OK, "", 99);
            stay();
        }
        get(luma + 1, bytes - 1);
        play((enum fake_mode)luma[0], &page, luma);
        free(luma);
    }
}
