#!/bin/sh
# bench.sh: what libprex.so costs inside an exec, one JSON line each. Needs build/Release/libprex.so.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
shim=$root/build/Release/libprex.so
# On tmpfs, as /run is.
folder=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)")
trap 'rm -rf "$folder"' EXIT
export PANTS_RUNTIME_DIR="$folder"
${CC:-cc} -O2 -Wall -Wextra -Werror -rdynamic -I"$root/native/include" "$here/exec.c" -o "$folder/exec"
${CC:-cc} -O2 -Wall -Wextra -Werror -fPIC -shared "$here/stop.c" -o "$folder/stop.so"
cp "$folder/exec" "$folder/unmarked"
cp "$folder/exec" "$folder/marked"
"$folder/exec" ground
"$folder/exec" mark "$folder/marked"
inside() { # inside WHAT PRELOAD PROGRAM
    LD_PRELOAD="$2" "$folder/exec" inside "$1" "$folder/$3"
}
inside "execve, no shim" "$folder/stop.so" unmarked
"$folder/exec" look "$folder/unmarked"
inside "execve, unmarked" "$shim $folder/stop.so" unmarked
inside "execve, marked, host idle" "$shim $folder/stop.so" marked
"$folder/exec" start "$shim"
