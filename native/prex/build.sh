#!/bin/sh
# build.sh [OUT]: compile prex (default build/Release/prex), static, with musl when it is there: a static glibc program
# takes 550 us to start, a musl one 65. PREX_CC and CFLAGS are honoured.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../build/Release/prex}
mkdir -p "$(dirname "$out")"
cc=${PREX_CC:-}
[ -n "$cc" ] || { command -v musl-gcc >/dev/null 2>&1 && cc=musl-gcc || cc=${CC:-cc}; }
version=$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$here/../../package.json" | head -n 1)
# Not position independent: nothing to relocate at start.
# shellcheck disable=SC2086
$cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Werror -O2 ${CFLAGS:-} -static -no-pie -fno-pie \
    "-DPANTS_VERSION=\"${version:-unknown}\"" -I"$here/../include" -Wl,-O1 -Wl,--gc-sections -ffunction-sections \
    -o "$out.$$" "$here"/*.c "$here/../shim/mark.c" "$here/../shim/policy.c" "$here/../shim/ground.c" "$here/../shim/held.c" \
    "$here/../shim/words.c"
mv -f "$out.$$" "$out"
