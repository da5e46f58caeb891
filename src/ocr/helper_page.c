// helper_page.c -- one page through Tesseract's C API.
//
// Measured on the sample pages at full size: a dark page inverted beforehand takes 1.1 s
// instead of 1.8 s for the same words, because Tesseract else reads each line both ways;
// its own inversion stays on for the dark parts of light pages (4 % of the words on a
// mixed desktop).  Segmentation 11 (sparse) takes up to six times as long.
// SPDX-License-Identifier: MIT
#include "ocr/helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tesseract/capi.h>

#define DARK_MEAN 110

static void invert_if_dark(uint8_t *luma, size_t bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i++) {
        sum += luma[i];
    }
    if (sum >= (uint64_t)DARK_MEAN * bytes) {
        return;
    }
    for (size_t i = 0; i < bytes; i++) {
        luma[i] = (uint8_t)(255 - luma[i]);
    }
}

static bool is_loaded(char **loaded, const char *name, size_t len)
{
    for (; loaded && *loaded; loaded++) {
        if (strlen(*loaded) == len && memcmp(*loaded, name, len) == 0) {
            return true;
        }
    }
    return false;
}

// "eng+deu" without what is loaded -> "deu".  Tesseract itself is content with any one.
static int list_missing(struct helper *h, const char *language)
{
    char **loaded = h->tess ? TessBaseAPIGetLoadedLanguagesAsVector(h->tess) : NULL;
    int rc = 0;
    buf_clear(&h->text);
    while (*language && rc == 0) {
        size_t len = strcspn(language, "+");
        if (!is_loaded(loaded, language, len)) {
            rc = buf_printf(&h->text, "%s%.*s", h->text.len ? " " : "", (int)len,
                            language);
        }
        language += len + (language[len] == '+');
    }
    if (loaded) {
        TessDeleteTextArray(loaded);
    }
    return rc;
}

static void unload(struct helper *h)
{
    if (h->tess) {
        TessBaseAPIEnd(h->tess);
        TessBaseAPIDelete(h->tess);
        h->tess = NULL;
    }
}

static enum wire_status load(struct helper *h, const char *language)
{
    if (h->tess && strcmp(h->language, language) == 0) {
        return WIRE_OK;
    }
    unload(h);
    h->tess = TessBaseAPICreate();
    if (TessBaseAPIInit2(h->tess, NULL, language, OEM_LSTM_ONLY)) {
        // Asked after a failed start, Tesseract's list of languages is not to be trusted.
        unload(h);
    }
    if (list_missing(h, language)) {
        return WIRE_NO_MEMORY;
    }
    if (h->text.len) {
        unload(h);
        return WIRE_NO_LANGUAGE;
    }
    snprintf(h->language, sizeof(h->language), "%s", language);
    TessBaseAPISetPageSegMode(h->tess, PSM_AUTO);
    return WIRE_OK;
}

static uint32_t percent(float value)
{
    return value <= 0 ? 0 : value >= 100 ? 100 : (uint32_t)(value + 0.5f);
}

static int32_t clamp(int value, uint32_t max)
{
    return value < 0 ? 0 : (uint32_t)value > max ? (int32_t)max : value;
}

static void fill_box(const TessPageIterator *at, const struct wire_page *p,
                     struct wire_word *w)
{
    int left = 0, top = 0, right = 0, bottom = 0;
    TessPageIteratorBoundingBox(at, RIL_WORD, &left, &top, &right, &bottom);
    w->left = clamp(left, p->width);
    w->top = clamp(top, p->height);
    w->width = clamp(right, p->width) - w->left;
    w->height = clamp(bottom, p->height) - w->top;
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

static int add_word(struct helper *h, const struct wire_page *p, TessResultIterator *it,
                    const char *word)
{
    const TessPageIterator *at = TessResultIteratorGetPageIteratorConst(it);
    size_t len = strlen(word);
    struct wire_word w = {
        .confidence = percent(TessResultIteratorConfidence(it, RIL_WORD)),
        .offset = (uint32_t)h->text.len,
        .len = (uint32_t)len,
    };
    fill_box(at, p, &w);
    int rc = buf_add(&h->words, &w, sizeof(w));
    if (rc == 0) {
        rc = buf_add(&h->text, word, len);
    }
    return rc ? rc : buf_add_str(&h->text, separator(at));
}

static int add_words(struct helper *h, const struct wire_page *p, TessResultIterator *it)
{
    int rc = 0;
    do {
        char *word = TessResultIteratorGetUTF8Text(it, RIL_WORD);
        if (word && word[strspn(word, " \t\r\n")]) {
            rc = add_word(h, p, it, word);
        }
        TessDeleteText(word);
    } while (rc == 0 && TessResultIteratorNext(it, RIL_WORD));
    return rc;
}

static enum wire_status recognise(struct helper *h, const struct wire_page *p,
                                  const uint8_t *luma)
{
    int rc = 0;
    TessBaseAPISetImage(h->tess, luma, (int)p->width, (int)p->height, 1, (int)p->width);
    if (TessBaseAPIRecognize(h->tess, NULL)) {
        return WIRE_FAILED;
    }
    // No iterator: nothing was found on the page.
    TessResultIterator *it = TessBaseAPIGetIterator(h->tess);
    if (it) {
        rc = add_words(h, p, it);
        h->mean_confidence = percent((float)TessBaseAPIMeanTextConf(h->tess));
        TessResultIteratorDelete(it);
    }
    return rc == 0 ? WIRE_OK : rc == E_TOOBIG ? WIRE_TOO_LONG : WIRE_NO_MEMORY;
}

enum wire_status helper_page(struct helper *h, const struct wire_page *p, uint8_t *luma)
{
    h->text.max_bytes = WIRE_MAX_TEXT_BYTES;
    h->words.max_bytes = WIRE_MAX_WORDS * sizeof(struct wire_word);
    buf_clear(&h->text);
    buf_clear(&h->words);
    h->mean_confidence = 0;
    enum wire_status status = load(h, p->language);
    if (status != WIRE_OK) {
        return status;
    }
    invert_if_dark(luma, (size_t)p->width * p->height);
    status = recognise(h, p, luma);
    TessBaseAPIClear(h->tess);
    return status;
}

void helper_fini(struct helper *h)
{
    unload(h);
    buf_fini(&h->text);
    buf_fini(&h->words);
}
