// page_font.c -- finds the font files and loads them.
//
// FreeType gets the file itself: a pattern would bring along how this machine likes its
// letters, and pages would differ from one machine to the next.
// SPDX-License-Identifier: MIT
#include "page_font.h"

#include <cairo-ft.h>
#include <fontconfig/fontconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct font {
    const char *family, *package;
    bool is_mono;
    FT_Face ft;
    cairo_font_face_t *face;
} fonts[PAGE_FONTS] = {
    {.family = "DejaVu Sans", .package = "fonts-dejavu-core"},
    {.family = "Liberation Sans", .package = "fonts-liberation2"},
    {.family = "Roboto", .package = "fonts-roboto-unhinted"},
    {.family = "Open Sans", .package = "fonts-open-sans"},
    {.family = "Liberation Serif", .package = "fonts-liberation2"},
    {.family = "DejaVu Sans Mono", .package = "fonts-dejavu-core", .is_mono = true},
    {.family = "Liberation Mono", .package = "fonts-liberation2", .is_mono = true},
    {.family = "Fira Code", .package = "fonts-firacode", .is_mono = true},
    {.family = "Inconsolata", .package = "fonts-inconsolata", .is_mono = true},
};

static FT_Library library;

const char *page_font_name(int font)
{
    return fonts[font].family;
}

bool page_font_is_mono(int font)
{
    return fonts[font].is_mono;
}

int page_font_pick(bool is_mono, uint32_t any)
{
    int fitting[PAGE_FONTS], n = 0;
    for (int i = 0; i < PAGE_FONTS; i++) {
        if (fonts[i].is_mono == is_mono) {
            fitting[n++] = i;
        }
    }
    return fitting[any % (uint32_t)n];
}

static void give_up(const struct font *f)
{
    fprintf(stderr, "no font \"%s\": install %s\n", f->family, f->package);
    exit(2);
}

// The upright face of usual weight; another family, which fontconfig offers instead, won't
// do.
static void load_file(struct font *f)
{
    FcChar8 *family = NULL, *file = NULL;
    int index = 0;
    FcResult result;
    FcPattern *wanted =
        FcPatternBuild(NULL, FC_FAMILY, FcTypeString, f->family, FC_WEIGHT, FcTypeInteger,
                       FC_WEIGHT_REGULAR, FC_SLANT, FcTypeInteger, FC_SLANT_ROMAN,
                       FC_WIDTH, FcTypeInteger, FC_WIDTH_NORMAL, NULL);
    FcDefaultSubstitute(wanted);
    FcPattern *found = FcFontMatch(NULL, wanted, &result);
    if (!found || FcPatternGetString(found, FC_FAMILY, 0, &family) ||
        strcmp((const char *)family, f->family) != 0 ||
        FcPatternGetString(found, FC_FILE, 0, &file) ||
        FcPatternGetInteger(found, FC_INDEX, 0, &index) ||
        FT_New_Face(library, (const char *)file, index, &f->ft)) {
        give_up(f);
    }
    FcPatternDestroy(wanted);
    FcPatternDestroy(found);
}

cairo_font_face_t *page_font_face(int font)
{
    struct font *f = &fonts[font];
    if (!library && FT_Init_FreeType(&library)) {
        give_up(f);
    }
    if (!f->face) {
        load_file(f);
        f->face = cairo_ft_font_face_create_for_ft_face(f->ft, 0);
    }
    return f->face;
}

void page_font_end(void)
{
    for (int i = 0; i < PAGE_FONTS; i++) {
        if (fonts[i].face) {
            cairo_font_face_destroy(fonts[i].face);
            fonts[i].face = NULL;
        }
    }
    cairo_debug_reset_static_data();
    for (int i = 0; i < PAGE_FONTS; i++) {
        if (fonts[i].ft) {
            FT_Done_Face(fonts[i].ft);
            fonts[i].ft = NULL;
        }
    }
    if (library) {
        FT_Done_FreeType(library);
        library = NULL;
    }
    FcFini();
}
