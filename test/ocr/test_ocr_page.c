// test_ocr_page.c -- real pages, the real helper, the real Tesseract.
// SPDX-License-Identifier: MIT
#include "ocr_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <leptonica/allheaders.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WIDTH = 1000, HEIGHT = 420, LINE_PX = 80, TOP_PX = 40, LEFT_PX = 30 };

static const char *const lines[] = {
    "The quick brown fox jumps over the lazy dog",
    "Invoice number 20417 was paid in September",
    "Please restart the server before midnight",
    "Search results appear while you are typing",
};
enum { LINES = sizeof(lines) / sizeof(lines[0]) };

// leptonica's built-in font, in luma.
static void draw(struct page *p, uint8_t ink, uint8_t paper)
{
    PIX *pix = pixCreate(WIDTH, HEIGHT, 8);
    L_BMF *font = bmfCreate(NULL, 10);
    assert_non_null(font);
    pixSetAllGray(pix, paper);
    for (int i = 0; i < LINES; i++) {
        l_int32 width = 0, overflow = 0;
        assert_int_equal(pixSetTextline(pix, font, lines[i], ink, LEFT_PX,
                                        TOP_PX + i * LINE_PX, &width, &overflow),
                         0);
        assert_int_equal(overflow, 0);
    }
    page_init(p, WIDTH, HEIGHT, paper);
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            l_uint32 value = 0;
            pixGetPixel(pix, x, y, &value);
            p->luma[y * WIDTH + x] = (uint8_t)value;
        }
    }
    bmfDestroy(&font);
    pixDestroy(&pix);
}

static void open_real(struct rig *g)
{
    struct ocr_config c;
    rig_config(&c, REAL_HELPER);
    rig_open(g, &c);
}

static bool is_at(const struct page *p, const char *word, size_t len, int line)
{
    for (int i = 0; i < p->req.n_words; i++) {
        const struct ocr_word *w = &p->req.words[i];
        int middle = w->top + w->height / 2;
        if (w->len == len && memcmp(p->req.text.data + w->offset, word, len) == 0 &&
            abs(middle - (TOP_PX + line * LINE_PX)) < LINE_PX / 2) {
            assert_true(w->width > 0 && w->height > 0 && w->left >= LEFT_PX - 5);
            return true;
        }
    }
    return false;
}

// Words that were found whole and in their place, in percent.
static int recall(const struct page *p)
{
    int words = 0, found = 0;
    for (int line = 0; line < LINES; line++) {
        for (const char *at = lines[line]; *at; words++) {
            size_t len = strcspn(at, " ");
            found += is_at(p, at, len, line);
            at += len + (at[len] == ' ');
        }
    }
    return found * 100 / words;
}

static void text_is_found_light_and_dark(void **state)
{
    (void)state;
    static const uint8_t ink_paper[][2] = {{0, 255}, {235, 30}, {60, 140}};
    struct rig g;
    open_real(&g);
    for (size_t i = 0; i < sizeof(ink_paper) / sizeof(ink_paper[0]); i++) {
        struct page p;
        draw(&p, ink_paper[i][0], ink_paper[i][1]);
        assert_int_equal(page_read(&g, &p), 0);
        assert_in_range(recall(&p), 90, 100);
        assert_in_range(p.req.mean_confidence, 60, 100);
        assert_non_null(strchr(buf_str(&p.req.text), '\n'));
        page_fini(&p);
    }
    assert_int_equal(ocr_processes(g.ocr), 1);
    rig_close(&g);
}

static void pages_without_text_are_read_as_empty(void **state)
{
    (void)state;
    static const int sides[][2] = {{800, 600}, {1, 1}, {2, 3}, {1, 2000}, {2000, 1}};
    struct rig g;
    open_real(&g);
    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
        struct page p;
        page_init(&p, sides[i][0], sides[i][1], 200);
        assert_int_equal(page_read(&g, &p), 0);
        assert_int_equal(p.req.n_words, 0);
        assert_int_equal(p.req.text.len, 0);
        page_fini(&p);
    }
    assert_int_equal(ocr_processes(g.ocr), 1);
    rig_close(&g);
}

static void a_missing_language_is_named(void **state)
{
    (void)state;
    static const char *const languages[] = {"xyz", "eng+xyz", "xyz+eng"};
    for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
        struct rig g;
        struct page p;
        struct ocr_config c;
        rig_config(&c, REAL_HELPER);
        c.language = languages[i];
        rig_open(&g, &c);
        page_init(&p, 100, 100, 0);
        assert_int_equal(page_read(&g, &p), E_OCR);
        assert_non_null(
            strstr(p.req.err.msg, "no data for xyz (install tesseract-ocr-xyz)"));
        page_fini(&p);
        rig_close(&g);
    }
}

// The only child of this process.
static pid_t child_pid(void)
{
    char path[64];
    int pid = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    fclose(f);
    return (pid_t)pid;
}

static void read_blank(struct rig *g)
{
    struct page p;
    page_init(&p, 50, 50, 200);
    assert_int_equal(page_read(g, &p), 0);
    page_fini(&p);
}

static void the_helper_holds_no_file_of_ours(void **state)
{
    (void)state;
    struct rig g;
    int pair[2];
    char byte;
    assert_int_equal(pipe(pair), 0);  // without O_CLOEXEC, like many a host's
    open_real(&g);
    read_blank(&g);
    close(pair[1]);
    assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(read(pair[0], &byte, 1), 0);  // else EAGAIN
    close(pair[0]);
    rig_close(&g);
}

static void the_helper_is_limited(void **state)
{
    (void)state;
    struct rig g;
    struct rlimit limit;
    open_real(&g);
    read_blank(&g);
    pid_t pid = child_pid();
    assert_int_equal(prlimit(pid, RLIMIT_CORE, NULL, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
#ifndef VLMD_SANITIZED
    assert_int_equal(prlimit(pid, RLIMIT_AS, NULL, &limit), 0);
    assert_int_equal(limit.rlim_cur, 1 << 30);
    assert_int_equal(limit.rlim_max, 1 << 30);
#endif
    rig_close(&g);
}

#ifndef VLMD_SANITIZED
static void too_little_memory_costs_the_page_only(void **state)
{
    (void)state;
    struct rig g;
    struct page p;
    struct ocr_config c;
    rig_config(&c, REAL_HELPER);
    c.memory_bytes = 130 << 20;
    rig_open(&g, &c);
    page_init(&p, 8000, 5000, 0);
    assert_int_equal(page_read(&g, &p), E_OCR);
    assert_non_null(strstr(p.req.err.msg, "memory"));
    page_fini(&p);
    read_blank(&g);
    rig_close(&g);
}
#endif

struct family {
    pid_t helper;
    pid_t keeper;
};

// Runs in a process of its own: starts a helper, and a keeper that holds the same socket,
// so that the helper does not see an end of file when this process is gone.
static void found_family(int out)
{
    struct rig g;
    struct family family;
    open_real(&g);
    read_blank(&g);
    family.helper = child_pid();
    family.keeper = fork();
    if (family.keeper != 0 && write(out, &family, sizeof(family)) != sizeof(family)) {
        _exit(1);
    }
    for (;;) {
        pause();
    }
}

// An orphan becomes a child of this process, so that its end can be waited for.
static void the_helper_dies_with_its_parent(void **state)
{
    (void)state;
    int pair[2], status;
    struct family family;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        found_family(pair[1]);
    }
    assert_int_equal(read(pair[0], &family, sizeof(family)), sizeof(family));
    assert_int_equal(kill(family.helper, 0), 0);
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(waitpid(family.helper, &status, 0), family.helper);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    kill(family.keeper, SIGKILL);
    assert_int_equal(waitpid(family.keeper, &status, 0), family.keeper);
    close(pair[0]);
    close(pair[1]);
}

// "vlmd-ocr", and with arguments it does not know.
static void started_by_hand_it_says_what_it_is(void **state)
{
    (void)state;
    static const char *const args[] = {"", "--memory", "--memory x", "--memory 1x",
                                       "a b"};
    for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
        char command[4200], line[256] = "";
        snprintf(command, sizeof(command), "%s %s 2>&1 </dev/null", REAL_HELPER, args[i]);
        FILE *f = popen(command, "r");
        assert_non_null(f);
        assert_non_null(fgets(line, sizeof(line), f));
        assert_int_equal(WEXITSTATUS(pclose(f)), 2);
        assert_non_null(strstr(line, "is started by vlmd"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_found_light_and_dark),
        cmocka_unit_test(pages_without_text_are_read_as_empty),
        cmocka_unit_test(a_missing_language_is_named),
        cmocka_unit_test(the_helper_holds_no_file_of_ours),
        cmocka_unit_test(the_helper_is_limited),
#ifndef VLMD_SANITIZED
        cmocka_unit_test(too_little_memory_costs_the_page_only),
#endif
        cmocka_unit_test(the_helper_dies_with_its_parent),
        cmocka_unit_test(started_by_hand_it_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
