#!/bin/sh
# deps.sh check: name the Debian packages that a build, the tests and the demo need and that are not here.
# deps.sh install: install them (root or sudo).
set -eu
missing=
need() { # need PACKAGE TEST...
    package=$1; shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
PATH=$PATH:/usr/sbin:/sbin
need build-essential sh -c 'command -v cc && command -v gcc && command -v c++ && command -v make'
need python3 command -v python3
need nodejs command -v node
need npm command -v npm
need musl-tools command -v musl-gcc
build="$missing"; missing=
need openssh-server command -v sshd
need openssh-client command -v ssh
need iproute2 command -v ip
need procps command -v ps
need util-linux command -v unshare
need mount command -v mount
lab="$missing"; missing=
need ninja-build command -v ninja
need cmake command -v cmake
need git command -v git
need perl command -v perl
need strace command -v strace
need nftables command -v nft
need fish command -v fish
need csh command -v csh
need sysstat command -v sar
need stress-ng command -v stress-ng
need tmux command -v tmux
need vim-tiny command -v vi
need less command -v less
case $(uname -m) in x86_64) need libc6-i386 test -e /lib/ld-linux.so.2 ;; esac
need distcc command -v distcc
need parallel command -v parallel
need bindfs command -v bindfs
need sshfs command -v sshfs
need fonts-dejavu-core ls /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
test="$missing"

# The labs start an sshd of their own each; one for the whole machine is nobody's wish.
install_without_services() {
    policy=/usr/sbin/policy-rc.d mine=
    if [ ! -e "$policy" ]; then
        mine=$policy
        trap '$sudo rm -f $mine' EXIT
        printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
        $sudo chmod 755 "$policy"
    fi
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
    case " $* " in *" openssh-server "*)
        [ ! -d /run/systemd/system ] || $sudo systemctl disable --quiet ssh.service ssh.socket || true ;;
    esac
}

case "${1:-check}" in
check)
    required=$(printf '%s' "$build" | sed 's/ musl-tools//')
    if [ -n "$required" ]; then
        echo "pants: needed to build, not installed:$required" >&2
        echo "pants: install with: sudo apt-get install$required" >&2
        exit 1
    fi
    [ -z "$build" ] || echo "pants: musl-tools is not installed: prex is linked against glibc and starts slower" >&2
    ;;
install)
    all="$build$lab$test"
    [ -n "$all" ] || exit 0
    sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
    # shellcheck disable=SC2086
    install_without_services $all
    ;;
*) echo "usage: deps.sh check|install" >&2; exit 2 ;;
esac
