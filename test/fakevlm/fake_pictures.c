// fake_pictures.c -- pictures of four plain quarters, and chat bodies that carry them.
// SPDX-License-Identifier: MIT
#include "fake_pictures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>
#include <xxhash.h>

static uint8_t *draw(int width_px, int height_px, const uint32_t corners[4])
{
    uint8_t *rgb = malloc((size_t)width_px * (size_t)height_px * 3), *p = rgb;
    assert_non_null(rgb);
    for (int y = 0; y < height_px; y++) {
        for (int x = 0; x < width_px; x++) {
            int corner = 2 * (y >= (height_px + 1) / 2) + (x >= (width_px + 1) / 2);
            *p++ = (uint8_t)(corners[corner] >> 16);
            *p++ = (uint8_t)(corners[corner] >> 8);
            *p++ = (uint8_t)corners[corner];
        }
    }
    return rgb;
}

static void make_png(struct sent_picture *p, const uint8_t *rgb, int w, int h)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
    png_alloc_size_t len = 0;
    image.width = (png_uint_32)w;
    image.height = (png_uint_32)h;
    assert_true(png_image_write_get_memory_size(image, len, 0, rgb, 0, NULL));
    p->bytes = malloc(len);
    assert_true(png_image_write_to_memory(&image, p->bytes, &len, 0, rgb, 0, NULL));
    p->len = len;
    p->mime = "image/png";
}

static void make_jpeg(struct sent_picture *p, const uint8_t *rgb, int w, int h)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr err;
    unsigned long len = 0;
    jpeg.err = jpeg_std_error(&err);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &p->bytes, &len);
    jpeg.image_width = (JDIMENSION)w;
    jpeg.image_height = (JDIMENSION)h;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)(rgb + (size_t)jpeg.next_scanline * (size_t)w * 3);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    p->len = len;
    p->mime = "image/jpeg";
}

static void make_webp(struct sent_picture *p, const uint8_t *rgb, int w, int h)
{
    uint8_t *out = NULL;
    p->len = WebPEncodeLosslessRGB(rgb, w, h, w * 3, &out);
    assert_true(p->len > 0);
    p->bytes = malloc(p->len);
    memcpy(p->bytes, out, p->len);
    WebPFree(out);
    p->mime = "image/webp";
}

void picture_make(struct sent_picture *p, enum picture_type type, int width_px,
                  int height_px, const uint32_t corners[4])
{
    uint8_t *rgb = draw(width_px, height_px, corners);
    *p = (struct sent_picture){0};
    switch (type) {
    case PICTURE_PNG: make_png(p, rgb, width_px, height_px); break;
    case PICTURE_JPEG: make_jpeg(p, rgb, width_px, height_px); break;
    case PICTURE_WEBP: make_webp(p, rgb, width_px, height_px); break;
    }
    free(rgb);
    XXH128_hash_t hash = XXH3_128bits(p->bytes, p->len);
    snprintf(p->hash, sizeof p->hash, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

void picture_free(struct sent_picture *p)
{
    free(p->bytes);
    *p = (struct sent_picture){0};
}

char *picture_base64(const struct sent_picture *p, size_t line)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = malloc(p->len * 4 + 8), *o = out;
    size_t in_line = 0;
    assert_non_null(out);
    for (size_t i = 0; i < p->len; i += 3) {
        size_t left = p->len - i;
        uint32_t bits = (uint32_t)p->bytes[i] << 16 |
                        (left > 1 ? (uint32_t)p->bytes[i + 1] << 8 : 0) |
                        (left > 2 ? (uint32_t)p->bytes[i + 2] : 0);
        *o++ = alphabet[bits >> 18];
        *o++ = alphabet[bits >> 12 & 63];
        *o++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        *o++ = left > 2 ? alphabet[bits & 63] : '=';
        if (line && (in_line += 4) >= line) {
            *o++ = '\\';
            *o++ = 'n';
            in_line = 0;
        }
    }
    *o = 0;
    return out;
}

char *data_url(const struct sent_picture *p)
{
    char *base64 = picture_base64(p, 0), *url = NULL;
    assert_true(asprintf(&url, "data:%s;base64,%s", p->mime, base64) > 0);
    free(base64);
    return url;
}

char *chat_ollama(const char *model, const char *base64, bool is_stream, const char *more)
{
    char *body = NULL;
    assert_true(
        asprintf(&body,
                 "{\"model\":\"%s\",\"stream\":%s%s,\"messages\":[{\"role\":\"user\","
                 "\"content\":\"What is it?\",\"images\":[\"%s\"]}]}",
                 model, is_stream ? "true" : "false", more, base64) > 0);
    return body;
}

char *chat_openai(const char *model, const char *url, bool is_stream, const char *more)
{
    char *body = NULL;
    assert_true(
        asprintf(&body,
                 "{\"model\":\"%s\",\"stream\":%s%s,\"messages\":[{\"role\":\"user\","
                 "\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"%s\"}},"
                 "{\"type\":\"text\",\"text\":\"What is it?\"}]}]}",
                 model, is_stream ? "true" : "false", more, url) > 0);
    return body;
}
