#!/bin/sh
# prepare.sh FOLDER SUITE...: fetches test suites of others, as Debian packages them, into a folder of their own.
# Nothing is installed. Needs apt-get (a source line of its own is used), cc and make; most are built, git with zlib1g-dev.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1; shift
mkdir -p "$folder/lists/partial" "$folder/src"
cd "$folder"
key=/usr/share/keyrings/debian-archive-keyring.gpg
. /etc/os-release

apt() {
    apt-get -q -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$folder/lists" -o APT::Sandbox::User=root "$@"
}

sources() { # sources PACKAGE: unpacked as src/PACKAGE
    [ -d "src/$1" ] && return
    if [ ! -e sources.list ]; then
        echo "deb-src [signed-by=$key] http://deb.debian.org/debian $VERSION_CODENAME main" >sources.list
        apt update
    fi
    mkdir -p "src/$1.new"
    (cd "src/$1.new" && apt source "$1")
    mv "src/$1.new"/*/ "src/$1"
    rm -r "src/$1.new"
}

needs() { # needs COMMAND
    command -v "$1" >/dev/null || { echo "prepare.sh: $suite needs $1" >&2; exit 1; }
}

for suite in "$@"; do
    case $suite in
    python)
        [ -e python/done ] && continue
        mkdir -p python
        (cd python && apt-get -q -o APT::Sandbox::User=root download libpython3.11-testsuite && dpkg -x ./*.deb .)
        mv python/usr/lib/python3.11/test python/test
        rm -r python/usr
        # The package holds only what the interpreter's own packages do not.
        cp -rn /usr/lib/python3.11/test/. python/test/
        touch python/done
        ;;
    make | make-children)
        sources make-dfsg
        # Its driver empties the environment; these pass, in both runs.
        grep -q LD_PRELOAD src/make-dfsg/tests/test_driver.pl ||
            sed -i "s/^ *'ASAN_OPTIONS'/'LD_PRELOAD', grep(\/^PANTS_\/, keys %ENV), &/" \
                src/make-dfsg/tests/test_driver.pl
        # As configure would, for the make that is installed.
        sed 's/@CC@/cc/; s/@[A-Z_]*@//' src/make-dfsg/tests/config-flags.pm.in >src/make-dfsg/tests/config-flags.pm
        ;;
    bash | bash-children)
        sources bash
        [ -e src/bash/xcase ] ||
            (cd src/bash && ./configure --quiet && make --quiet recho zecho printenv xcase)
        ;;
    coreutils | diffutils | findutils | grep | gzip | sed | tar)
        sources "$suite"
        [ -e "src/$suite/built" ] && continue
        # Their build files are up to date, whatever the times say that unpacking gave them.
        (cd "src/$suite" && FORCE_UNSAFE_CONFIGURE=1 ./configure --quiet --disable-nls &&
            make --quiet AUTOMAKE=: ACLOCAL=: AUTOCONF=: AUTOHEADER=: MAKEINFO=:)
        [ "$suite" != tar ] || make --quiet -C src/tar/tests genfile checkseekhole ckmtime
        touch "src/$suite/built"
        ;;
    git)
        sources git
        [ -e src/git/built ] && continue
        (cd src/git && make --quiet CFLAGS=-O1 NO_GETTEXT=1 NO_TCLTK=1 NO_PYTHON=1 NO_CURL=1 NO_EXPAT=1 && touch built)
        ;;
    perl)
        sources perl
        ln -sf /usr/bin/perl src/perl/t/perl
        ln -sf "$(perl -MConfig -e 'print $INC{q{Config.pm}}' | sed s,/[^/]*$,,)"/Config*.p[ml] src/perl/lib/
        ;;
    ruby)
        needs ruby3.1
        sources ruby3.1
        ;;
    tcl)
        needs tclsh8.6
        sources tcl8.6
        ;;
    *)
        echo "prepare.sh: no suite $suite: there are python make make-children bash bash-children coreutils perl ruby" \
            "tcl sed grep diffutils gzip findutils tar git" >&2
        exit 2
        ;;
    esac
done

# They stay here, under the shim, so that what they start is sent.
for program in bash make; do
    cp "/bin/$program" "$program-children"
    "$here/../../bin/pants-flag" --never "$program-children"
done
