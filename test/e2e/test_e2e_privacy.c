// test_e2e_privacy.c -- what may leave the machine, what must not be sent at all, and who
// may read the database.
// SPDX-License-Identifier: MIT
#include "e2e_more.h"
#include "e2e_pictures.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// ---- another machine

static void another_machine_gets_pictures_only_when_allowed(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    fake_start(p, &f, FAKE_CLOUD);
    char *path = strdup(place_path(p, "in/pic-00007.png"));
    picture_write(place_path(p, "in"), NULL, 7);
    struct proc *run = VLMD_START(p, "watch", "--backend", f.url, "--model", CLOUD_MODEL,
                                  "--set", "ocr.when=never", place_path(p, "in"));
    await_status(p, "workers.0.stats.backends.0.reason", "another machine");
    await_status(p, "workers.0.stats.paused_because", "another machine");
    struct proc *status = VLMD_EXPECT(p, 0, "status");
    assert_non_null(strstr(status->out.text, "another machine"));
    await_shown(p, path, "state", "queued");
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
    fake_totals(&f, &t);
    assert_int_equal(t.chat_requests, 0);
    assert_int_equal(t.asked, 0);

    VLMD_EXPECT(p, 0, "batch", "--backend", f.url, "--model", CLOUD_MODEL, "--set",
                "privacy.allow_remote=yes", place_path(p, "in"));
    cJSON *shown = VLMD_JSON(p, "show", "--json", path);
    assert_true(picture_is_described(7, text_of(shown, "fields.summary")));
    cJSON_Delete(shown);
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 1);
    free(path);
}

// ---- rules

static void assert_blocked(struct place *p, const char *name, const char *rule,
                           const char *pattern)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/in/%s", p->dir, name);
    struct proc *run = VLMD_EXPECT(p, 0, "show", path);
    assert_non_null(strstr(run->out.text, "nothing was sent"));
    if (!strstr(run->out.text, rule) || !strstr(run->out.text, pattern)) {
        fail_msg("%s and %s are not in: %s", rule, pattern, run->out.text);
    }
    proc_free(p, run);
    cJSON *shown = VLMD_JSON(p, "show", "--json", path);
    assert_string_equal(text_of(shown, "outcome"), "blocked");
    assert_true(cJSON_IsNull(json_at(shown, "description")));
    assert_int_equal((int)number_at(shown, "attempts"), 0);
    assert_int_equal((int)number_at(shown, "sent_bytes"), 0);
    cJSON_Delete(shown);
}

static void write_excluded(struct place *p)
{
    char list[2000];
    size_t len;
    make_folder(place_path(p, "in/bank"));
    picture_write(place_path(p, "in"), NULL, 1);
    picture_write(place_path(p, "in"), NULL, 2);
    picture_write(place_path(p, "in"), NULL, 3);
    picture_write(place_path(p, "in/bank"), NULL, 4);
    uint8_t *webp = picture_webp(
        5, 80, "{\"active_app\":\"KeePassXC\",\"active_window\":\"Passwords\"}", &len);
    write_bytes(place_path(p, "in/vault.webp"), webp, len);
    free(webp);
    snprintf(list, sizeof(list),
             "in/pic-00001.png\n"
             "{\"path\":\"in/pic-00002.png\",\"app\":\"keepassxc\"}\n"
             "{\"path\":\"in/pic-00003.png\",\"app\":\"Firefox\","
             "\"window\":\"Shop - Private Browsing\"}\n"
             "in/bank/pic-00004.png\nin/vault.webp\n");
    write_text(place_path(p, "list.txt"), list);
    place_config(p, "privacy:\n"
                    "  exclude_apps: [\"KeePass*\", Signal]\n"
                    "  exclude_windows: [\"*private browsing*\"]\n"
                    "  exclude_paths: [\"*/bank/*\"]\n");
}

static void what_rules_exclude_is_sent_nowhere(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct totals t;
    fake_start(p, &f, "");
    write_excluded(p);
    const struct spawn how = {.cwd = p->dir};
    struct proc *run = VLMD_START_WITH(p, &how, "batch", "--set", "ocr.when=always",
                                       "--backend", f.url, "@list.txt");
    proc_expect(run, 0);
    assert_non_null(strstr(run->out.text, "4 blocked by a privacy rule"));
    assert_blocked(p, "pic-00002.png", "exclude_apps", "KeePass*");
    assert_blocked(p, "pic-00003.png", "exclude_windows", "*private browsing*");
    assert_blocked(p, "bank/pic-00004.png", "exclude_paths", "*/bank/*");
    assert_blocked(p, "vault.webp", "exclude_apps", "KeePass*");
    fake_totals(&f, &t);
    assert_int_equal(t.asked, 1);
    assert_int_equal(t.chat_requests, 1);
    fake_stop(&f);
}

// ---- files

static void assert_mode(const char *path, mode_t mode)
{
    struct stat st;
    if (lstat(path, &st) || (st.st_mode & 07777) != mode) {
        fail_msg("%s has mode %o", path, st.st_mode & 07777);
    }
}

static void assert_private(struct place *p, mode_t mask)
{
    mode_t before = umask(mask);
    struct proc *run = VLMD_START(p, "watch", "--backend", "ocr", place_path(p, "in"));
    umask(before);
    proc_await(run, &run->err, "pictures found");
    await_status(p, "workers.0.stats.backends.0.kind", "ocr");
    assert_mode(place_path(p, "data/vlmd"), 0700);
    assert_mode(place_path(p, "data/vlmd/vlmd.db"), 0600);
    assert_mode(place_path(p, "data/vlmd/vlmd.db-wal"), 0600);
    assert_mode(place_path(p, "data/vlmd/vlmd.db-shm"), 0600);
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
}

static void the_database_is_private_whatever_the_umask(void **state)
{
    assert_private(*state, 0);
}

static void a_strict_umask_does_not_lock_it_out(void **state)
{
    assert_private(*state, 0277);
}

// ---- names of folders and lists

#define CARD "4111 1111 1111 1111"

static void assert_lacks(const char *path, const char *text)
{
    FILE *f = fopen(path, "rbe");
    char *bytes = calloc(1, 64 << 20);
    assert_non_null(f);
    const size_t len = fread(bytes, 1, 64 << 20, f);
    fclose(f);
    if (memmem(bytes, len, text, strlen(text))) {
        fail_msg("%s holds %s", path, text);
    }
    free(bytes);
}

// While it is watched, too: its pictures have ended.
static void the_name_of_a_watched_folder_is_not_kept(void **state)
{
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "");
    make_folder(place_path(p, "in/shop " CARD));
    picture_write(place_path(p, "in/shop " CARD), NULL, 1);
    char *path = strdup(place_path(p, "in/shop " CARD "/pic-00001.png"));
    struct proc *run =
        VLMD_START(p, "watch", "--backend", f.url, place_path(p, "in/shop " CARD));
    await_shown(p, path, "outcome", "answered");
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
    assert_lacks(place_path(p, "data/vlmd/vlmd.db"), CARD);
    free(path);
}

static void the_name_of_a_list_is_not_in_what_is_said_of_its_lines(void **state)
{
    struct place *p = *state;
    struct fake f;
    fake_start(p, &f, "");
    write_text(place_path(p, "list " CARD ".txt"), "missing.png\n");
    const struct spawn how = {.cwd = p->dir};
    struct proc *run =
        VLMD_START_WITH(p, &how, "batch", "--backend", f.url, "@list " CARD ".txt");
    proc_end(run);
    assert_non_null(strstr(run->err.text, "line 1 of "));
    assert_null(strstr(run->err.text, CARD));
}

// ---- redirects

struct elsewhere {
    struct site site;  // where it is sent on to
};

static void forward(struct site *s, int fd, const char *head, const char *body,
                    size_t body_len)
{
    static const char models[] =
        "{\"object\":\"list\",\"data\":[{\"id\":\"m\",\"object\":\"model\"}]}";
    static const char word[] =
        "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}";
    const struct elsewhere *other = s->arg;
    char location[200];
    (void)body;
    if (body_len > 0 && body_len < 200) {  // whether the model is there: no picture
        site_reply(fd, "200 OK", "Content-Type: application/json\r\n", word,
                   sizeof(word) - 1);
        return;
    }
    if (strncmp(head, "GET /v1/models", 14) == 0) {
        site_reply(fd, "200 OK", "Content-Type: application/json\r\n", models,
                   sizeof(models) - 1);
        return;
    }
    snprintf(location, sizeof(location), "Location: http://127.0.0.1:%d/v1/%s\r\n",
             other->site.port, "chat/completions");
    site_reply(fd, "307 Temporary Redirect", location, "", 0);
}

static void answer(struct site *s, int fd, const char *head, const char *body,
                   size_t body_len)
{
    static const char text[] =
        "{\"choices\":[{\"message\":{\"content\":\"stolen\"},\"finish_reason\":"
        "\"stop\"}]}";
    (void)s;
    (void)head;
    (void)body;
    (void)body_len;
    site_reply(fd, "200 OK", "Content-Type: application/json\r\n", text,
               sizeof(text) - 1);
}

static void a_redirect_does_not_get_the_picture(void **state)
{
    struct place *p = *state;
    struct elsewhere other;
    struct site site;
    char url[64], *path = strdup(place_path(p, "in/pic-00007.png"));
    site_open(&other.site, "127.0.0.1", answer, NULL);
    site_open(&site, "127.0.0.1", forward, &other);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", site.port);
    picture_write(place_path(p, "in"), NULL, 7);
    struct proc *run =
        VLMD_START(p, "watch", "--backend", url, "--model", "m", "--set",
                   "backend.kind=openai", "--set", "backend.vision=yes", "--set",
                   "ocr.when=never", "--set", "retry.max_attempts=2", "--set",
                   "retry.base=1ms", "--set", "retry.cap=10ms", place_path(p, "in"));
    int64_t until = now_ms() + E2E_PATIENCE_MS;
    size_t largest = 0;
    while (largest < 200 && now_ms() < until) {  // the picture came, and was sent on
        site_await_served(&site, site.served + 1);
        place_read(p);
        pthread_mutex_lock(&site.lock);
        largest = site.largest_body;
        pthread_mutex_unlock(&site.lock);
    }
    assert_true(largest >= 200);
    await_shown(p, path, "outcome", "failed");
    proc_signal(run, SIGTERM);
    proc_expect(run, 0);
    site_close(&site);
    assert_int_equal(other.site.visits, 0);
    cJSON *shown = VLMD_JSON(p, "show", "--json", path);
    assert_true(cJSON_IsNull(json_at(shown, "description")));
    cJSON_Delete(shown);
    site_close(&other.site);
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(another_machine_gets_pictures_only_when_allowed),
        TEST(what_rules_exclude_is_sent_nowhere),
        TEST(the_database_is_private_whatever_the_umask),
        TEST(a_strict_umask_does_not_lock_it_out),
        TEST(the_name_of_a_watched_folder_is_not_kept),
        TEST(the_name_of_a_list_is_not_in_what_is_said_of_its_lines),
        TEST(a_redirect_does_not_get_the_picture),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
