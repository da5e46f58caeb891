// ocr.h -- text recognition in a helper process (Tesseract behind vlmd-ocr).
//
// The helper is started at first use, recycled after some pages, ended after its TTL; its
// crash or hang costs the page one E_OCR, and the next page gets a new helper.
// SPDX-License-Identifier: MIT
#ifndef VLMD_OCR_OCR_H
#define VLMD_OCR_OCR_H

#include "base/buf.h"
#include "base/list.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct ocr;

struct ocr_config {
    const char *helper;       // program; NULL = beside ours, else installed; borrowed
    const char *language;     // "eng"; borrowed
    int processes;            // at most, default 1
    int64_t page_timeout_ms;  // default 30000
    int64_t ttl_ms;           // idle helper is ended, default 60000
    int recycle_pages;        // default 200
    int64_t memory_bytes;     // address space limit of the helper, default 1 GiB
};

enum { OCR_KEY_BYTES = 16 };

struct ocr_word {
    int left, top, width, height;  // px in the picture given
    int confidence;                // 0-100
    uint32_t offset;               // of the word in text
    uint32_t len;
};

struct ocr_req {
    // in; borrowed until done
    const uint8_t *luma;  // width * height bytes
    int width;
    int height;
    const uint8_t
        *key;  // OCR_KEY_BYTES that stand for just these pixels (content hash of the
               // picture), or NULL: what was read lately is not read again
    // out; valid in done
    struct buf text;         // UTF-8; owned by the caller after done
    size_t page_len;         // of text: the page.  Behind it, parts of it read once more
    struct ocr_word *words;  // owned: free()
    int n_words;
    int mean_confidence;
    int64_t elapsed_ms;
    struct err err;
    struct list node;  // private from here on
    struct ocr *owner;
    void (*done)(struct ocr_req *r, int err);
};

void ocr_config_default(struct ocr_config *c);
MUST_USE int ocr_open(struct ocr **out, struct loop *l, const struct ocr_config *c);
// Errors in done: E_OCR (helper missing, crashed, timed out: err has the words), E_CANCELED,
// E_TOOBIG.
void ocr_read(struct ocr *o, struct ocr_req *r, void (*done)(struct ocr_req *r, int err));
void ocr_cancel(struct ocr *o, struct ocr_req *r);
// Cuts off what was read once more, which is for who looks for secrets: each word once.
void ocr_drop_second(struct ocr_req *r);
void ocr_req_fini(struct ocr_req *r);
// Is a helper program there and executable?  Words in e when not.
bool ocr_is_available(struct ocr *o, struct err *e);
int ocr_processes(const struct ocr *o);  // running now, also those that wait for a page
int ocr_reading(const struct ocr *o);    // that have a page
void ocr_close(struct ocr *o, void (*on_closed)(void *arg), void *arg);

#endif
