// answer.c -- is this an answer?  From a model's words to the fields that are kept.
//
// The order of the questions is the order of the remedies: nothing there, picture not seen,
// stopped by the server, no whole object, no field of ours, refusal, loop.  A field of a
// harmless wrong type is converted; an answer without JSON is kept as plain words when they
// are sane.
// SPDX-License-Identifier: MIT
#include "backend/answer.h"

#include "backend/backend.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char answer_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"summary\":{\"type\":\"string\"},"
    "\"activity\":{\"type\":\"string\"},"
    "\"app\":{\"type\":\"string\"},"
    "\"details\":{\"type\":\"string\"},"
    "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"text\":{\"type\":\"string\"}},"
    "\"required\":[\"summary\",\"activity\",\"app\",\"details\",\"tags\",\"text\"],"
    "\"additionalProperties\":false}";

const char answer_form[] =
    "Answer with one JSON object and nothing else: \"summary\" (one sentence), "
    "\"activity\" (what the user is doing, a few words), \"app\", \"details\" (two to "
    "five "
    "sentences), \"tags\" (three to eight lower-case keywords), \"text\" (the most "
    "important visible text, word for word).";

const char answer_plain_form[] =
    "Answer in three to six plain sentences, the most important one first.";

enum {
    MAX_CONTENT = 1 << 20,
    MAX_SUMMARY = 1000,
    MAX_LINE = 200,
    MAX_DETAILS = 8000,
    MAX_TEXT = 16000,
    MAX_RAW = 64 << 10,
    MAX_TAGS = 20,
    MAX_TAG = 64,
    MAX_REFUSAL = 400,
};

static const char white[] = " \t\r\n";

struct span {
    const char *at;
    size_t len;
};

static struct span trim(const char *at, size_t len)
{
    while (len > 0 && strchr(white, *at) && *at) {
        at++;
        len--;
    }
    while (len > 0 && strchr(white, at[len - 1]) && at[len - 1]) {
        len--;
    }
    return (struct span){at, len};
}

// Copy of at most max bytes, cut between characters; NULL when nothing is left.
static char *keep(struct span s, size_t max)
{
    if (s.len > max) {
        s.len = max;
        while (s.len > 0 && ((unsigned char)s.at[s.len] & 0xc0) == 0x80) {
            s.len--;
        }
    }
    s = trim(s.at, s.len);
    char *copy = s.len > 0 ? malloc(s.len + 1) : NULL;
    if (copy) {
        memcpy(copy, s.at, s.len);
        copy[s.len] = 0;
    }
    return copy;
}

// ---- cleaning

// Valid UTF-8 without control characters but line feed and tab.  *n_bad: bytes that were
// neither.
static int clean(const char *in, size_t len, struct buf *out, size_t *n_bad)
{
    int rc = 0;
    *n_bad = 0;
    for (size_t i = 0; rc == 0 && i < len;) {
        size_t n = utf8_char(in + i, len - i);
        unsigned char c = (unsigned char)in[i];
        bool is_control = n == 1 && (c < 0x20 || c == 0x7f);
        if (n > 0 && (!is_control || c == '\n' || c == '\t')) {
            rc = buf_add(out, in + i, n);
        } else {
            *n_bad += c != '\r';
            rc = n == 0 ? buf_add(out, "\xef\xbf\xbd", 3) : 0;
        }
        i += n ? n : 1;
    }
    return rc;
}

static const char *find_ci(struct span s, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= s.len; i++) {
        if (strncasecmp(s.at + i, word, n) == 0) {
            return s.at + i;
        }
    }
    return NULL;
}

static struct span after(struct span s, const char *at, size_t skip)
{
    return trim(at + skip, (size_t)(s.at + s.len - at) - skip);
}

// Reasoning comes before the answer.  What begins with a bracket is the answer itself, and
// such words inside it belong to the picture.
static struct span strip_reasoning(struct span s, bool *was_there)
{
    static const struct {
        const char *open, *close;
    } tags[] = {{"<think>", "</think>"},
                {"<thinking>", "</thinking>"},
                {"<reasoning>", "</reasoning>"}};
    static const char final[] = "<|channel|>final<|message|>";
    const char *at = find_ci(s, final);
    if (at) {
        *was_there = true;
        s = after(s, at, strlen(final));
    }
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]) && s.len > 0; i++) {
        bool is_open = find_ci(s, tags[i].open) == s.at;
        bool is_answer = strchr("{[\"`", *s.at) != NULL;
        const char *close = is_answer ? NULL : find_ci(s, tags[i].close);
        if (close) {
            s = after(s, close, strlen(tags[i].close));
        } else if (is_open) {
            s.len = 0;
        }
        *was_there = *was_there || close || is_open;
    }
    return s;
}

// ---- fields

// Any JSON value as text: lists by lines, objects as "name: value".
static int value_text(const cJSON *v, struct buf *out, int depth)
{
    const cJSON *child = NULL;
    int rc = 0;
    if (cJSON_IsString(v)) {
        return buf_add_str(out, v->valuestring);
    }
    if (cJSON_IsNumber(v)) {
        return buf_printf(out, "%.10g", v->valuedouble);
    }
    if (cJSON_IsBool(v)) {
        return buf_add_str(out, cJSON_IsTrue(v) ? "true" : "false");
    }
    if (depth >= 4) {
        return 0;
    }
    cJSON_ArrayForEach(child, v)
    {
        rc = out->len > 0 ? buf_add(out, "\n", 1) : 0;
        if (rc == 0 && child->string) {
            rc = buf_printf(out, "%s: ", child->string);
        }
        rc = rc == 0 ? value_text(child, out, depth + 1) : rc;
        if (rc < 0) {
            return rc;
        }
    }
    return rc;
}

// What small models write when they have nothing to say.
static bool is_placeholder(const char *s)
{
    static const char *const words[] = {"string", "n/a",     "na", "none", "null",
                                        "...",    "unknown", "-",  "\"\"", "empty"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(s, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static char *take_field(const cJSON *object, const char *name, size_t max)
{
    struct buf b;
    buf_init(&b, MAX_CONTENT);
    char *copy = NULL;
    if (value_text(answer_field(object, name), &b, 0) == 0) {
        copy = keep(trim(buf_str(&b), b.len), max);
    }
    buf_fini(&b);
    if (copy && is_placeholder(copy)) {
        free(copy);
        copy = NULL;
    }
    return copy;
}

struct tag_list {
    char tags[MAX_TAGS][MAX_TAG];
    int n;
};

static void add_tag(struct tag_list *l, const char *text, size_t len)
{
    struct span s = trim(text, len);
    while (s.len > 0 && *s.at == '#') {
        s = trim(s.at + 1, s.len - 1);
    }
    if (s.len == 0 || l->n == MAX_TAGS) {
        return;
    }
    char *tag = l->tags[l->n];
    utf8_clean(s.at, s.len, tag, MAX_TAG);
    for (char *p = tag; *p; p++) {
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    }
    bool is_new = !is_placeholder(tag);
    for (int i = 0; i < l->n; i++) {
        is_new = is_new && strcmp(l->tags[i], tag) != 0;
    }
    l->n += is_new;
}

// An array of words, one string with commas, or an object's names.
static void read_tags(struct tag_list *l, const cJSON *v)
{
    const cJSON *child = NULL;
    const char *words = cJSON_GetStringValue(v);
    while (words && *words) {
        size_t len = strcspn(words, ",;\n");
        add_tag(l, words, len);
        words += len + (words[len] != 0);
    }
    cJSON_ArrayForEach(child, v)
    {
        char number[32];
        struct buf b = {.max_bytes = sizeof(number)};
        const char *word = cJSON_GetStringValue(child);
        word = word ? word : child->string;
        if (!word && cJSON_IsNumber(child) && value_text(child, &b, 0) == 0) {
            word = buf_str(&b);
        }
        if (word) {
            add_tag(l, word, strlen(word));
        }
        buf_fini(&b);
    }
}

static char *tags_json(const cJSON *v)
{
    struct tag_list l = {.n = 0};
    read_tags(&l, v);
    struct buf b;
    struct json_writer w;
    buf_init(&b, MAX_TAGS * MAX_TAG * 7);
    json_init(&w, &b);
    json_array(&w, NULL);
    for (int i = 0; i < l.n; i++) {
        json_str(&w, NULL, l.tags[i]);
    }
    json_array_end(&w);
    char *text = mem_dup(w.rc == 0 ? buf_str(&b) : "[]");
    buf_fini(&b);
    return text;
}

// Up to the end of the first sentence or line.
static struct span first_sentence(const char *text)
{
    size_t len = 0;
    for (; text[len] && text[len] != '\n'; len++) {
        if (len > 20 && strchr(".!?", text[len]) && strchr(" \n", text[len + 1])) {
            len++;
            break;
        }
    }
    return trim(text, len);
}

static char *make_summary(const struct answer *a)
{
    const char *from = a->details ? a->details : a->activity ? a->activity : a->text;
    return from ? keep(first_sentence(from), MAX_SUMMARY) : NULL;
}

static void read_fields(const cJSON *object, struct answer *out)
{
    out->summary = take_field(object, "summary", MAX_SUMMARY);
    out->activity = take_field(object, "activity", MAX_LINE);
    out->app = take_field(object, "app", MAX_LINE);
    out->details = take_field(object, "details", MAX_DETAILS);
    if (!out->details) {
        out->details = take_field(object, "description", MAX_DETAILS);
    }
    out->text = take_field(object, "text", MAX_TEXT);
    out->tags = tags_json(answer_field(object, "tags"));
    if (!out->summary) {
        out->summary = make_summary(out);
    }
}

void answer_fini(struct answer *a)
{
    free(a->summary);
    free(a->activity);
    free(a->app);
    free(a->details);
    free(a->tags);
    free(a->text);
    free(a->raw);
    *a = (struct answer){0};
}

// ---- judging

static bool is_image_dropped(const struct answer_input *in)
{
    return in->text_tokens > 0 && in->prompt_tokens > 0 &&
           in->prompt_tokens < in->text_tokens + in->image_tokens;
}

static const char *reason_of(const struct answer_input *in)
{
    return in->finish_reason ? in->finish_reason : "";
}

// No reason, or the cap: it may have been cut.  Some servers say "stop" when it was
// (PROTOCOLS.md 13.20), so the tokens are counted too.
static bool may_be_cut(const struct answer_input *in)
{
    const char *reason = reason_of(in);
    return !*reason || strcmp(reason, "length") == 0 ||
           strcmp(reason, "max_tokens") == 0 ||
           (in->max_tokens > 0 && in->completion_tokens >= in->max_tokens);
}

static bool has_any_of(const char *text, const char *const *words)
{
    struct span s = {text, strlen(text)};
    for (; *words; words++) {
        if (find_ci(s, *words)) {
            return true;
        }
    }
    return false;
}

// "I'm sorry, but I can't help with that." and nothing else.
static bool is_refusal(const char *text)
{
    static const char *const begins[] = {
        "i'm sorry",        "i am sorry",  "sorry",
        "i can't",          "i cannot",    "i can not",
        "i'm unable",       "i am unable", "i'm not able",
        "i am not able",    "i won't",     "as an ai",
        "unfortunately, i", "i apologize", "i do not have",
        "i don't have",     NULL};
    static const char *const denials[] = {"can't",
                                          "cannot",
                                          "can not",
                                          "unable",
                                          "not able",
                                          "won't",
                                          "don't have the ability",
                                          "do not have the ability",
                                          NULL};
    static const char *const acts[] = {"assist",  "help",     "describ", "process",
                                       "view",    " see",     "analy",   "provide",
                                       "comply",  "identify", "fulfil",  "access",
                                       "do that", "answer",   NULL};
    char plain[MAX_REFUSAL];
    size_t n = 0;
    if (!text || strlen(text) >= MAX_REFUSAL) {
        return false;
    }
    for (const char *p = text; *p; p++) {
        if (strncmp(p, "\xe2\x80\x99", 3) == 0) {
            plain[n++] = '\'';
            p += 2;
        } else {
            plain[n++] = *p;
        }
    }
    plain[n] = 0;
    for (const char *const *b = begins; *b; b++) {
        if (strncasecmp(plain, *b, strlen(*b)) == 0) {
            return has_any_of(plain, denials) && has_any_of(plain, acts);
        }
    }
    return false;
}

static int judge(const struct answer *a, struct err *e)
{
    bool has_more = (a->details && !is_refusal(a->details)) || a->text;
    if (!a->summary) {
        return err_set(e, E_EMPTY, "%s: every field is empty", err_words(E_EMPTY));
    }
    if (is_refusal(a->summary) && !has_more) {
        return err_set(e, E_REFUSAL, "%s", err_words(E_REFUSAL));
    }
    if (loop_in_prose(a->summary) || (a->details && loop_in_prose(a->details)) ||
        (a->text && loop_in_copy(a->text))) {
        return err_set(e, E_REPETITION, "%s", err_words(E_REPETITION));
    }
    return 0;
}

static bool is_web_page(struct span s)
{
    return find_ci(s, "<!doctype") == s.at || find_ci(s, "<html") == s.at;
}

// Words to keep: letters, and hardly anything that is no text.
static bool is_sane(struct span s, size_t n_bad)
{
    size_t letters = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        letters += c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
    return letters >= 3 && letters * 3 >= s.len && n_bad * 20 <= s.len;
}

static int read_plain(const struct answer_input *in, struct span s, size_t n_bad,
                      struct answer *out, struct err *e)
{
    if (is_web_page(s) || !is_sane(s, n_bad)) {
        return err_set(e, E_GARBAGE, "%s: no text", err_words(E_GARBAGE));
    }
    if (loop_in_prose(out->raw)) {
        return err_set(e, E_REPETITION, "%s", err_words(E_REPETITION));
    }
    if (may_be_cut(in)) {
        return err_set(e, E_UNFINISHED, "%s: finish reason \"%s\"",
                       err_words(E_UNFINISHED), reason_of(in));
    }
    out->is_plain = true;
    out->summary = s.len <= MAX_SUMMARY ? keep(s, MAX_SUMMARY)
                                        : keep(first_sentence(out->raw), MAX_SUMMARY);
    out->details = s.len <= MAX_SUMMARY ? NULL : keep(s, MAX_DETAILS);
    out->tags = mem_dup("[]");
    return judge(out, e);
}

static int read_cut(struct span s, const char *reason, struct err *e)
{
    if (loop_at_end(s.at, s.len)) {
        return err_set(e, E_REPETITION, "%s", err_words(E_REPETITION));
    }
    return err_set(e, E_UNFINISHED, "%s: the JSON is cut, finish reason \"%s\"",
                   err_words(E_UNFINISHED), reason);
}

static int read_words(const struct answer_input *in, struct span s, size_t n_bad,
                      struct answer *out, struct err *e)
{
    cJSON *object = NULL;
    bool is_closed = false;
    enum json_find found = answer_find_json(s.at, s.len, &object, &is_closed);
    int rc = 0;
    if (found == JSON_FOUND && is_closed && may_be_cut(in)) {
        found = JSON_CUT;
    }
    switch (found) {
    case JSON_FOUND:
        read_fields(object, out);
        rc = judge(out, e);
        break;
    case JSON_CUT: rc = read_cut(s, reason_of(in), e); break;
    case JSON_NONE: rc = read_plain(in, s, n_bad, out, e); break;
    case JSON_BAD:
    case JSON_ALIEN:
        if (!in->wants_schema) {
            rc = read_plain(in, s, n_bad, out, e);
            break;
        }
        rc = err_set(e, E_SCHEMA, "%s: %s", err_words(E_SCHEMA),
                     found == JSON_BAD ? "broken JSON" : "none of the fields asked for");
        break;
    }
    json_free(object);
    return rc;
}

// Reasons that say by themselves that this is no answer.
static int check_reason(const struct answer_input *in, struct err *e)
{
    const char *reason = reason_of(in);
    if (strcmp(reason, "content_filter") == 0) {
        return err_set(e, E_REFUSAL, "%s: content filter", err_words(E_REFUSAL));
    }
    if (strcmp(reason, "abort") == 0 || strcmp(reason, "error") == 0) {
        return err_set(e, E_UNFINISHED, "%s: finish reason \"%s\"",
                       err_words(E_UNFINISHED), reason);
    }
    return 0;
}

static int check(const struct answer_input *in, struct buf *text, struct answer *out,
                 struct err *e)
{
    size_t n_bad = 0;
    bool was_thinking = false;
    int rc = clean(in->content ? in->content : "", in->content ? in->content_len : 0,
                   text, &n_bad);
    if (rc < 0) {
        return err_set(e, rc == E_TOOBIG ? E_GARBAGE : rc, "the answer is over %d bytes",
                       (int)MAX_CONTENT);
    }
    struct span s = strip_reasoning(trim(buf_str(text), text->len), &was_thinking);
    if (is_image_dropped(in)) {
        return err_set(e, E_IMAGE_DROPPED, "%s: %lld prompt tokens, %lld were expected",
                       err_words(E_IMAGE_DROPPED), (long long)in->prompt_tokens,
                       (long long)(in->text_tokens + in->image_tokens));
    }
    rc = check_reason(in, e);
    if (rc < 0) {
        return rc;
    }
    if (s.len == 0) {
        return err_set(e, E_EMPTY, "%s: %s, finish reason \"%s\"", err_words(E_EMPTY),
                       was_thinking ? "nothing but reasoning" : "no words",
                       reason_of(in));
    }
    out->raw = keep(s, MAX_RAW);
    if (!out->raw) {
        return err_set(e, E_NOMEM, "%s", err_words(E_NOMEM));
    }
    return read_words(in, s, n_bad, out, e);
}

int answer_check(const struct answer_input *in, struct answer *out, struct err *e)
{
    struct buf text;
    *out = (struct answer){0};
    buf_init(&text, MAX_CONTENT);
    int rc = check(in, &text, out, e);
    buf_fini(&text);
    if (rc < 0) {
        answer_fini(out);
    }
    return rc;
}
