// sidecar.c -- see sidecar.h.
//
// A file is ours when it carries our mark: the first member of the JSON object, the last
// line of the text.  Anything else of that name stays as it is and is reported.
// SPDX-License-Identifier: MIT
#include "sidecar.h"

#include "file.h"
#include "out.h"
#include "record.h"
#include "face/face.h"
#include "face/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SHOWN = 10 };

static const char json_mark[] = "{\"vlmd_sidecar\":1,";
static const char txt_mark[] = "\n-- described by vlmd\n";

// DIR and the path below it.  Parts that would lead out ("..") become "_".
static bool place(const struct sidecars *s, const struct vlmd_item *it,
                  const char *ending, char *out, size_t size)
{
    if (!s->dir) {
        return (size_t)snprintf(out, size, "%s%s", it->path, ending) < size;
    }
    size_t n = (size_t)snprintf(out, size, "%s", s->dir);
    for (const char *p = it->path; *p && n < size;) {
        size_t len = strcspn(p, "/");
        bool is_up = len == 2 && p[0] == '.' && p[1] == '.';
        if (len && !(len == 1 && *p == '.')) {
            n += (size_t)snprintf(out + n, size - n, "/%.*s", is_up ? 1 : (int)len,
                                  is_up ? "_" : p);
        }
        p += len + (p[len] == '/');
    }
    return n < size && (size_t)snprintf(out + n, size - n, "%s", ending) < size - n;
}

static bool is_marked(int fd, const char *mark, bool is_at_end)
{
    char text[64];
    size_t len = strlen(mark);
    off_t size = lseek(fd, 0, SEEK_END);
    off_t at = is_at_end ? size - (off_t)len : 0;
    return at >= 0 && pread(fd, text, len, at) == (ssize_t)len &&
           memcmp(text, mark, len) == 0;
}

// May path be replaced?  is_there tells whether there is something to replace.
static bool is_ours(const char *path, const char *mark, bool is_at_end, bool *is_there)
{
    struct stat st;
    *is_there = lstat(path, &st) == 0;
    if (!*is_there) {
        return true;
    }
    int fd = S_ISREG(st.st_mode) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    bool ours = fd >= 0 && is_marked(fd, mark, is_at_end);
    if (fd >= 0) {
        close(fd);
    }
    return ours;
}

static void complain(const struct sidecars *s, const char *path, const char *words)
{
    char safe[PATH_MAX];
    text_safe(path, safe, sizeof(safe));
    if (s->refused + s->failed <= MAX_SHOWN) {
        say("vlmd: export: %s: %s", safe, words);
    } else if (s->refused + s->failed == MAX_SHOWN + 1) {
        say("vlmd: export: further ones are only counted");
    }
}

static int write_whole(const char *path, const struct buf *text, bool is_there,
                       bool has_dir)
{
    struct file f;
    int rc = has_dir ? file_make_folder_of(path) : 0;
    rc = rc ? rc : file_begin(&f, path);
    if (rc) {
        return rc;
    }
    rc = file_add(&f, text->data, text->len);
    return file_end(&f, rc, is_there ? FILE_REPLACE : FILE_NEW);
}

static void write_one(struct sidecars *s, const struct vlmd_item *it, const char *ending,
                      const struct buf *text, const char *mark, bool is_at_end)
{
    char path[PATH_MAX];
    bool is_there;
    if (!place(s, it, ending, path, sizeof(path))) {
        s->failed++;
        complain(s, it->path, "the name is too long");
        return;
    }
    if (!is_ours(path, mark, is_at_end, &is_there)) {
        s->refused++;
        complain(s, path, "was not written by vlmd and stays as it is");
        return;
    }
    int rc = write_whole(path, text, is_there, s->dir != NULL);
    if (rc == EEXIST) {
        s->refused++;
        complain(s, path, "was not written by vlmd and stays as it is");
    } else if (rc) {
        s->failed++;
        complain(s, path, strerror(rc));
    } else {
        s->written++;
    }
}

static int json_text(const struct vlmd_item *it, struct buf *out)
{
    struct json_writer w;
    json_init(&w, out);
    json_object(&w, NULL);
    json_int(&w, "vlmd_sidecar", 1);
    face_item(&w, it);
    json_object_end(&w);
    return w.rc ? w.rc : buf_add_str(out, "\n");
}

static int txt_text(const struct vlmd_item *it, struct buf *out)
{
    int rc = record_txt(it, out);
    return rc ? rc : buf_add_str(out, txt_mark);
}

void sidecar_write(struct sidecars *s, const struct vlmd_item *it)
{
    if (!it->has_description) {
        s->undescribed++;
        return;
    }
    if (it->is_url && !s->dir) {
        s->failed++;
        complain(s, it->path, "there is no place beside a URL (use --dir)");
        return;
    }
    struct buf text = {.max_bytes = RECORD_MAX};
    if (s->has_txt && txt_text(it, &text) == 0) {
        write_one(s, it, ".txt", &text, txt_mark, true);
    }
    buf_clear(&text);
    if (s->has_json && json_text(it, &text) == 0) {
        write_one(s, it, ".json", &text, json_mark, false);
    }
    buf_fini(&text);
}

void sidecar_report(const struct sidecars *s, bool is_json)
{
    if (is_json) {
        out_printf("{\"written\":%lld,\"not_described\":%lld,\"refused\":%lld,\"failed\":"
                   "%lld}\n",
                   (long long)s->written, (long long)s->undescribed,
                   (long long)s->refused, (long long)s->failed);
    } else if (!s->is_quiet) {
        out_printf("%lld files written, %lld pictures not described yet, %lld files of "
                   "others left alone, %lld failed\n",
                   (long long)s->written, (long long)s->undescribed,
                   (long long)s->refused, (long long)s->failed);
    }
}
