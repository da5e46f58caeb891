// bench_pictures.c -- writes so many different PNGs of 1280 x 800 into a folder.
//
// usage: bench_pictures FOLDER N
// SPDX-License-Identifier: MIT
#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 1280, HEIGHT = 800, CELL = 20 };

// Cells of colours, like a screen full of small things; a picture differs in most of them.
static void paint(uint8_t *rgb, uint32_t seed)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            uint32_t v =
                (uint32_t)(x / CELL) * 2654435761u ^ (uint32_t)(y / CELL) * 40503u;
            v = (v ^ seed * 2246822519u) * 3266489917u;
            uint8_t *p = rgb + 3 * (y * WIDTH + x);
            p[0] = (uint8_t)(v >> 24);
            p[1] = (uint8_t)(v >> 16);
            p[2] = (uint8_t)(v >> 8);
        }
    }
}

int main(int argc, char **argv)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = WIDTH,
                       .height = HEIGHT,
                       .format = PNG_FORMAT_RGB,
                       .flags = PNG_IMAGE_FLAG_FAST};
    uint8_t *rgb = malloc(3 * WIDTH * HEIGHT);
    char path[4096];
    if (argc != 3 || !rgb) {
        fprintf(stderr, "usage: bench_pictures FOLDER N\n");
        return 2;
    }
    for (int i = 0; i < atoi(argv[2]); i++) {
        paint(rgb, (uint32_t)i + 1);
        snprintf(path, sizeof(path), "%s/%05d.png", argv[1], i);
        if (!png_image_write_to_file(&image, path, 0, rgb, 0, NULL)) {
            fprintf(stderr, "bench_pictures: %s: %s\n", path, image.message);
            return 1;
        }
    }
    free(rgb);
    return 0;
}
