// shelf.c -- a list of copies, bounded in number and bytes.
// SPDX-License-Identifier: MIT
#include "ocr/shelf.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct shelf_page {
    struct list node;
    uint8_t key[OCR_KEY_BYTES];
    int width, height;
    int mean_confidence;
    int n_words;
    struct ocr_word *words;  // owned
    char *text;              // owned
    size_t text_len, page_len;
};

static size_t bytes_of(const struct shelf_page *p)
{
    return sizeof(*p) + p->text_len + (size_t)p->n_words * sizeof(*p->words);
}

static void free_page(struct shelf_page *p)
{
    free(p->words);
    free(p->text);
    free(p);
}

static void drop(struct shelf *s, struct shelf_page *p)
{
    list_remove(&p->node);
    s->n--;
    s->bytes -= bytes_of(p);
    free_page(p);
}

void shelf_init(struct shelf *s)
{
    *s = (struct shelf){0};
    list_init(&s->pages);
}

void shelf_fini(struct shelf *s)
{
    while (!list_is_empty(&s->pages)) {
        drop(s, list_first(&s->pages, struct shelf_page, node));
    }
}

static struct shelf_page *look_up(struct shelf *s, const struct ocr_req *r)
{
    struct list *node, *tmp;
    list_each(node, tmp, &s->pages)
    {
        struct shelf_page *p = container_of(node, struct shelf_page, node);
        if (memcmp(p->key, r->key, sizeof(p->key)) == 0 && p->width == r->width &&
            p->height == r->height) {
            return p;
        }
    }
    return NULL;
}

static void *copy(const void *from, size_t bytes)
{
    void *to = malloc(bytes ? bytes : 1);
    if (to && bytes) {
        memcpy(to, from, bytes);
    }
    return to;
}

bool shelf_find(struct shelf *s, struct ocr_req *r)
{
    struct shelf_page *p = r->key ? look_up(s, r) : NULL;
    if (!p) {
        return false;
    }
    struct ocr_word *words = copy(p->words, (size_t)p->n_words * sizeof(*words));
    if (!words || buf_add(&r->text, p->text, p->text_len)) {
        free(words);
        buf_clear(&r->text);
        return false;
    }
    r->words = words;
    r->n_words = p->n_words;
    r->page_len = p->page_len;
    r->mean_confidence = p->mean_confidence;
    list_remove(&p->node);
    list_push_front(&s->pages, &p->node);
    return true;
}

void shelf_keep(struct shelf *s, const struct ocr_req *r)
{
    if (!r->key || look_up(s, r)) {
        return;
    }
    struct shelf_page *p = mem_new(struct shelf_page);
    memcpy(p->key, r->key, sizeof(p->key));
    p->width = r->width;
    p->height = r->height;
    p->mean_confidence = r->mean_confidence;
    p->n_words = r->n_words;
    p->text_len = r->text.len;
    p->page_len = r->page_len;
    p->words = copy(r->words, (size_t)r->n_words * sizeof(*p->words));
    p->text = copy(r->text.data, r->text.len);
    if (!p->words || !p->text || bytes_of(p) > SHELF_BYTES) {
        free_page(p);
        return;
    }
    list_push_front(&s->pages, &p->node);
    s->n++;
    s->bytes += bytes_of(p);
    while (s->n > SHELF_PAGES || s->bytes > SHELF_BYTES) {
        drop(s, container_of(s->pages.prev, struct shelf_page, node));
    }
}
