#!/bin/sh
# installed.sh -- what `cmake --install` puts somewhere works there.
#
# usage: installed.sh BUILD-FOLDER
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2317
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cmake --install "$1" --prefix "$place/usr" >/dev/null
failed=0

expect()
{
    if ! "$@"; then
        echo "FAILED: $*"
        failed=1
    fi
}

says()
{
    words=$1
    shift
    said=$("$@" 2>&1) || :
    case $said in
    *"$words"*) ;;
    *)
        echo "$said"
        return 1
        ;;
    esac
}

cd "$place/usr"
for file in bin/vlmd libexec/vlmd/vlmd-ocr share/man/man1/vlmd.1 include/vlmd.h \
    include/vlmd_figures.h include/vlmd_health.h include/vlmd_privacy.h include/vlmd_words.h \
    share/bash-completion/completions/vlmd share/zsh/site-functions/_vlmd \
    share/fish/vendor_completions.d/vlmd.fish lib/systemd/user/vlmd.service; do
    expect test -s "$file"
done
expect says 'vlmd 0.' bin/vlmd --version
expect says 'is started by vlmd' libexec/vlmd/vlmd-ocr
expect bash -n share/bash-completion/completions/vlmd
# Every command has its place in the manual page.
for command in $(bin/vlmd --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    expect grep -q "^.SS vlmd $command" share/man/man1/vlmd.1
done
# Nothing that the build tree has is needed: the helper is found where it now is.
export HOME="$place" XDG_CONFIG_HOME="$place/c" XDG_DATA_HOME="$place/d" \
    XDG_RUNTIME_DIR="$place/r"
expect says 'ok    ocr' bin/vlmd doctor
exit $failed
