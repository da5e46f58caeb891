#!/bin/sh
# failures.sh -- every test that test/FAILURES.md names is there and is run; groups are large.
#
# usage: failures.sh FOLDER of the checkout
#
# A line of the list is: - `FOLDER/FILE.c` NAME
# SPDX-License-Identifier: MIT
set -eu

cd "$1/test"
least_in_all=60 least_in_group=10 bad=0 n=0 in_group=0 group=

close_group() {
    if [ -n "$group" ] && [ "$in_group" -lt "$least_in_group" ]; then
        echo "FAILURES.md: $group: $in_group tests, at least $least_in_group are wanted"
        bad=1
    fi
    in_group=0
}

# Once where it is written, once where it is run; and the program is one of the tests.
check() {
    if ! [ -f "$1" ] || [ "$(grep -cw -- "$2" "$1")" -lt 2 ]; then
        echo "FAILURES.md: $group: $1 has no test $2"
        bad=1
    fi
    folder=${1%/*} program=$(basename -- "$1" .c)
    short=${program#test_}  # lists of a folder leave out what all have
    if ! grep -qwE "$program|$short|${short#"$folder"_}" "$folder/CMakeLists.txt"; then
        echo "FAILURES.md: $group: $program is not built"
        bad=1
    fi
}

while IFS= read -r line; do
    case $line in
    '## '*)
        close_group
        group=${line#'## '}
        ;;
    '- `'*)
        file=${line#'- `'}
        check "${file%%'`'*}" "${line##* }"
        n=$((n + 1)) in_group=$((in_group + 1))
        ;;
    esac
done <FAILURES.md
close_group
if [ "$n" -lt "$least_in_all" ]; then
    echo "FAILURES.md: $n tests, at least $least_in_all are wanted"
    bad=1
fi
echo "$n tests of failures"
exit "$bad"
