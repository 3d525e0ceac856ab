#!/bin/sh
# Removes what install.sh put under DESTDIR and PREFIX, and nothing else: /etc/pants and /run/pants stay.
set -eu
cd "$(dirname "$0")/.."
prefix=${PREFIX:-/usr/local}
destdir=${DESTDIR:-}
case $prefix in
/*) root=$destdir${prefix%/} ;;
*) echo "uninstall: PREFIX must be an absolute path, not '$prefix'" >&2; exit 1 ;;
esac

if [ -f "$destdir/etc/ld.so.preload" ] && grep -q 'libprex\.so' "$destdir/etc/ld.so.preload"; then
    echo "uninstall: warning: $destdir/etc/ld.so.preload names libprex.so: take it out, or every program will complain" >&2
fi
case ${LD_PRELOAD:-} in
*libprex.so*)
    echo "uninstall: note: LD_PRELOAD names libprex.so in this shell: 'unset LD_PRELOAD' stops the complaints" >&2
    # This script's own programs need it no more.
    unset LD_PRELOAD
    ;;
esac

for name in pants pants-flag pantsd prexd prex-agent prex; do
    if [ "$(readlink "$root/bin/$name" 2>/dev/null)" = "../lib/pants/bin/$name" ]; then rm -f "$root/bin/$name"; fi
done
rm -rf "$root/lib/libprex/as-libasan.so" "$root/lib/libprex/32"
[ ! -d "$root/lib/libprex" ] || rmdir "$root/lib/libprex" || :
rm -f "$root/lib/libprex.so" "$root/lib/systemd/system/pantsd.service"
conf=$destdir/etc/ld.so.conf.d
if grep -q "^${prefix%/}/lib/libprex/" "$conf/00-pants.conf" 2>/dev/null; then
    rm -f "$conf/00-pants.conf"
    [ -z "$destdir" ] || rmdir "$conf" 2>/dev/null || :
fi
if grep -q '"name": "pants"' "$root/lib/pants/package.json" 2>/dev/null; then rm -rf "$root/lib/pants"; fi
for page in docs/man/*.[18]; do rm -f "$root/share/man/man${page##*.}/${page##*/}"; done
for page in README.md CHANGELOG.md docs/*.md docs/pants.toml; do rm -f "$root/share/doc/pants/${page##*/}"; done
for dir in share/doc/pants lib/systemd/system lib/systemd; do rmdir "$root/$dir" 2>/dev/null || :; done
if [ -z "$destdir" ] && [ "$(id -u)" = 0 ]; then
    PATH=$PATH:/usr/sbin:/sbin
    ldconfig || :
fi
echo "pants: removed from $root (/etc/pants is left)"
