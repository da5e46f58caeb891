// test_e2e_models.c -- two models of one server that has room for one: they are worked in
// groups, and neither pushes the other out in between.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include "base/json.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 24, BUDGET = 9 };

#define TWO "--model qwen3-vl:2b,qwen3-vl:4b --max-loaded 1"

static struct proc *begin(struct place *p, struct fake *f, const char *kind,
                          const char *more)
{
    char flags[300], yaml[500];
    for (int i = 0; i < N; i++) {
        picture_write(place_path(p, "in"), NULL, i);
    }
    snprintf(flags, sizeof(flags), "--kind %s %s", kind, TWO);
    fake_start(p, f, flags);
    snprintf(yaml, sizeof(yaml),
             "backends: [{name: small, url: \"%s\", model: \"qwen3-vl:2b\"%s},\n"
             "  {name: large, url: \"%s\", model: \"qwen3-vl:4b\"}]\n",
             f->url, more, f->url);
    place_config(p, yaml);
    return VLMD_START(p, "batch", "--json", place_path(p, "in"));
}

// How often the model changed, and how many requests carried a picture: a load that is asked
// for as a chat does not.
static int groups_of(const struct fake *f, int *asked)
{
    char *log = read_text(f->log), *save = NULL, last[64] = "";
    int groups = 0;
    *asked = 0;
    for (char *line = strtok_r(log, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        struct cJSON *row = json_parse(line, strlen(line));
        const char *model = json_get_str(row, "model");
        if (model && cJSON_GetArraySize(json_get(row, "hashes")) > 0) {
            groups += strcmp(model, last) != 0;
            snprintf(last, sizeof(last), "%s", model);
            (*asked)++;
        }
        json_free(row);
    }
    free(log);
    return groups;
}

static void all_described(struct place *p)
{
    struct rows rows;
    rows_export(p, &rows);
    assert_int_equal(rows.n, N);
    assert_int_equal(rows_count(&rows, "outcome", "answered"), N);
    rows_free(&rows);
}

static void one_is_loaded_and_does_it_all(void **state)
{
    static const char *const kinds[] = {"ollama", "lmstudio", "llama-swap",
                                        "llama-router"};
    (void)state;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct place p;
        struct fake f;
        int asked;
        place_make(&p);
        struct proc *run = begin(&p, &f, kinds[k], "");
        proc_expect(run, 0);
        assert_null(strstr(run->err.text, "crashed"));
        assert_null(strstr(run->err.text, "away"));
        all_described(&p);
        assert_int_equal(stat_of(&f.b, "loads"), 1);
        assert_int_equal(groups_of(&f, &asked), 1);
        assert_int_equal(asked, N);
        fake_stop(&f);
        place_remove(&p);
    }
}

// The small one may be asked so often a month: then the large one is loaded, once.
static void the_second_follows_when_the_first_may_not_be_asked(void **state)
{
    struct place *p = *state;
    struct fake f;
    int asked;
    struct rows rows;
    struct proc *run = begin(p, &f, "ollama", ", budget.requests_per_month: 9");
    proc_expect(run, 0);
    all_described(p);
    assert_int_equal(stat_of(&f.b, "loads"), 2);
    assert_int_equal(groups_of(&f, &asked), 2);
    assert_int_equal(asked, N);
    rows_export(p, &rows);
    assert_int_equal(rows_count(&rows, "model", "qwen3-vl:2b"), BUDGET);
    assert_int_equal(rows_count(&rows, "model", "qwen3-vl:4b"), N - BUDGET);
    rows_free(&rows);
    fake_stop(&f);
}

static void words_about_models_are_true(void **state)
{
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "--model qwen3-vl:2b,gemma3:4b,llama3/novision");
    picture_write(place_path(p, "in"), NULL, 0);
    struct proc *r = VLMD_EXPECT(p, 0, "models", "list", "--backend", f.url);
    assert_non_null(strstr(r->out.text, "llama3       no "));
    assert_non_null(strstr(r->out.text, "gemma3:4b    yes "));
    VLMD_EXPECT(p, 0, "models", "probe", "--backend", f.url, "--model", "gemma3:4b");
    r = VLMD_EXPECT(p, 0, "models", "probe", "--backend", f.url);
    assert_non_null(strstr(r->out.text, "qwen3-vl:2b"));
    assert_non_null(strstr(r->out.text, "gemma3:4b"));  // found out before
    assert_null(strstr(r->out.text, "llama3"));
    // It answers, and is told apart from one that does not.
    r = VLMD_EXPECT(p, 3, "models", "probe", "--backend", f.url, "--model", "llama3");
    assert_non_null(strstr(r->err.text, "\"llama3\" can not see pictures"));
    r = VLMD_EXPECT(p, 3, "batch", "--backend", f.url, "--model", "llama3", "--set",
                    "ocr.when=never", "--set", "backend_wait=200ms", place_path(p, "in"));
    assert_non_null(strstr(r->err.text, "batch: no backend can be asked: "));
    assert_non_null(strstr(r->err.text, "\"llama3\" can not see pictures"));
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_loaded_and_does_it_all),
        cmocka_unit_test_setup_teardown(
            the_second_follows_when_the_first_may_not_be_asked, place_setup,
            place_teardown),
        cmocka_unit_test_setup_teardown(words_about_models_are_true, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
