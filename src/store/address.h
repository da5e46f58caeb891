// address.h -- what becomes of an address that may not be kept, once its row has ended.
//
// The path or URL of a picture is needed as long as the picture has yet to be fetched or
// opened.  When its row ends, and store_config.redact says that there is something in it that
// may not be kept, three things stand in its place: a mark, by which the same address is known
// when it comes again; its label, the same with placeholders; and, if a person then wants it
// described anew, what is to be done (job.wanted) as soon as somebody says the address again.
//
//   path /in/a 4111....png  --ended-->  path #9f86d081..., label /in/a [card].png
//        ^                                                 |
//        '--- offered again, and wanted; or named whole ---'
//
// The mark is keyed: whoever has only the database can not try all card numbers against it.
// The key stands in a file of its own beside the database; without it a marked row is not
// known again, and that is all.
//
// The folder a picture is watched in stands in table word, for long.  One with something in
// its name that may not be kept stands there as its mark and its length: what it is, the paths
// of pictures that wait still say.
//
// Private to store/.
// Thread: that of the connection or the writer.
// SPDX-License-Identifier: MIT
#ifndef VLMD_STORE_ADDRESS_H
#define VLMD_STORE_ADDRESS_H

#include "store/sql.h"
#include "store/store.h"

struct writer;

enum { ADDRESS_KEY_BYTES = 32 };

struct address_key {
    uint8_t bytes[ADDRESS_KEY_BYTES];
    bool is_known;
};

// What an address is told as.
#define ADDRESS_TOLD "CASE label WHEN '' THEN path ELSE label END"

// The folder of a job, '' when it is not known any more.
#define ADDRESS_ROOT                                                                     \
    "(SELECT CASE WHEN text NOT GLOB '#*' THEN text WHEN label <> '' THEN '' ELSE"       \
    " substr(path, 1, CAST(substr(text, instr(text, '/') + 1) AS INTEGER)) END"          \
    " FROM word WHERE id = root)"

// Reads "<database>-key", and makes it (0600) when it is not there and may_make is set.
// Several processes may make it at once; all get the same.  Errors: E_STORE, E_ACCESS, with
// words.
MUST_USE int address_key_open(struct address_key *k, const char *database, bool may_make,
                              struct err *e);
// Teaches the connection address_mark(text): NULL while the key is not known.  k is borrowed:
// as long as the connection.
MUST_USE int address_teach(struct db *d, const struct address_key *k);

// The number of a folder, see writer_word.
MUST_USE int address_root(struct writer *w, const char *root, int64_t *id);
// The row has just ended.  Does nothing when its address may be kept.
MUST_USE int address_end(struct writer *w, int64_t job);
// The row with a label has its address again; false: that is another one.
MUST_USE int address_restore(struct writer *w, int64_t job, const char *address,
                             bool *is_restored);
// The rows of databases that were written before labels were known, in steps; has_more: there
// are still some.
MUST_USE int address_sweep(struct writer *w, bool *has_more);

#endif
