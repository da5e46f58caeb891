// helper_page.c -- one page: its language, its colours, its size.
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
    return WIRE_OK;
}

static int scale_of(const struct wire_page *p)
{
    const bool is_small = (uint64_t)p->width * p->height <= ENLARGE_MAX_PIXELS &&
                          p->width <= WIRE_MAX_SIDE / 2 && p->height <= WIRE_MAX_SIDE / 2;
    return is_small ? 2 : 1;
}

static enum wire_status read_page(struct helper *h, const struct wire_page *p,
                                  const uint8_t *luma)
{
    const struct view whole = {.width = (int)p->width,
                               .height = (int)p->height,
                               .scale = scale_of(p),
                               .kind = VIEW_PAGE};
    const enum wire_status status = helper_read(h, p, luma, &whole);
    h->page_len = (uint32_t)h->text.len;
    if (status == WIRE_OK && h->page_len) {
        const int mean = TessBaseAPIMeanTextConf(h->tess);
        h->mean_confidence = (uint32_t)(mean < 0 ? 0 : mean > 100 ? 100 : mean);
    }
    if (status == WIRE_OK) {
        helper_again(h, p, luma);
    }
    return status;
}

enum wire_status helper_page(struct helper *h, const struct wire_page *p, uint8_t *luma)
{
    h->text.max_bytes = WIRE_MAX_TEXT_BYTES;
    h->words.max_bytes = WIRE_MAX_WORDS * sizeof(struct wire_word);
    buf_clear(&h->text);
    buf_clear(&h->words);
    h->mean_confidence = h->page_len = 0;
    enum wire_status status = load(h, p->language);
    if (status != WIRE_OK) {
        return status;
    }
    if (flatten(luma, (int)p->width, (int)p->height)) {
        return WIRE_NO_MEMORY;
    }
    status = read_page(h, p, luma);
    TessBaseAPIClear(h->tess);
    return status;
}

void helper_fini(struct helper *h)
{
    unload(h);
    buf_fini(&h->text);
    buf_fini(&h->words);
}
