// ocr_rig.h -- a loop, an ocr and pages whose ends are counted.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_OCR_RIG_H
#define VLMD_TEST_OCR_RIG_H

#include "ocr/ocr.h"

struct rig {
    struct loop loop;
    struct ocr *ocr;
    bool is_closed;
};

struct page {
    struct rig *rig;  // that reads it
    bool is_awaited;
    struct ocr_req req;
    int done;  // how often
    int rc;
    uint8_t *luma;  // owned
};

void rig_config(struct ocr_config *c, const char *helper);
void rig_open(struct rig *g, const struct ocr_config *c);
void rig_close(struct rig *g);  // ocr_close, the loop to its end, no child left behind
// A page of one luma value but for its first byte.
void page_init(struct page *p, int width, int height, uint8_t first);
void page_fini(struct page *p);
void page_start(struct rig *g, struct page *p);
int page_wait(struct rig *g, struct page *p);  // turns the loop until done; returns rc
int page_read(struct rig *g, struct page *p);  // start and wait

#endif
