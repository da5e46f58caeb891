// test_e2e_preview.c -- what `vlmd privacy preview` writes is what a backend then gets.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_secrets.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_same_bytes(const char *a, const char *b)
{
    size_t a_len, b_len;
    char *x = read_whole(a, &a_len), *y = read_whole(b, &b_len);
    if (a_len != b_len || memcmp(x, y, a_len) != 0) {
        fail_msg("%s (%zu bytes) is not %s (%zu bytes)", a, a_len, b, b_len);
    }
    free(x);
    free(y);
}

// Both with the same settings; says must stand in what the preview prints.
static void assert_exact(struct place *p, const char *flags, const char *model,
                         const char *setting, const char *says)
{
    struct fake f;
    glob_t found;
    secrets_picture(place_path(p, "in/secret.png"), 1);
    fake_start(p, &f, secrets_flags(p, flags));
    VLMD_EXPECT(p, 0, "batch", "--backend", f.url, "--model", model, "--set", setting,
                place_path(p, "in"));
    char *jpg = strdup(place_path(p, "exact.jpg"));
    struct proc *run =
        VLMD_EXPECT(p, 0, "privacy", "preview", place_path(p, "in/secret.png"), "--model",
                    model, "--set", setting, "-o", jpg);
    if (!strstr(run->out.text, says)) {
        fail_msg("it does not say %s: %s", says, run->out.text);
    }
    assert_int_equal(glob(place_path(p, "kept-*/*.jpg"), 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    assert_same_bytes(jpg, found.gl_pathv[0]);
    globfree(&found);
    free(jpg);
    fake_stop(&f);
}

static void for_a_model_here_that_nobody_reads_the_text_for(void **state)
{
    assert_exact(
        *state, "", "qwen2.5vl:7b", "privacy.read_text=remote",
        "this machine allow: sent as it is (its text is not read for models here");
}

static void for_a_model_here_with_its_text_read(void **state)
{
    assert_exact(*state, "", "qwen2.5vl:7b", "privacy.read_text=always",
                 "this machine mask: sent with what was found painted over");
}

static void for_a_model_on_another_machine(void **state)
{
    assert_exact(*state, FAKE_CLOUD, CLOUD_MODEL, "privacy.allow_remote=yes",
                 "others       mask: sent with what was found painted over");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(for_a_model_here_that_nobody_reads_the_text_for),
        TEST(for_a_model_here_with_its_text_read),
        TEST(for_a_model_on_another_machine),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
