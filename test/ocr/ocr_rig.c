// ocr_rig.c -- opening, turning and closing, the same for every test of ocr.
// SPDX-License-Identifier: MIT
#include "ocr_rig.h"

#include "base/list.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

void rig_config(struct ocr_config *c, const char *helper)
{
    ocr_config_default(c);
    c->helper = helper;
}

void rig_open(struct rig *g, const struct ocr_config *c)
{
    *g = (struct rig){0};
    assert_int_equal(loop_init(&g->loop), 0);
    assert_int_equal(ocr_open(&g->ocr, &g->loop, c), 0);
}

static void on_closed(void *arg)
{
    struct rig *g = arg;
    assert_false(g->is_closed);
    g->is_closed = true;
}

void rig_close(struct rig *g)
{
    ocr_close(g->ocr, on_closed, g);
    assert_false(g->is_closed);
    uv_run(&g->loop.uv, UV_RUN_DEFAULT);
    assert_true(g->is_closed);
    assert_int_equal(loop_fini(&g->loop), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

void page_init(struct page *p, int width, int height, uint8_t first)
{
    *p = (struct page){0};
    p->luma = malloc((size_t)width * (size_t)height);
    assert_non_null(p->luma);
    memset(p->luma, 200, (size_t)width * (size_t)height);
    p->luma[0] = first;
    p->req.luma = p->luma;
    p->req.width = width;
    p->req.height = height;
}

void page_fini(struct page *p)
{
    ocr_req_fini(&p->req);
    ocr_req_fini(&p->req);  // harmless twice
    free(p->luma);
}

static void on_done(struct ocr_req *r, int err)
{
    struct page *p = container_of(r, struct page, req);
    p->done++;
    p->rc = err;
    if (p->is_awaited) {
        uv_stop(&p->rig->loop.uv);  // a timer's call comes before the wait of the same turn
    }
}

void page_start(struct rig *g, struct page *p)
{
    p->rig = g;
    ocr_read(g->ocr, &p->req, on_done);
    assert_int_equal(p->done, 0);
}

int page_wait(struct rig *g, struct page *p)
{
    p->is_awaited = true;
    while (!p->done) {
        assert_true(uv_run(&g->loop.uv, UV_RUN_ONCE) || p->done);
    }
    assert_int_equal(p->done, 1);
    assert_int_equal(p->rc, p->req.err.code);
    assert_true((p->rc != 0) == (p->req.err.msg[0] != 0));
    return p->rc;
}

int page_read(struct rig *g, struct page *p)
{
    page_start(g, p);
    return page_wait(g, p);
}
