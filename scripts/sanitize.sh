#!/bin/sh
# sanitize.sh [quick]: the C parts under AddressSanitizer and UndefinedBehaviorSanitizer, the slot table in every order of its steps, and it and
# the relay under ThreadSanitizer. build/sanitize gets a copy of the tests in which build/Release holds instrumented parts (libprex.so is
# then no longer one that needs libc only), and its own tests are run. Whatever a sanitizer says of any process, seen by
# a test or not, is a file in build/sanitize/reports and fails the run. quick: without the addon, and the tests that wait.
set -eu
cd "$(dirname "$0")/.."
root=$PWD out=$PWD/build/sanitize
library=$(readlink -f "$(cc -print-file-name=libasan.so)")
[ -f "$library" ] || { echo "sanitize.sh: needs gcc's libasan (Debian: gcc)" >&2; exit 1; }
common="-g -O1 -fno-omit-frame-pointer -Wall -Wextra -Wconversion -Werror -Inative/include"
c="cc -std=gnu11 -D_GNU_SOURCE $common"
cxx="c++ -std=c++17 $common -Wno-missing-field-initializers -Wno-cast-function-type"
# Undefined behaviour is a trap, which AddressSanitizer reports: gcc's two runtimes beside each other lose where to.
instrumented="-fsanitize=address,undefined -fsanitize-undefined-trap-on-error"
rm -rf "$out"
mkdir -p "$out/build/Release" "$out/reports"
cp -a src test native bin dist scripts package.json tsconfig.json vitest.config.ts "$out/"
release=$out/build/Release

# shellcheck disable=SC2086
build() {
    $c $instrumented -fPIC -fvisibility=hidden -shared -nostartfiles -Wl,--version-script=native/shim/libprex.map \
        -o "$release/libprex.so" native/shim/*.c &
    version=$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' package.json | head -n 1)
    $c $instrumented "-DPANTS_VERSION=\"$version\"" "-DREPORTS=\"$out/reports/prex\"" -o "$release/prex" native/prex/*.c \
        native/shim/mark.c native/shim/policy.c native/shim/ground.c native/shim/held.c native/shim/words.c \
        test/native/sanitize/prex.c
    wait $!
    $c -o "$out/model" test/native/sanitize/slots_model.c &
    for name in table relay; do
        $cxx -Wno-tsan -fsanitize=thread -pthread -Inative/addon -o "$out/$name" test/native/sanitize/${name}_threads.cc
    done
    $cxx $instrumented -pthread -Inative/addon -o "$out/relay_memory" test/native/sanitize/relay_threads.cc
    wait $!
}

# shellcheck disable=SC2086
build_addon() {
    node=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
    [ -f "$node/include/node/node_api.h" ] || node=/usr
    api=$(node -p 'require("node-addon-api").include_dir' 2>/dev/null)
    objects=
    for source in native/addon/*.cc; do
        objects="$objects $out/$(basename "$source").o"
    done
    printf '%s\n' native/addon/*.cc | xargs -P "$(nproc)" -I{} sh -c "$cxx -Wsign-conversion $instrumented -fPIC \
        -DNAPI_VERSION=8 -DNODE_ADDON_API_DISABLE_DEPRECATED -DNODE_GYP_MODULE_NAME=pants -DBUILDING_NODE_EXTENSION \
        -isystem $api -isystem $node/include/node -c {} -o $out/\$(basename {}).o"
    $cxx $instrumented -shared -o "$release/pants.node" $objects
}

# tests PRELOAD FILE...
tests() {
    preload=$1; shift
    # A fault that a program is meant to die of stays its own; so do the failings of programs of others.
    (cd "$out" && LD_PRELOAD=$preload PANTS_SANITIZER=$library \
        ASAN_OPTIONS=detect_leaks=0:handle_segv=0:handle_sigill=1:allocator_may_return_null=1:log_path=$out/reports/asan \
        node "$root/node_modules/vitest/vitest.mjs" run "$@")
}

build
# What cannot find anything finds nothing: these two are faults, and must be reported.
for fault in --address --undefined; do
    "$release/prex" $fault 2>/dev/null && exit 1
    rm "$out"/reports/* || { echo "sanitize.sh: prex $fault was not reported" >&2; exit 1; }
done
"$out/model"
"$out/table" "$out/slots"
"$out/relay"
"$out/relay_memory"
if [ "${1:-}" = quick ]; then
    cp build/Release/pants.node "$release/"
    tests "" test/native/decide.test.ts test/native/keeper.test.ts
else
    build_addon
    tests "" test/native
    tests "$library" test/io/children.test.ts test/io/pump.test.ts test/io/reactor.test.ts test/io/spawn.test.ts \
        test/io/table.test.ts test/io/byte-pipe.test.ts test/io/relay.test.ts test/io/unix-socket.test.ts test/io/held.test.ts test/io/layout.test.ts
fi
for report in "$out"/reports/*; do
    [ -f "$report" ] || continue
    cat "$report" >&2
    echo "sanitize.sh: $report" >&2
    exit 1
done
echo "sanitize.sh: nothing found"
