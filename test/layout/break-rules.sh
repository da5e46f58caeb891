#!/bin/sh
# break-rules.sh -- breaks every rule of tools/check-layout in a copy of the tree, and
# expects the words for each.
#
# usage: break-rules.sh FOLDER of the checkout
# SPDX-License-Identifier: MIT
set -eu

root=$1
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
failed=0
count=0

new_tree()
{
    rm -rf "${copy:?}/tree"
    mkdir "$copy/tree"
    cp -R "$root/src" "$root/test" "$root/tools" "$copy/tree"
    : >"$copy/wanted"
}

# want "WORDS": the checker has to say so.
want()
{
    printf '%s\n' "$1" >>"$copy/wanted"
}

# put FILE LINE...: a new file with a good head and these lines, from line 3 on.
put()
{
    file=$copy/tree/$1
    mkdir -p "$(dirname "$file")"
    printf '// %s -- a test.\n// SPDX-License-Identifier: MIT\n' "${1##*/}" >"$file"
    shift
    printf '%s\n' "$@" >>"$file"
}

# bad FILE LINE "WORDS": a new file whose third line breaks a rule.
bad()
{
    put "$1" "$2"
    want "$1:3: $3"
}

# insert FILE LINE "WORDS": an old file whose third line breaks a rule.
insert()
{
    sed -i "3i $2" "$copy/tree/$1"
    want "$1:3: $3"
}

# functions HOW-MANY LINES: so many functions of so many lines.
functions()
{
    awk -v functions="$1" -v lines="$2" 'BEGIN {
        while (functions-- > 0) {
            print "static int planted(int a)\n{"
            for (i = 2; i < lines; i++)
                print "    a++;"
            print "}"
        }
    }'
}

# Runs the checker; it has to fail with every wanted word.
check()
{
    if said=$(sh "$root/tools/check-layout" "$copy/tree" 2>&1); then
        echo "FAILED: the checker is content"
        failed=$((failed + 1))
    fi
    while read -r words; do
        count=$((count + 1))
        if ! printf '%s\n' "$said" | grep -qF -- "$words"; then
            echo "FAILED: is not said: $words"
            failed=$((failed + 1))
        fi
    done <"$copy/wanted"
}

# A good file breaks nothing.
new_tree
put src/guard/planted.c '#include "base/buf.h"' '#include "guard/guard.h"' \
    '#include <stdio.h>' '// printf("in a comment") and uv_run(too)' "$(functions 1 90)"
if sh "$root/tools/check-layout" "$copy/tree" 2>&1 | grep planted; then
    echo "FAILED: is said without reason"
    failed=$((failed + 1))
fi

new_tree
# Layers.
bad src/image/up1.c '#include "store/store.h"' \
    'image may not include store/store.h (of store)'
bad src/image/up2.c '#  include "spine/job.h"' 'image may not include spine/job.h (of job)'
bad src/store/up3.c '#include "vlmd.h"' 'store may not include vlmd.h (of public)'
bad src/guard/up4.c '#include "io/loop.h"' 'guard may not include io/loop.h (of io)'
bad src/privacy/up5.c '#include "io/http.h"' 'privacy may not include io/http.h (of io)'
bad src/base/up6.c '#include "io/loop.h"' 'base may not include io/loop.h (of io)'
bad src/io/up7.c '#include "image/image.h"' 'io may not include image/image.h (of image)'
bad src/cli/up8.c '#include "store/store.h"' 'cli may not include store/store.h (of store)'
bad src/cli/up9.c '#include "app.h"' 'cli may not include app.h (of app)'
bad src/config/up10.c '#include "app.h"' 'config may not include app.h (of app)'
put src/newfolder/planted.c
want 'src/newfolder/planted.c:1: stands in a folder that has no layer'
# Inside the spine.
insert src/dispatch/dispatch.c '#include "spine/pipeline.h"' \
    'dispatch may not include spine/pipeline.h (of pipeline)'
insert src/dispatch/dispatch.h '#include "spine/job.h"' \
    'dispatch may not include spine/job.h (of job)'
insert src/spine/job.h '#include "event.h"' 'job may not include event.h (of event)'
insert src/spine/event.h '#include "job.h"' 'event may not include job.h (of job)'
insert src/spine/pipeline.c '#include "schedule.h"' \
    'pipeline may not include schedule.h (of schedule)'
insert src/spine/pipeline.h '#include "app.h"' 'pipeline may not include app.h (of app)'
insert src/vlmd.h '#include <stdio.h>' 'the public header includes only'
# Libraries.
bad src/image/lib1.c '#include <sqlite3.h>' 'sqlite3.h may not be included here'
bad src/io/lib2.c '#include <curl/curl.h>' 'curl/curl.h may not be included here'
bad src/io/lib3.c '#include <microhttpd.h>' 'microhttpd.h may not be included here'
bad src/ingest/lib4.c '#include <uv.h>' 'uv.h may not be included here'
bad src/store/lib5.c 'int f(void *l) { return uv_run(l, 0); }' 'libuv may not be called'
bad src/ocr/lib6.c '#include <tesseract/capi.h>' \
    'tesseract/capi.h may not be included here'
bad src/image/lib7.c '    printf("%d", 1);' 'a library does not print, exit'
bad src/gate9.c '    dispatch_try(d, a, on_done);' 'goes past the privacy gate'
bad src/way2.c '    dispatch_send(d, r, a, pass);' 'goes past the privacy gate'
bad src/way1.c '    backend_ask(b, a, on_done);' 'goes past the privacy gate'
insert src/spine/learn.c '    p->organs.ask(p->organs.ctx, a, on_done);' 'goes past the privacy gate'
bad src/ingest/lib8.c '    signal(SIGPIPE, SIG_IGN);' 'a library does not print, exit'
# Sizes.
put src/image/size1.c "$(functions 1 91)"
want 'src/image/size1.c:4: planted is 91 lines long (at most 90)'
put test/image/size2.c "$(functions 1 91)"
want 'test/image/size2.c:4: planted is 91 lines long (at most 90)'
put src/image/size3.c "$(yes // | head -n 799)"
want 'src/image/size3.c:801: is 801 lines long (at most 800)'
put src/image/size4.c "$(yes // | head -n 599)"
want 'warning: src/image/size4.c is 601 lines long (should be under 600)'
# Names.
put src/image/store.c
want 'src/store/store.c:1: has the same name as src/image/store.c'
put tools/name1.c
put test/image/name1.c
want 'tools/name1.c:1: has the same name as test/image/name1.c'
sed -i 's/^struct ocr;/struct ocr;\
void read_everything(void);\
struct helper {\
    int a;\
};\
enum ocr_kind { OCR_A, OTHER_B };\
#define LIMIT 3/' "$copy/tree/src/ocr/ocr.h"
want 'read_everything does not begin with ocr_'
want 'helper does not begin with ocr_'
want 'OTHER_B does not begin with ocr_'
want 'LIMIT does not begin with ocr_'
mkdir "$copy/tree/vendor"
want 'vendor:1: is not one of the agreed names at the top of the tree'
bad src/image/name2.c "// see /ro""ot/notes" 'names a folder of one machine'
bad test/image/name3.c "// see /wo""rk/notes" 'names a folder of one machine'
put src/image/name4.c
sed -i 2d "$copy/tree/src/image/name4.c"
want 'src/image/name4.c:1: has no SPDX-License-Identifier line'
put src/image/name5.c
sed -i 1s/name5.c/other.c/ "$copy/tree/src/image/name5.c"
want 'src/image/name5.c:1: does not begin with "// name5.c -- '
check

# The median, last because it takes so many functions.
new_tree
for i in 1 2 3 4 5 6 7 8 9; do
    put "src/image/median$i.c" "$(functions 400 16)"
done
want 'src:1: the median function is longer than 15 lines'
check

echo "$((count - failed)) of $count broken rules were noticed"
[ $failed = 0 ]
