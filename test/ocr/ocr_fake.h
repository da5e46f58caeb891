// ocr_fake.h -- what the first byte of a page tells the fake helper to do.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_OCR_FAKE_H
#define VLMD_TEST_OCR_FAKE_H

enum fake_mode {
    FAKE_READ = 1,     // answers "pid=N sum=N language=L", three words
    FAKE_DRIBBLE,      // the same, byte by byte
    FAKE_EMPTY,        // answers an empty page
    FAKE_LONG,         // 1 MiB of text and 1000 words
    FAKE_EXIT,         // takes the page, says "why" on stderr, ends with 3
    FAKE_DIE_EARLY,    // ends with the page half read
    FAKE_HANG,         // takes the page and says nothing
    FAKE_DEAF,         // closes its socket and stays
    FAKE_STUBBORN,     // answers, and stays after the end of file
    FAKE_MAGIC,        // answers with another magic
    FAKE_OVERSIZE,     // announces a text of 1 GiB
    FAKE_OUTSIDE,      // a word outside the page
    FAKE_LATIN1,       // text that is not UTF-8
    FAKE_CUT,          // half an answer, then ends with 0
    FAKE_TALKS_ON,     // an answer and some bytes more
    FAKE_INTERRUPTS,   // answers before the page has come
    FAKE_NO_LANGUAGE,  // refuses: "deu chi_sim" are missing
    FAKE_NO_MEMORY,    // refuses
    FAKE_TOO_LONG,     // refuses
    FAKE_FAILED,       // refuses
};

#endif
