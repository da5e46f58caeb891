// helper_view.c -- a part of the page through Tesseract's C API.
//
// Tesseract was trained on paper with letters about 30 px high; a screen's are 11 to 20 px.
// So what it is shown is enlarged (linear; cubic reads fewer), and the places it tells are
// brought back to pixels of the page.
// SPDX-License-Identifier: MIT
#include "ocr/enlarge.h"
#include "ocr/helper.h"

#include <stdlib.h>
#include <string.h>
#include <tesseract/capi.h>

static uint32_t percent(float value)
{
    return value <= 0 ? 0 : value >= 100 ? 100 : (uint32_t)(value + 0.5f);
}

static int32_t clamp(int value, uint32_t max)
{
    return value < 0 ? 0 : (uint32_t)value > max ? (int32_t)max : value;
}

// Whole pixels of the page around the word.
static void fill_box(const TessPageIterator *at, const struct wire_page *p,
                     const struct view *v, struct wire_word *w)
{
    int left = 0, top = 0, right = 0, bottom = 0;
    TessPageIteratorBoundingBox(at, RIL_WORD, &left, &top, &right, &bottom);
    w->left = clamp(v->left + left / v->scale, p->width);
    w->top = clamp(v->top + top / v->scale, p->height);
    w->width = clamp(v->left + (right + v->scale - 1) / v->scale, p->width) - w->left;
    w->height = clamp(v->top + (bottom + v->scale - 1) / v->scale, p->height) - w->top;
    if (w->width < 0 || w->height < 0) {
        w->width = w->height = 0;
    }
}

static const char *separator(const TessPageIterator *at)
{
    if (TessPageIteratorIsAtFinalElement(at, RIL_PARA, RIL_WORD)) {
        return "\n\n";
    }
    return TessPageIteratorIsAtFinalElement(at, RIL_TEXTLINE, RIL_WORD) ? "\n" : " ";
}

static int add_word(struct helper *h, const struct wire_page *p, const struct view *v,
                    TessResultIterator *it, const char *word)
{
    const TessPageIterator *at = TessResultIteratorGetPageIteratorConst(it);
    size_t len = strlen(word);
    struct wire_word w = {
        .confidence = percent(TessResultIteratorConfidence(it, RIL_WORD)),
        .offset = (uint32_t)h->text.len,
        .len = (uint32_t)len,
    };
    fill_box(at, p, v, &w);
    int rc = buf_add(&h->words, &w, sizeof(w));
    if (rc == 0) {
        rc = buf_add(&h->text, word, len);
    }
    return rc ? rc : buf_add_str(&h->text, separator(at));
}

static int add_words(struct helper *h, const struct wire_page *p, const struct view *v,
                     TessResultIterator *it)
{
    int rc = 0;
    do {
        char *word = TessResultIteratorGetUTF8Text(it, RIL_WORD);
        if (word && word[strspn(word, " \t\r\n")]) {
            rc = add_word(h, p, v, it, word);
        }
        TessDeleteText(word);
    } while (rc == 0 && TessResultIteratorNext(it, RIL_WORD));
    return rc;
}

// Tesseract keeps a copy.
static int set_image(struct helper *h, const struct wire_page *p, const uint8_t *luma,
                     const struct view *v)
{
    const int stride = (int)p->width;
    const int width = v->scale * v->width, height = v->scale * v->height;
    const uint8_t *part = luma + (size_t)v->top * (size_t)stride + v->left;
    if (v->scale == 1) {
        TessBaseAPISetImage(h->tess, part, v->width, v->height, 1, stride);
        return 0;
    }
    uint8_t *large = malloc((size_t)width * (size_t)height);
    if (!large) {
        return E_NOMEM;
    }
    enlarge(part, stride, v->width, v->height, v->scale, large);
    TessBaseAPISetImage(h->tess, large, width, height, 1, width);
    free(large);
    return 0;
}

enum wire_status helper_read(struct helper *h, const struct wire_page *p,
                             const uint8_t *luma, const struct view *v)
{
    int rc = 0;
    if (set_image(h, p, luma, v)) {
        return WIRE_NO_MEMORY;
    }
    TessBaseAPISetPageSegMode(h->tess, v->kind == VIEW_LINE    ? PSM_SINGLE_LINE
                                       : v->kind == VIEW_BLOCK ? PSM_SINGLE_BLOCK
                                                               : PSM_AUTO);
    if (TessBaseAPIRecognize(h->tess, NULL)) {
        return WIRE_FAILED;
    }
    // No iterator: nothing was found there.
    TessResultIterator *it = TessBaseAPIGetIterator(h->tess);
    if (it) {
        rc = add_words(h, p, v, it);
        TessResultIteratorDelete(it);
    }
    return rc == 0 ? WIRE_OK : rc == E_TOOBIG ? WIRE_TOO_LONG : WIRE_NO_MEMORY;
}
