// helper_page.c -- one page through Tesseract's C API.
//
// Tesseract was trained on paper: black on white, letters about 30 px high.  A screen's are
// 11 to 20 px, in all colours, and it reads what is unlike paper badly or not at all.  So the
// picture is made like paper: flattened (flatten.h), and small pages enlarged (linear; cubic
// reads fewer).  Measured on 48 rendered pages: 32 of 32 random 20-letter keys are read
// exactly instead of 24, a fifth more of everything, in 1.6 times the time; chat bubbles with
// white letters are read at all.  A desktop of 515 words has 555 then, surer ones.  Screens
// with more dots than ENLARGE_MAX_PIXELS draw their letters larger.
//
// Tried and worse: thresholds per tile, Sauvola's, another resolution; segmentation 11 and 6
// find the odd line more and tear the others.
// SPDX-License-Identifier: MIT
#include "ocr/enlarge.h"
#include "ocr/flatten.h"
#include "ocr/helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tesseract/capi.h>

enum { ENLARGE_MAX_PIXELS = 4200 * 1000 };  // 2560 x 1600

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

static int scale_of(const struct wire_page *p)
{
    const bool is_small = (uint64_t)p->width * p->height <= ENLARGE_MAX_PIXELS &&
                          p->width <= WIRE_MAX_SIDE / 2 && p->height <= WIRE_MAX_SIDE / 2;
    return is_small ? 2 : 1;
}

// Whole pixels of the page around the word.
static void fill_box(const TessPageIterator *at, const struct wire_page *p,
                     struct wire_word *w)
{
    const int scale = scale_of(p);
    int left = 0, top = 0, right = 0, bottom = 0;
    TessPageIteratorBoundingBox(at, RIL_WORD, &left, &top, &right, &bottom);
    w->left = clamp(left / scale, p->width);
    w->top = clamp(top / scale, p->height);
    w->width = clamp((right + scale - 1) / scale, p->width) - w->left;
    w->height = clamp((bottom + scale - 1) / scale, p->height) - w->top;
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

// Tesseract keeps a copy.
static int set_image(struct helper *h, const struct wire_page *p, const uint8_t *luma)
{
    const int width = (int)p->width, height = (int)p->height;
    if (scale_of(p) == 1) {
        TessBaseAPISetImage(h->tess, luma, width, height, 1, width);
        return 0;
    }
    uint8_t *twice = malloc(4 * (size_t)width * (size_t)height);
    if (!twice) {
        return E_NOMEM;
    }
    enlarge_twice(luma, width, height, twice);
    TessBaseAPISetImage(h->tess, twice, 2 * width, 2 * height, 1, 2 * width);
    free(twice);
    return 0;
}

static enum wire_status recognise(struct helper *h, const struct wire_page *p,
                                  const uint8_t *luma)
{
    int rc = 0;
    if (set_image(h, p, luma)) {
        return WIRE_NO_MEMORY;
    }
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
    if (flatten(luma, (int)p->width, (int)p->height)) {
        return WIRE_NO_MEMORY;
    }
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
