// test_e2e_watch.c -- files come into a watched folder in every way programs write them:
// each complete one is described exactly once, within a second when nothing queues.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 1000, MAX_DROPS = 64, LATENCY_MS = 1000 };

static int64_t wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct drop {
    char name[80];  // below the watched folder
    const char *how;
    int n;             // which picture; -1 = noise
    int64_t ready_ms;  // wall clock: when it was complete
};

struct watched {
    struct place *p;
    struct fake f;
    struct proc *run;
    struct drop drops[MAX_DROPS];
    int n_drops;
};

static void begin(struct place *p, struct watched *w, const char *flags)
{
    *w = (struct watched){.p = p};
    fake_start(p, &w->f, flags);
    // Of 1,001 pictures 224 pairs have four corners of nearly the same brightness: in some
    // orders one is rightly not asked after the other.
    w->run = VLMD_START(p, "watch", "--json", "--concurrency", "16", "--set",
                        "duplicates=off", "--backend", w->f.url, place_path(p, "in"));
    proc_await(w->run, &w->run->err, "pictures found");
    // The model is there, so that no load is part of what is measured.
    proc_await(w->run, &w->run->err, "ready with");
}

static void end(struct watched *w)
{
    proc_signal(w->run, SIGINT);
    proc_expect(w->run, 130);
}

static const char *path_of(const struct watched *w, const char *name)
{
    return place_path(w->p, "in/%s", name);
}

static void is_ready(struct watched *w, const char *name, const char *how, int n)
{
    assert_true(w->n_drops < MAX_DROPS);
    struct drop *d = &w->drops[w->n_drops++];
    snprintf(d->name, sizeof(d->name), "%s", name);
    d->how = how;
    d->n = n;
    d->ready_ms = wall_ms();
}

// So that each finds an empty queue.
static void await_described(struct watched *w)
{
    fake_await_asked(&w->f, w->n_drops);
    fake_await_quiet(&w->f);
}

// ---- the ways

static void write_in_place(struct watched *w, int n)
{
    char name[80];
    snprintf(name, sizeof(name), "pic-%05d.png", n);
    picture_write(path_of(w, ""), name, n);
    is_ready(w, name, "written in place", n);
    await_described(w);
}

static void rename_in(struct watched *w, int n)
{
    char name[80];
    snprintf(name, sizeof(name), "pic-%05d.png", n);
    picture_write(w->p->dir, "elsewhere.png", n);
    assert_int_equal(rename(place_path(w->p, "elsewhere.png"), path_of(w, name)), 0);
    is_ready(w, name, "renamed in", n);
    await_described(w);
}

static void rename_from_temporary(struct watched *w, int n)
{
    char name[80];
    snprintf(name, sizeof(name), "pic-%05d.png", n);
    picture_write(path_of(w, ""), ".unfinished.tmp", n);
    assert_int_equal(rename(path_of(w, ".unfinished.tmp"), path_of(w, name)), 0);
    is_ready(w, name, "renamed within", n);
    await_described(w);
}

// A writer that takes its time, with a break longer than any settling.
static void write_slowly(struct watched *w)
{
    size_t len;
    struct totals before, after;
    uint8_t *bytes = picture_noise(200, 150, 7, &len);
    int fd = open(path_of(w, "slow.png"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    fake_totals(&w->f, &before);
    for (int i = 0; i < 10; i++) {
        size_t from = len * (size_t)i / 10, to = len * (size_t)(i + 1) / 10;
        assert_int_equal(write(fd, bytes + from, to - from), (int)(to - from));
        assert_false(proc_ends_within(w->run, i == 5 ? 900 : 40));
    }
    fake_totals(&w->f, &after);
    assert_int_equal(after.asked, before.asked);  // not before it was closed
    close(fd);
    is_ready(w, "slow.png", "written slowly", -1);
    free(bytes);
    await_described(w);
}

// Half of it, closed, and the rest later: complete is what parses to its end.
static void write_in_two_sittings(struct watched *w)
{
    size_t len;
    struct totals before, after;
    uint8_t *bytes = picture_noise(160, 120, 8, &len);
    write_bytes(path_of(w, "halves.png"), bytes, len / 2);
    fake_totals(&w->f, &before);
    assert_false(proc_ends_within(w->run, 900));
    fake_totals(&w->f, &after);
    assert_int_equal(after.asked, before.asked);
    int fd = open(path_of(w, "halves.png"), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes + len / 2, len - len / 2), (int)(len - len / 2));
    close(fd);
    is_ready(w, "halves.png", "in two sittings", -1);
    free(bytes);
    await_described(w);
}

// As trackers do it: first without, then again with metadata, under the same name.
static void write_twice(struct watched *w, int n)
{
    static const char json[] =
        "{\"timestamp\": \"20261121-093000\", \"active_app\": \"Quillpad\", "
        "\"active_window\": \"zanzibar.txt - Quillpad\", \"screen_name\": \"dell_u27\", "
        "\"sequence\": 4, \"url\": \"https://example.org/zanzibar\"}";
    static const char name[] = "20261121/screenshot-20261121-103000-of-dell_u27.webp";
    size_t len;
    make_folder(path_of(w, "20261121"));
    uint8_t *first = picture_webp(n, 85, NULL, &len);
    write_bytes(path_of(w, name), first, len);
    assert_false(proc_ends_within(w->run, 150));
    uint8_t *second = picture_webp(n, 80, json, &len);
    write_bytes(path_of(w, name), second, len);
    is_ready(w, name, "written twice", n);
    free(first);
    free(second);
    await_described(w);
}

static void write_into_new_folders(struct watched *w, int n)
{
    char name[80];
    snprintf(name, sizeof(name), "deep-%d", n);
    make_folder(path_of(w, name));
    snprintf(name, sizeof(name), "deep-%d/a", n);
    make_folder(path_of(w, name));
    snprintf(name, sizeof(name), "deep-%d/a/b", n);
    make_folder(path_of(w, name));
    snprintf(name, sizeof(name), "deep-%d/a/b/pic-%05d.png", n, n);
    picture_write(path_of(w, ""), name, n);
    is_ready(w, name, "in new folders", n);
    await_described(w);
}

static void move_a_folder_in(struct watched *w, int n)
{
    char name[80];
    make_folder(place_path(w->p, "outside"));
    make_folder(place_path(w->p, "outside/x"));
    snprintf(name, sizeof(name), "outside/x/pic-%05d.png", n);
    picture_write(w->p->dir, name, n);
    assert_int_equal(rename(place_path(w->p, "outside"), path_of(w, "moved")), 0);
    snprintf(name, sizeof(name), "moved/x/pic-%05d.png", n);
    is_ready(w, name, "with its folder", n);
    await_described(w);
}

static void delete_at_once(struct watched *w, int n)
{
    picture_write(path_of(w, ""), "gone.png", n);
    assert_int_equal(unlink(path_of(w, "gone.png")), 0);
}

// ---- what came of it

static int64_t asked_at_ms(const struct rows *log, const char *hash)
{
    for (int i = 0; i < log->n; i++) {
        const cJSON *hashes = json_at(log->items[i], "hashes");
        const cJSON *one = cJSON_GetArrayItem(hashes, 0);
        if (cJSON_IsString(one) && strcmp(one->valuestring, hash) == 0) {
            return (int64_t)number_at(log->items[i], "at_ms");
        }
    }
    fail_msg("nobody asked for %s", hash);
    return 0;
}

static void check_drop(const struct drop *d, const cJSON *row, const struct rows *log)
{
    assert_row_is_whole(row);
    assert_string_equal(text_of(row, "outcome"), "answered");
    if (d->n >= 0) {
        assert_true(picture_is_described(d->n, text_of(row, "fields.summary")));
    }
    int64_t after_ms = asked_at_ms(log, text_of(row, "sent_hash")) - d->ready_ms;
    print_message("%-18s %4d ms (prepared in %d)\n", d->how, (int)after_ms,
                  (int)number_at(row, "prepare_ms"));
    assert_true(after_ms < LATENCY_MS * (E2E_SANITIZED ? 4 : 1) +
                               (int64_t)number_at(row, "prepare_ms"));
}

static void check_all(struct watched *w)
{
    struct rows rows, log;
    struct totals t;
    char *text = read_text(w->f.log);
    rows_parse(&log, text);
    rows_export(w->p, &rows);
    for (int i = 0; i < w->n_drops; i++) {
        const cJSON *row = rows_find(&rows, w->drops[i].name);
        if (!row) {
            fail_msg("%s is not known", w->drops[i].name);
        }
        check_drop(&w->drops[i], row, &log);
    }
    assert_int_equal(rows_count(&rows, "outcome", "answered"), w->n_drops);
    fake_totals(&w->f, &t);
    assert_int_equal(t.asked, w->n_drops);
    assert_int_equal(t.asked_twice, 0);
    rows_free(&rows);
    rows_free(&log);
    free(text);
}

static void check_found(struct place *p, const struct rows *rows, const char *name)
{
    struct rows found;
    const cJSON *row = rows_find(rows, name);
    char word[16];
    snprintf(word, sizeof(word), "%.8s", text_of(row, "sent_hash"));
    struct proc *run = VLMD_EXPECT(p, 0, "search", "--json", word);
    rows_parse(&found, run->out.text);
    assert_int_equal(found.n, 1);
    assert_string_equal(text_of(found.items[0], "path"), text_of(row, "path"));
    rows_free(&found);
    run = VLMD_EXPECT(p, 0, "show", text_of(row, "path"));
    assert_non_null(strstr(run->out.text, text_of(row, "fields.summary")));
    run = VLMD_EXPECT(p, 0, "show", "--json", text_of(row, "path"));
    cJSON *shown = json_of(run);
    assert_string_equal(text_of(shown, "fields.summary"), text_of(row, "fields.summary"));
    cJSON_Delete(shown);
}

static void check_tracker(struct place *p, const struct rows *rows)
{
    const cJSON *row = rows_find(rows, "-of-dell_u27.webp");
    assert_string_equal(text_of(row, "app"), "Quillpad");
    assert_string_equal(text_of(row, "window"), "zanzibar.txt - Quillpad");
    assert_string_equal(text_of(row, "screen"), "dell_u27");
    assert_string_equal(text_of(row, "page_url"), "https://example.org/zanzibar");
    assert_true(strncmp(text_of(row, "taken_at"), "2026-11-21T09:30:00", 19) == 0);
    struct proc *run = VLMD_EXPECT(p, 0, "search", "--json", "zanzibar");
    assert_non_null(strstr(run->out.text, "-of-dell_u27.webp"));
    run = VLMD_EXPECT(p, 0, "search", "--json", "--app", "Quillpad", "picture");
    assert_non_null(strstr(run->out.text, "-of-dell_u27.webp"));
}

static void every_way_to_write_a_file_is_seen_once_and_soon(void **state)
{
    struct place *p = *state;
    struct watched w;
    struct rows rows;
    begin(p, &w, "--slots 16 --latency-ms 20");
    delete_at_once(&w, 900);
    for (int i = 0; i < 3; i++) {
        write_in_place(&w, 10 + i);
        rename_in(&w, 20 + i);
        rename_from_temporary(&w, 30 + i);
        write_into_new_folders(&w, 40 + i);
    }
    write_slowly(&w);
    write_in_two_sittings(&w);
    write_twice(&w, 50);
    move_a_folder_in(&w, 60);
    // Longer than anything settles: what would come twice has come.
    assert_false(proc_ends_within(w.run, 3500));
    end(&w);
    check_all(&w);
    rows_export(p, &rows);
    assert_null(rows_find(&rows, "gone.png"));
    check_found(p, &rows, "in/pic-00010.png");
    check_found(p, &rows, "deep-40/a/b/pic-00040.png");
    check_tracker(p, &rows);
    rows_free(&rows);
    fake_stop(&w.f);
}

static void a_thousand_files_at_once(void **state)
{
    struct place *p = *state;
    struct watched w;
    struct rows rows;
    struct totals t;
    begin(p, &w, "--slots 16 --latency-ms 5");
    picture_write(place_path(p, "in"), "first.png", 1001);  // the rest finds it at work
    for (int n = 0; n < MANY; n++) {
        if (n % 2) {
            picture_write(place_path(p, "in"), NULL, n);
        } else {
            picture_write(p->dir, "elsewhere.png", n);
            assert_int_equal(rename(place_path(p, "elsewhere.png"),
                                    place_path(p, "in/pic-%05d.png", n)),
                             0);
        }
    }
    fake_await_asked(&w.f, MANY + 1);
    fake_await_quiet(&w.f);
    assert_false(proc_ends_within(w.run, 1500));
    end(&w);
    fake_totals(&w.f, &t);
    assert_int_equal(t.images, MANY + 1);
    assert_int_equal(t.asked, MANY + 1);
    rows_export(p, &rows);
    assert_int_equal(rows.n, MANY + 1);
    for (int i = 0; i < rows.n; i++) {
        int n = picture_number(text_of(rows.items[i], "path"));
        assert_true(picture_is_described(n < 0 ? 1001 : n,
                                         text_of(rows.items[i], "fields.summary")));
    }
    rows_free(&rows);
    fake_stop(&w.f);
}

// What was there before, and what came while nobody watched.
static void a_start_catches_up(void **state)
{
    struct place *p = *state;
    struct watched w;
    struct totals t;
    for (int n = 0; n < 20; n++) {
        picture_write(place_path(p, "in"), NULL, n);
    }
    begin(p, &w, "--slots 16 --latency-ms 5");
    fake_await_asked(&w.f, 20);
    end(&w);
    for (int n = 20; n < 30; n++) {
        picture_write(place_path(p, "in"), NULL, n);
    }
    w.run = VLMD_START(p, "watch", "--json", "--backend", w.f.url, place_path(p, "in"));
    fake_await_asked(&w.f, 30);
    proc_await(w.run, &w.run->err, "30 pictures found");
    // Written anew it is another version, which wants another description.
    picture_write(place_path(p, "in"), "pic-00003.png", 103);
    fake_await_asked(&w.f, 31);
    fake_await_quiet(&w.f);
    end(&w);
    fake_totals(&w.f, &t);
    assert_int_equal(t.asked, 31);
    assert_int_equal(t.asked_twice, 0);
    fake_stop(&w.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_way_to_write_a_file_is_seen_once_and_soon,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_thousand_files_at_once, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_start_catches_up, place_setup, place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
