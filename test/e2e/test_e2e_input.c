// test_e2e_input.c -- what a batch can be told: folders, patterns, lists, JSON lines, URLs.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void make_pictures(struct place *p)
{
    make_folder(place_path(p, "in/deep"));
    make_folder(place_path(p, "globbed"));
    make_folder(place_path(p, "listed"));
    picture_write(place_path(p, "in"), NULL, 1);
    picture_write(place_path(p, "in/deep"), NULL, 2);
    picture_write(place_path(p, "globbed"), NULL, 3);
    picture_write(place_path(p, "globbed"), NULL, 4);
    picture_write(place_path(p, "globbed"), "other.png", 5);
    for (int n = 6; n <= 10; n++) {
        picture_write(place_path(p, "listed"), NULL, n);
    }
    write_text(
        place_path(p, "list.txt"),
        "listed/pic-00006.png\n"
        "{\"path\":\"listed/pic-00007.png\",\"app\":\"Firefox\",\"window\":\"A \\\""
        "quoted\\\" title\",\"taken_at\":\"2026-11-20T10:11:12Z\"}\n");
}

static void tell(struct proc *run, const char *text)
{
    assert_int_equal(write(run->in_fd, text, strlen(text)), strlen(text));
}

static struct proc *start(struct place *p, const struct fake *f, bool is_first)
{
    const struct spawn how = {.cwd = p->dir, .has_input = true};
    struct proc *run =
        VLMD_START_WITH(p, &how, "batch", "--json", "--concurrency", "4", "--backend",
                        f->url, "in", "globbed/pic-*.png", "@list.txt", "-");
    tell(run, "listed/pic-00008.png\n");
    if (is_first) {
        // A list may grow while its first lines are described.
        proc_await(run, &run->out, "pic-00008.png");
    }
    char line[200];
    snprintf(line, sizeof(line),
             "{\"path\":\"%.80s/listed/pic-00009.png\",\"app\":\"Code\"}\n", p->dir);
    tell(run, line);
    tell(run, "listed/pic-00010.png");  // no line feed at the end
    close(run->in_fd);
    run->in_fd = -1;
    return run;
}

static void folders_patterns_and_lists(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    struct rows rows;
    make_pictures(p);
    fake_start(p, &f, "--kind llama-server --slots 4");
    proc_expect(start(p, &f, true), 0);
    rows_export(p, &rows);
    assert_int_equal(rows.n, 9);
    assert_null(rows_find(&rows, "other.png"));
    for (int i = 0; i < rows.n; i++) {
        int n = picture_number(text_of(rows.items[i], "path"));
        assert_true(picture_is_described(n, text_of(rows.items[i], "fields.summary")));
    }
    const cJSON *row = rows_find(&rows, "/listed/pic-00007.png");
    assert_string_equal(text_of(row, "app"), "Firefox");
    assert_string_equal(text_of(row, "window"), "A \"quoted\" title");
    assert_non_null(strstr(text_of(row, "taken_at"), "2026-11-20T10:11:12"));
    assert_string_equal(text_of(rows_find(&rows, "pic-00009.png"), "app"), "Code");
    rows_free(&rows);
    proc_expect(start(p, &f, false), 0);
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 9);  // the second time nothing
    fake_stop(&f);
}

static void wrong_lines_are_named_and_the_others_go_on(void **state)
{
    struct place *p = *state;
    struct fake f;
    make_pictures(p);
    fake_start(p, &f, "");
    write_text(place_path(p, "bad.txt"), "listed/pic-00006.png\n"
                                         "{\"path\":\n"
                                         "listed/nobody.png\n"
                                         "ftp://127.0.0.1/x.png\n"
                                         "listed/pic-00007.png\n");
    const struct spawn how = {.cwd = p->dir};
    struct proc *run =
        VLMD_START_WITH(p, &how, "batch", "--json", "--backend", f.url, "@bad.txt");
    proc_expect(run, 1);
    assert_non_null(strstr(run->err.text, "bad.txt: line 2"));
    assert_non_null(strstr(run->err.text, "nobody.png"));
    assert_non_null(strstr(run->err.text, "only http and https"));
    assert_non_null(strstr(run->out.text, "\"answered\":2"));
    run = VLMD_START_WITH(p, &how, "batch", "--backend", f.url, "@no-such-list.txt");
    proc_expect(run, 1);
    assert_non_null(strstr(run->err.text, "no-such-list.txt"));
    fake_stop(&f);
}

// ---- URLs

static void serve(struct site *s, int fd, const char *head, const char *body,
                  size_t body_len)
{
    size_t len;
    int n = 0;
    (void)body;
    (void)body_len;
    if (sscanf(head, "GET /%d", &n) != 1) {
        site_reply(fd, "404 Not Found", "Content-Type: text/html\r\n", "<p>no</p>", 9);
        return;
    }
    uint8_t *png = picture_bytes(n, &len);
    if (strncmp(head, "GET /30-slow", 12) == 0) {
        char lead[200];
        int lead_len = snprintf(lead, sizeof(lead),
                                "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                "Content-Length: %zu\r\n\r\n",
                                len);
        site_send(fd, lead, (size_t)lead_len);
        site_send(fd, png, len / 2);
        // It holds up nobody: the others are served meanwhile.
        s->arg = site_await_served(s, 3) ? s : NULL;
        site_send(fd, png + len / 2, len - len / 2);
    } else {
        site_reply(fd, "200 OK", "Content-Type: image/png\r\n", png, len);
    }
    free(png);
}

static void pictures_come_from_the_web(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct site s;
    struct rows rows;
    char urls[4][64];
    static const char *const names[] = {"30-slow.png", "gone.png", "31.png",
                                        "32.png?size=full"};
    fake_start(p, &f, "--kind llama-server --slots 4");
    site_open(&s, "127.0.0.1", serve, NULL);
    for (int i = 0; i < 4; i++) {
        snprintf(urls[i], sizeof(urls[i]), "http://127.0.0.1:%d/%s", s.port, names[i]);
    }
    struct proc *run =
        VLMD_EXPECT(p, 1, "batch", "--json", "--concurrency", "4", "--backend", f.url,
                    urls[0], urls[1], urls[2], urls[3]);
    assert_non_null(strstr(run->err.text, urls[1]));
    assert_non_null(strstr(run->err.text, "404"));
    assert_ptr_equal(s.arg, &s);
    rows_export(p, &rows);
    assert_int_equal(rows.n, 4);
    for (int i = 0; i < 4; i++) {
        const cJSON *row = rows_find(&rows, urls[i]);
        assert_non_null(row);
        int n = atoi(names[i]);
        if (n) {
            assert_true(picture_is_described(n, text_of(row, "fields.summary")));
        } else {
            assert_string_equal(text_of(row, "outcome"), "failed");
            assert_non_null(strstr(text_of(row, "error.message"), "404"));
            assert_true(*text_of(row, "error.class"));
        }
    }
    rows_free(&rows);
    site_close(&s);
    fake_stop(&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(folders_patterns_and_lists),
        TEST(wrong_lines_are_named_and_the_others_go_on),
        TEST(pictures_come_from_the_web),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
