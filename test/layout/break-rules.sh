#!/bin/sh
# break-rules.sh -- breaks each rule of tools/check-layout in a copy of the tree, and
# expects the words for it.
#
# usage: break-rules.sh FOLDER of the checkout
# SPDX-License-Identifier: MIT
set -eu

root=$1
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/keep"
cp -R "$root/src" "$root/test" "$root/tools" "$copy/keep"
cp -Rl "$copy/keep" "$copy/tree"
failed=0
count=0

# expect "WORDS": the checker fails and says so; then the tree is as it was.
expect()
{
    count=$((count + 1))
    if said=$(sh "$root/tools/check-layout" "$copy/tree" 2>&1); then
        echo "FAILED: is not noticed: $1"
        failed=$((failed + 1))
    elif ! printf '%s\n' "$said" | grep -qF -- "$1"; then
        echo "FAILED: is not said: $1"
        printf '%s\n' "$said" | sed 's/^/    /' | head -n 20
        failed=$((failed + 1))
    fi
    rm -rf "${copy:?}/tree"
    cp -Rl "$copy/keep" "$copy/tree"
}

# refuse "WORDS": the checker does not say so.
refuse()
{
    count=$((count + 1))
    if sh "$root/tools/check-layout" "$copy/tree" 2>&1 | grep -F -- "$1"; then
        echo "FAILED: is said without reason: $1"
        failed=$((failed + 1))
    fi
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

# function LINES: a function of so many lines.
function_of()
{
    echo 'static int planted(int a)'
    echo '{'
    i=2
    while [ $i -lt "$1" ]; do
        echo '    a++;'
        i=$((i + 1))
    done
    echo '}'
}

# A good file breaks nothing.
put src/guard/planted.c '#include "base/buf.h"' '#include "guard/guard.h"' \
    '#include <stdio.h>' '// printf("in a comment") and uv_run(too)' "$(function_of 90)"
refuse planted

put src/image/planted.c '#include "store/store.h"'
expect 'src/image/planted.c:3: image may not include store/store.h (of store)'
put src/image/planted.c '' '#  include "job.h"'
expect 'src/image/planted.c:4: image may not include job.h (of job)'
put src/store/planted.c '#include "vlmd.h"'
expect 'src/store/planted.c:3: store may not include vlmd.h (of public)'
put src/guard/planted.c '#include "io/loop.h"'
expect 'src/guard/planted.c:3: guard may not include io/loop.h (of io)'
put src/privacy/planted.c '#include "io/http.h"'
expect 'src/privacy/planted.c:3: privacy may not include io/http.h (of io)'
put src/base/planted.c '#include "io/loop.h"'
expect 'src/base/planted.c:3: base may not include io/loop.h (of io)'
put src/io/planted.c '#include "image/image.h"'
expect 'src/io/planted.c:3: io may not include image/image.h (of image)'
put src/cli/planted.c '#include "store/store.h"'
expect 'src/cli/planted.c:3: cli may not include store/store.h (of store)'
put src/cli/planted.c '#include "app.h"'
expect 'src/cli/planted.c:3: cli may not include app.h (of app)'
put src/planted/planted.c
expect 'src/planted/planted.c:1: stands in a folder that has no layer'

sed -i '3i #include "pipeline.h"' "$copy/tree/src/dispatch.c"
expect 'src/dispatch.c:3: dispatch may not include pipeline.h (of pipeline)'
sed -i '3i #include "job.h"' "$copy/tree/src/dispatch.h"
expect 'src/dispatch.h:3: dispatch may not include job.h (of job)'
sed -i '3i #include "event.h"' "$copy/tree/src/job.h"
expect 'src/job.h:3: job may not include event.h (of event)'
sed -i '3i #include "job.h"' "$copy/tree/src/event.h"
expect 'src/event.h:3: event may not include job.h (of job)'
sed -i '3i #include "schedule.h"' "$copy/tree/src/pipeline.c"
expect 'src/pipeline.c:3: pipeline may not include schedule.h (of schedule)'
sed -i '3i #include "app.h"' "$copy/tree/src/pipeline.c"
expect 'src/pipeline.c:3: pipeline may not include app.h (of app)'
sed -i '3i #include <stdio.h>' "$copy/tree/src/vlmd.h"
expect 'src/vlmd.h:3: the public header includes only'

put src/image/planted.c '#include <sqlite3.h>'
expect 'src/image/planted.c:3: sqlite3.h may not be included here'
put src/io/planted.c '#include <curl/curl.h>'
expect 'src/io/planted.c:3: curl/curl.h may not be included here'
put src/io/planted.c '#include <microhttpd.h>'
expect 'src/io/planted.c:3: microhttpd.h may not be included here'
put src/ingest/planted.c '#include <uv.h>'
expect 'src/ingest/planted.c:3: uv.h may not be included here'
put src/store/planted.c '#include "io/loop.h"' 'int f(void *l) { return uv_run(l, 0); }'
expect 'src/store/planted.c:4: libuv may not be called here'
put src/ocr/planted.c '#include <tesseract/capi.h>'
expect 'src/ocr/planted.c:3: tesseract/capi.h may not be included here'
put src/image/planted.c '    printf("%d", 1);'
expect 'src/image/planted.c:3: a library does not print, exit'
put src/ingest/planted.c '    signal(SIGPIPE, SIG_IGN);'
expect 'src/ingest/planted.c:3: a library does not print, exit'

put src/image/planted.c "$(function_of 91)"
expect 'src/image/planted.c:4: planted is 91 lines long (at most 90)'
put test/image/planted.c "$(function_of 91)"
expect 'test/image/planted.c:4: planted is 91 lines long (at most 90)'
put src/image/planted.c "$(yes // | head -n 799)"
expect 'src/image/planted.c:801: is 801 lines long (at most 800)'
awk 'BEGIN {
    for (n = 0; n < 3000; n++) {
        print "static int planted(int a)\n{"
        for (i = 0; i < 15; i++)
            print "    a++;"
        print "}"
    }
}' >"$copy/functions"
split -l 600 "$copy/functions" "$copy/tree/src/image/planted_"
for part in "$copy"/tree/src/image/planted_*; do
    put "src/image/${part##*/}.c" "$(cat "$part")"
    rm "$part"
done
expect 'the median function is longer than 15 lines'

put src/image/store.c
expect 'src/store/store.c:1: has the same name as src/image/store.c'
put tools/planted.c
put test/image/planted.c
expect 'tools/planted.c:1: has the same name as test/image/planted.c'
put src/ocr/planted.h
sed -i 's/^void ocr_config_default/void read_everything(void);\nvoid ocr_config_default/' \
    "$copy/tree/src/ocr/ocr.h"
expect 'read_everything does not begin with ocr_'
sed -i 's/^struct ocr;/struct ocr;\nstruct helper {\n    int a;\n};/' "$copy/tree/src/ocr/ocr.h"
expect 'helper does not begin with ocr_'
sed -i 's/^struct ocr;/struct ocr;\nenum ocr_kind { OCR_A, OTHER_B };/' "$copy/tree/src/ocr/ocr.h"
expect 'OTHER_B does not begin with ocr_'
sed -i 's/^struct ocr;/struct ocr;\n#define LIMIT 3/' "$copy/tree/src/ocr/ocr.h"
expect 'LIMIT does not begin with ocr_'

mkdir "$copy/tree/vendor"
expect 'vendor:1: is not one of the agreed names at the top of the tree'
put src/image/planted.c "// see /ro""ot/notes"
expect 'src/image/planted.c:3: names a folder of one machine'
put test/image/planted.c "// see /wo""rk/notes"
expect 'test/image/planted.c:3: names a folder of one machine'
put src/image/planted.c
sed -i 2d "$copy/tree/src/image/planted.c"
expect 'src/image/planted.c:1: has no SPDX-License-Identifier line'
put src/image/planted.c
sed -i 1s/planted.c/other.c/ "$copy/tree/src/image/planted.c"
expect 'src/image/planted.c:1: does not begin with "// planted.c -- '

echo "$((count - failed)) of $count rules hold"
[ $failed = 0 ]
