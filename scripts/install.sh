#!/bin/sh
# Installs what `make` built. PREFIX is where it will live, DESTDIR a folder to put before it (for packages), NODE the
# node that runs it. Nothing installed refers to the source tree.
set -eu
umask 022
cd "$(dirname "$0")/.."
prefix=${PREFIX:-/usr/local}
destdir=${DESTDIR:-}
node=${NODE:-$(command -v node || :)}

fail() { echo "install: $*" >&2; exit 1; }
case $prefix in /*) prefix=${prefix%/} ;; *) fail "PREFIX must be an absolute path, not '$prefix'" ;; esac
case $prefix$node in *[!A-Za-z0-9/._+@:-]*) fail "PREFIX and NODE: only letters, digits and / . _ + @ : - please" ;; esac
case $node in /*) [ -x "$node" ] || fail "no node at $node" ;; *) fail "NODE must be node's absolute path, not '$node'" ;; esac
for file in build/Release/libprex.so build/Release/prex build/Release/pants.node dist/cli/pants.js dist/cli/pantsd.js \
    dist/cli/prexd.js dist/cli/prex-agent.js; do
    [ -f "$file" ] || fail "$file is missing: run 'make' first"
done
root=$destdir$prefix
lib=$root/lib/pants
new=$root/lib/.pants.new.$$
old=$root/lib/.pants.old.$$
shim=$root/lib/.libprex.so.$$
undo() {
    if [ -e "$old" ] && [ ! -e "$lib" ]; then mv "$old" "$lib"; fi
    rm -rf "$new" "$shim"
}
trap undo EXIT
trap 'exit 1' HUP INT TERM

mkdir -p "$root/bin" "$root/lib/systemd/system" "$root/share/doc/pants" "$root/share/man/man1" "$root/share/man/man8"

# The package, made beside its place and moved there whole.
mkdir -p "$new/bin" "$new/dist" "$new/build/Release"
cp package.json LICENSE "$new/"
(cd dist && find . -name '*.js' ! -path './cli/pants-bench.js' ! -path './cli/pants-demo.js') |
    while read -r file; do
        mkdir -p "$new/dist/${file%/*}"
        cp "dist/$file" "$new/dist/$file"
    done
cp build/Release/prex build/Release/pants.node "$new/build/Release/"
mkdir "$new/bench"
cp -R bench/micro "$new/bench/" # which pants bench compiles
for name in pants pants-flag pantsd prexd prex-agent; do
    sed "s|PANTS_NODE:-node}|PANTS_NODE:-$node}|" "bin/$name" >"$new/bin/$name"
    grep -q "PANTS_NODE:-$node}" "$new/bin/$name" || fail "bin/$name does not say where node goes"
    chmod 755 "$new/bin/$name"
done
ln -s ../build/Release/prex "$new/bin/prex"
# The packages that package.json names under dependencies, and theirs, from where node would find them.
"$node" -e '
const { existsSync, readFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const seen = new Set();
const visit = (from) => {
  const { dependencies = {} } = JSON.parse(readFileSync(join(from, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    let at = from;
    while (!existsSync(join(at, "node_modules", name, "package.json"))) {
      if (at === ".") throw new Error(`${name} is not in node_modules: run make`);
      at = dirname(at);
    }
    const folder = join(at, "node_modules", name);
    if (!seen.has(folder)) { seen.add(folder); visit(folder); }
  }
};
visit(".");
console.log([...seen].sort().join("\n"));' >"$new/packages"
while read -r folder; do
    [ -d "$new/$folder" ] || { mkdir -p "$new/${folder%/*}" && cp -R "$folder" "$new/$folder"; }
done <"$new/packages"
rm "$new/packages"
chmod -R u=rwX,go=rX "$new"
if [ -e "$lib" ]; then
    grep -q '"name": "pants"' "$lib/package.json" 2>/dev/null || fail "$lib is there and is not ours"
    mv "$lib" "$old"
fi
mv "$new" "$lib"
rm -rf "$old"

# The shim by rename: processes that start meanwhile find the old one or the new one, never half of one.
cp build/Release/libprex.so "$shim"
chmod 755 "$shim"
mv -f "$shim" "$root/lib/libprex.so"

# By the path libprex/as-libasan.so/$LIB/libprex.so nothing is heard of the shim. Setuid programs do not mention a path that
# they do not load. Each loader finds its own: that of 32-bit programs, which cannot load the shim, one that does nothing. And
# AddressSanitizer ends programs whose first library is not its own, which it knows by a name with libasan.so in it. (The order
# is no matter, since it does not intercept what the shim does. Where it is linked statically it ends programs that have
# mapped a file of such a name, but what is mapped is the file behind the link.)
quiet=$root/lib/libprex
put() { # put FOLDER TARGET: makes $quiet/FOLDER/libprex.so a link to TARGET, at no moment missing
    mkdir -p "$quiet/$1"
    [ "$(readlink "$quiet/$1/libprex.so")" = "$2" ] || { ln -s "$2" "$quiet/$1/.new.$$" && mv -f "$quiet/$1/.new.$$" "$quiet/$1/libprex.so"; }
}
up() { echo "$1" | sed 's|[^/][^/]*|..|g'; } # from a folder below
# What $LIB is to the loader here; musl's knows none.
lib64=$(LD_DEBUG=libs LD_LIBRARY_PATH='/pants-$LIB-' sh -c : 2>&1 | sed -n '1,/search path/s|.*=/pants-\(lib[^:]*\)-[/:].*|\1|p' || :)
if [ -n "$lib64" ]; then put "as-libasan.so/$lib64" "../../$(up "$lib64")/libprex.so"; fi
if [ -f build/Release/lib32/libprex.so ]; then
    mkdir -p "$quiet/32"
    cp build/Release/lib32/libprex.so "$quiet/32/.new.$$"
    mv -f "$quiet/32/.new.$$" "$quiet/32/libprex.so"
    for folder in lib32 lib/i386-linux-gnu lib; do
        [ "$folder" = "$lib64" ] || put "as-libasan.so/$folder" "../$(up "$folder")/32/libprex.so"
    done
fi
# The same for the bare name libprex.so, setuid programs excepted: ld.so takes what it finds in the first folder that it was told.
conf=$destdir/etc/ld.so.conf.d
if [ -n "$lib64" ] && { [ -n "$destdir" ] || [ -w "$conf" ]; }; then
    mkdir -p "$conf"
    echo "$prefix/lib/libprex/as-libasan.so/$lib64" >"$conf/00-pants.conf"
    [ ! -d "$quiet/32" ] || echo "$prefix/lib/libprex/32" >>"$conf/00-pants.conf"
fi

for name in pants pants-flag pantsd prexd prex-agent prex; do
    ln -sfn "../lib/pants/bin/$name" "$root/bin/$name"
done
for page in docs/man/*.[18]; do
    install -m 644 "$page" "$root/share/man/man${page##*.}/"
done
for page in README.md CHANGELOG.md docs/*.md docs/pants.toml; do
    install -m 644 "$page" "$root/share/doc/pants/"
done
cat >"$root/lib/systemd/system/pantsd.service" <<UNIT
[Unit]
Description=PANTS host daemon: load, slots and the cluster's leader
Documentation=man:pantsd(8)
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=$prefix/bin/pantsd --foreground
ExecReload=/bin/kill -HUP \$MAINPID
Restart=on-failure
RestartSec=2
# Users' helpers and the slot table live there too and outlast a restart.
RuntimeDirectory=pants
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=yes
NoNewPrivileges=yes
ProtectSystem=full
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
UNIT
chmod 644 "$root/lib/systemd/system/pantsd.service"

echo "pants: installed in $root"
preload=$prefix/lib/libprex.so
[ -z "$lib64" ] || preload="'$prefix/lib/libprex/as-libasan.so/\$LIB/libprex.so'"
if [ -z "$destdir" ] && [ "$(id -u)" = 0 ]; then
    PATH=$PATH:/usr/sbin:/sbin
    ldconfig || :
    if ldconfig -p | grep -q "=> $prefix/lib/.*libprex.so\$"; then
        echo "pants: use it with: export LD_PRELOAD=libprex.so"
        echo "pants: or, not mentioned by sudo and its like: export LD_PRELOAD=$preload"
        exit 0
    fi
fi
echo "pants: use it with: export LD_PRELOAD=$preload"
