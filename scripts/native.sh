#!/bin/sh
# Builds the addon, libprex.so and prex into build/Release, what changed only, and prints nothing but errors. Node's
# headers come from the node installation when they are there (Debian's libnode-dev, or the tarball's include/), so
# that nothing is fetched.
set -eu
prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
nodedir=
for dir in "$prefix" /usr; do
    if [ -f "$dir/include/node/node_api.h" ]; then nodedir="--nodedir=$dir"; break; fi
done
gyp() { node_modules/.bin/node-gyp "$@" --loglevel=error $nodedir >/dev/null; }

# binding.gyp lists the sources by globs: a file that came or went shows as a newer folder.
makefile=build/Makefile
if [ ! -f $makefile ] || [ -n "$(find binding.gyp native -newer $makefile \( -type d -o -name binding.gyp \))" ]; then
    gyp configure
fi
gyp build --jobs max
