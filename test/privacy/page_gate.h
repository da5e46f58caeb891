// page_gate.h -- one rendered page on its way through the gate, and how it came out.
//
// image (luma) -> ocr (the real helper) -> find -> boxes -> image (masks) -> what is sent.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_PAGE_GATE_H
#define VLMD_TEST_PAGE_GATE_H

#include "corpus.h"
#include "page.h"
#include "page_reader.h"
#include "privacy/find_page.h"

enum { GATE_MAX_PLANTS = 40, GATE_MAX_BOXES = 40 };

struct gate_plant {
    struct corpus_item item;
    int line;
    struct page_box boxes[GATE_MAX_BOXES];  // of the secret, or of the whole decoy
    int n_boxes;
    double covered;    // share of the area of its boxes
    bool is_masked;    // of a secret nine tenths, of a decoy a fifth
    const char *leak;  // where a masked secret was read again; NULL = nowhere
};

struct gate_page {
    struct page_spec spec;
    struct page *page;  // owned
    uint8_t *png;       // owned
    size_t png_len;
    struct gate_plant plants[GATE_MAX_PLANTS];
    int n_plants;
    bool is_blocked;  // nobody knows where a finding stands
    char *text;       // owned; as OCR read it
    size_t text_bytes;
    struct privacy_word *words;  // owned; of text
    int n_words;
    int64_t read_ms;  // the unmasked page
};

// What all pages share.
struct gate {
    struct page_reader reader;
    struct privacy_finder *finder;
    unsigned next;  // item of the corpus, in turn
};

void gate_open(struct gate *g);
void gate_close(struct gate *g);
// A page full of the secrets and decoys that are next; n chooses how it looks.
void gate_plant(struct gate *g, struct gate_page *p, unsigned n);
// Masks it and reads what is left; the JPEG that would be sent, too, if reads_jpeg.
void gate_pass(struct gate *g, struct gate_page *p, bool reads_jpeg);
void gate_page_fini(struct gate_page *p);

// What OCR read on the lines where the plant was drawn.  out is cut at size.
void gate_read_at(const struct gate_page *p, const struct gate_plant *at, char *out,
                  size_t size);

// Letters and digits only, without regard to what OCR takes for one another.  out has room
// for strlen(text) + 1 bytes.
void gate_skeleton(const char *text, char *out);

#endif
