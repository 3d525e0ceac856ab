#!/bin/sh
# Builds the addon, libprex.so and prex into build/Release. Node's headers come from the node installation when they
# are there (Debian's libnode-dev, or the tarball's include/), so that nothing is fetched.
set -eu
prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
nodedir=
for dir in "$prefix" /usr; do
    if [ -f "$dir/include/node/node_api.h" ]; then nodedir="--nodedir=$dir"; break; fi
done
if [ -f build/Makefile ] && [ build/Makefile -nt binding.gyp ]; then step=build; else step=rebuild; fi
# A new source file changes what binding.gyp's globs give.
if [ "$step" = build ] && [ -n "$(find native -newer build/Makefile -type d)" ]; then step=rebuild; fi
node_modules/.bin/node-gyp $step --silent $nodedir
