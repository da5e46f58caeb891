// e2e_secrets.c -- looks for planted secrets in everything that came out of vlmd.
//
// Bytes are compared without blanks and dashes, so that another grouping does not hide a
// number; of each secret its halves are looked for, too, as a packed text may break it.
// SPDX-License-Identifier: MIT
#include "e2e_secrets.h"

#include "privacy/page.h"

#include <ctype.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_BYTES = 64 << 20 };

// In two parts, so that nobody takes this file for a leak.
#define CARD_SHOWN "4539148803436467"
#define KEY_SHOWN                                                                        \
    "AKIA"                                                                               \
    "Q7RZ5TNWX3LKPD4M"
#define WORD_SHOWN  "Kz7#mQ2v!Wp9x"
#define SSN_SHOWN   "219-45-6783"
#define CARD_TITLED "5425233430109903"
#define TOKEN_TITLED                                                                     \
    "ghp_"                                                                               \
    "m4R8tLq2XvK7sJd1NwZ9bYc3HfGp6TeQuA5x"
#define KEY_SAID                                                                         \
    "sk_"                                                                                \
    "live_"                                                                              \
    "9aXv7Lq3Rt5Yw1Zb8Nc4Md6K"
#define CARD_SAID "374245455400126"
#define KEY_IN_URL                                                                       \
    "glpat-"                                                                             \
    "Vn3Rk8Wq5Tz2Yx9Lb6Mc"
#define CARD_IN_PATH "6011000990139424"

static const struct secret {
    const char *text;
    enum secret_kind kind;
} secrets[] = {
    {CARD_SHOWN, SECRET_SHOWN},   {KEY_SHOWN, SECRET_SHOWN},
    {WORD_SHOWN, SECRET_SHOWN},   {SSN_SHOWN, SECRET_SHOWN},
    {CARD_TITLED, SECRET_TITLED}, {TOKEN_TITLED, SECRET_TITLED},
    {KEY_SAID, SECRET_SAID},      {CARD_SAID, SECRET_SAID},
    {KEY_IN_URL, SECRET_IN_URL},  {CARD_IN_PATH, SECRET_IN_PATH},
};
enum { SECRETS = sizeof(secrets) / sizeof(secrets[0]) };

const char secrets_config[] = "privacy:\n  read_text: always\nlog:\n  level: debug\n";

// ---- planting

const char *secrets_flags(struct place *p, const char *more)
{
    static char flags[4][400];
    static unsigned next;
    char *out = flags[next++ % 4];
    const char *folder = place_path(p, "kept-%u", next);
    make_folder(folder);
    snprintf(out, sizeof(flags[0]), "--keep %.150s --say %s,%s %.100s", folder, KEY_SAID,
             CARD_SAID, more);
    return out;
}

const char *secrets_url_query(void)
{
    return "access_token=" KEY_IN_URL;
}

const char *secrets_file_name(void)
{
    return "card " CARD_IN_PATH ".png";
}

const char *secrets_told_name(void)
{
    return "card [card].png";
}

const char *secrets_window(void)
{
    return "Card 5425 2334 3010 9903 - Shop";
}

const char *secrets_page_url(void)
{
    return "https://shop.example/pay?access_token=" TOKEN_TITLED;
}

const char *secrets_said(void)
{
    return "card " CARD_SAID " and " KEY_SAID;
}

void secrets_line(char *out, size_t size, const char *path)
{
    snprintf(
        out, size,
        "{\"path\":\"%s\",\"app\":\"Firefox\",\"window\":\"%s\",\"page_url\":\"%s\"}\n",
        path, secrets_window(), secrets_page_url());
}

static uint8_t *draw(unsigned number, const char *const *lines, size_t *len)
{
    char first[60];
    const struct page_spec spec = {.width = 760,
                                   .height = 480,
                                   .scale = 1,
                                   .layout = PAGE_TABLE,
                                   .theme = PAGE_LIGHT,
                                   .font = 0,
                                   .size_px = 16,
                                   .hinting = 1,
                                   .filler = number};
    struct page *p = page_new(&spec);
    snprintf(first, sizeof(first), "Page %u of the report on gardens", number);
    assert_int_equal(page_add(p, first), 0);
    for (; *lines; lines++) {
        assert_true(page_add(p, *lines) > 0);
    }
    uint8_t *png = page_png(p, len);
    page_free(p);
    page_end();
    return png;
}

uint8_t *secrets_picture_bytes(unsigned number, size_t *len)
{
    static const char *const lines[] = {"Card number: 4539 1488 0343 6467",
                                        "AWS_ACCESS_KEY_ID=" KEY_SHOWN,
                                        "Password: " WORD_SHOWN,
                                        "SSN: " SSN_SHOWN,
                                        "Tomatoes want more water in July",
                                        NULL};
    return draw(number, lines, len);
}

static void write_and_free(const char *path, uint8_t *png, size_t len)
{
    write_bytes(path, png, len);
    free(png);
}

void secrets_picture(const char *path, unsigned number)
{
    size_t len;
    uint8_t *png = secrets_picture_bytes(number, &len);
    write_and_free(path, png, len);
}

void harmless_picture(const char *path, unsigned number)
{
    static const char *const lines[] = {"Onions and carrots are good neighbours",
                                        "Beans climb whatever they find", NULL};
    size_t len;
    uint8_t *png = draw(number, lines, &len);
    write_and_free(path, png, len);
}

// ---- looking

// Without blanks, dashes and case; NUL stays, so that bytes of a database do not run together.
static size_t squeeze(const char *in, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (in[i] != ' ' && in[i] != '-' && in[i] != '\n') {
            out[n++] = (char)tolower((unsigned char)in[i]);
        }
    }
    return n;
}

const char *secrets_in(const void *bytes, size_t len, unsigned kinds)
{
    char *all = malloc(len + 1);
    const char *found = NULL;
    assert_non_null(all);
    const size_t n = squeeze(bytes, len, all);
    for (int i = 0; i < SECRETS && !found; i++) {
        char needle[100];
        const size_t m = squeeze(secrets[i].text, strlen(secrets[i].text), needle);
        const size_t half = m > 16 ? m / 2 : m;
        bool is_there = false;
        for (size_t at = 0; at + half <= m && half; at += half) {
            is_there = is_there || memmem(all, n, needle + at, half);
        }
        found = is_there && secrets[i].kind & kinds ? secrets[i].text : NULL;
    }
    free(all);
    return found;
}

static void look(const char *where, const void *bytes, size_t len, unsigned kinds)
{
    const char *secret = secrets_in(bytes, len, kinds);
    if (secret) {
        fail_msg("%s stands in %s", secret, where);
    }
}

char *read_whole(const char *path, size_t *len)
{
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    struct stat st;
    assert_int_equal(fstat(fileno(f), &st), 0);
    assert_in_range(st.st_size, 0, MAX_BYTES);
    char *bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    *len = fread(bytes, 1, (size_t)st.st_size, f);
    fclose(f);
    return bytes;
}

// Escapes of JSON could hide a letter.
static void look_into_json(const char *where, const cJSON *node, unsigned kinds)
{
    const cJSON *child;
    const char *text = cJSON_GetStringValue(node);
    if (text) {
        look(where, text, strlen(text), kinds);
    }
    cJSON_ArrayForEach(child, node)
    {
        look_into_json(where, child, kinds);
    }
}

static void look_into_picture(struct page_reader *r, const char *path, const char *bytes,
                              size_t len)
{
    struct page_reading read;
    reader_read_file(r, (const uint8_t *)bytes, len, &read);
    if (!read.req.text.len) {
        fail_msg("%s: nothing at all is to be read, not even what is harmless", path);
    }
    look(path, read.req.text.data, read.req.text.len, SECRET_ANY);
    reading_fini(&read);
}

int secrets_assert_not_sent(struct place *p, unsigned kinds)
{
    glob_t found;
    struct page_reader reader;
    int pictures = 0;
    assert_int_equal(glob(place_path(p, "kept-*/*"), 0, NULL, &found), 0);
    reader_open(&reader);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        const char *ending = strrchr(path, '.');
        size_t len;
        char *bytes = read_whole(path, &len);
        look(path, bytes, len, kinds);
        if (strcmp(ending, ".json") == 0 && len) {
            cJSON *json = cJSON_ParseWithLength(bytes, len);
            assert_non_null(json);
            look_into_json(path, json, kinds);
            cJSON_Delete(json);
        } else if (strcmp(ending, ".raw") != 0 && strcmp(ending, ".json") != 0) {
            look_into_picture(&reader, path, bytes, len);
            pictures++;
        }
        free(bytes);
    }
    reader_close(&reader);
    globfree(&found);
    return pictures;
}

static unsigned sought;

static int on_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (kind == FTW_F) {
        size_t len;
        char *bytes = read_whole(path, &len);
        look(path, bytes, len, sought);
        free(bytes);
    }
    return 0;
}

void secrets_assert_not_stored(struct place *p, unsigned kinds)
{
    static const char *const folders[] = {"home", "data", "run", "exported"};
    sought = kinds;
    assert_true(is_there(place_path(p, "data/vlmd/vlmd.db")));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *folder = place_path(p, "%s", folders[i]);
        if (is_there(folder)) {
            assert_int_equal(nftw(folder, on_file, 16, FTW_PHYS), 0);
        }
    }
}

void secrets_assert_not_printed(struct proc *run)
{
    look("standard output", run->out.text, run->out.len, SECRET_ANY);
    look("standard error", run->err.text, run->err.len, SECRET_ANY);
}

static void look_into_output(struct place *p, const char *const *args)
{
    struct proc *run = vlmd_start_with(p, NULL, args);
    proc_end(run);
    secrets_assert_not_printed(run);
    proc_free(p, run);
}

static void assert_not_found(struct place *p)
{
    for (int i = 0; i < SECRETS; i++) {
        struct proc *run =
            VLMD_EXPECT(p, 0, "search", "--quiet", "--json", secrets[i].text);
        if (run->out.len) {
            fail_msg("a search for %s finds %s", secrets[i].text, run->out.text);
        }
        proc_free(p, run);
    }
}

void secrets_assert_not_told(struct place *p)
{
    char to[200], picture[200];
    snprintf(to, sizeof(to), "%s/exported", p->dir);
    snprintf(picture, sizeof(picture), "%s/in/secret.png", p->dir);
    const char *const looks[][6] = {
        {"export", "jsonl"},
        {"export", "csv"},
        {"export", "sidecar", "--dir", to},
        {"status", "--json"},
        {"jobs"},
        {"jobs", "--json"},
        {"search", "--json", "gardens"},
        {"show", picture},
        {"show", "--json", picture},
    };
    make_folder(to);
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        look_into_output(p, looks[i]);
    }
    assert_not_found(p);
}
