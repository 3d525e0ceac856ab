#!/bin/sh
# build.sh [OUT]: compile libprex.so (default build/Release/libprex.so). It needs libc and nothing else, which is
# checked. CC and CFLAGS are honoured. Beside it, in lib32, the one for 32-bit programs, where the compiler can.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../build/Release/libprex.so}
mkdir -p "$(dirname "$out")"
cc=${CC:-cc}
versions=
case $($cc -dumpmachine) in
x86_64-*-gnu) versions="-Wl,--version-script=$here/libprex.map" ;;
esac
# Two segments instead of four and no RELRO: every mapping and mprotect is paid by every process that starts (measured:
# 31 instead of 48 us). Built beside and moved, so that no process ever loads half a file.
# shellcheck disable=SC2086
$cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Werror -O2 ${CFLAGS:-} -fPIC -fvisibility=hidden -fno-stack-protector \
    -fno-asynchronous-unwind-tables -I"$here/../include" -shared -nostartfiles \
    -Wl,-soname,libprex.so -Wl,--hash-style=gnu -Wl,-O1 -Wl,--as-needed -Wl,-z,lazy -Wl,-z,noseparate-code \
    -Wl,-z,norelro $versions \
    -o "$out.$$" "$here"/*.c
needed=$(readelf -d "$out.$$" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | tr '\n' ' ')
case $needed in
"libc.so.6 " | "libc.so " | "libc.musl"*) ;;
*) rm -f "$out.$$"; echo "libprex.so must need libc only, not: $needed" >&2; exit 1 ;;
esac
mv -f "$out.$$" "$out"

# A 32-bit program cannot load it, and its loader would say so on stderr each time: there it finds one that does nothing.
none=$(dirname "$out")/lib32/libprex.so
case $($cc -dumpmachine) in
x86_64-*)
    mkdir -p "$(dirname "$none")"
    echo 'const char pants_does_nothing = 0;' |
        $cc -m32 -O2 -fPIC -shared -nostdlib -Wl,-soname,libprex.so -Wl,--build-id=none -o "$none.$$" -x c - 2>/dev/null &&
        mv -f "$none.$$" "$none" || rm -f "$none.$$" ;;
esac
