// show.c -- TurboJPEG in, libpng's simple interface out.
// SPDX-License-Identifier: MIT
#include "image/show.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

struct pixels {
    uint8_t *rgb;  // owned
    int width, height;
};

static int decode(const struct buf *jpeg, struct pixels *p)
{
    int sampling, space, rc = E_CORRUPT;
    tjhandle tj = tjInitDecompress();
    if (!tj) {
        return E_NOMEM;
    }
    if (tjDecompressHeader3(tj, jpeg->data, jpeg->len, &p->width, &p->height, &sampling,
                            &space) == 0) {
        p->rgb = malloc((size_t)p->width * (size_t)p->height * 3);
        rc = !p->rgb ? E_NOMEM
             : tjDecompress2(tj, jpeg->data, jpeg->len, p->rgb, p->width, 0, p->height,
                             TJPF_RGB, TJFLAG_ACCURATEDCT)
                 ? E_CORRUPT
                 : 0;
    }
    tjDestroy(tj);
    return rc;
}

static int write_png(const struct pixels *p, struct buf *png)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)p->width,
                       .height = (png_uint_32)p->height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t len = PNG_IMAGE_PNG_SIZE_MAX(image);
    buf_fini(png);
    buf_init(png, len);
    if (buf_reserve(png, len) ||
        !png_image_write_to_memory(&image, png->data, &len, 0, p->rgb, 0, NULL)) {
        return E_NOMEM;
    }
    png->len = len;
    return 0;
}

int show_as_png(const struct buf *jpeg, struct buf *png, struct err *e)
{
    struct pixels p = {0};
    int rc = jpeg->len ? decode(jpeg, &p) : E_CORRUPT;
    if (rc == 0) {
        rc = write_png(&p, png);
    }
    free(p.rgb);
    return rc ? err_set(e, rc, "what is sent can not be shown: %s", err_words(rc)) : 0;
}
