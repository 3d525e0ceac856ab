#!/bin/sh
# run.sh [SUITE...]: runs test suites of others twice, plainly and with every program sent that can be sent, and says
# which tests came out differently. Needs root (two hosts in namespaces, see src/lab), make, and what prepare.sh needs.
# SUITES=FOLDER keeps the suites (default /var/tmp/pants-suites); the results are in FOLDER/results. JOBS=N runs so many
# tests of a suite at once, where it can (coreutils, sed, grep, diffutils, gzip, findutils, tar, git).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=${SUITES:-/var/tmp/pants-suites}
results=$folder/results
jobs=${JOBS:-1}
[ $# -gt 0 ] || set -- python make make-children perl ruby tcl coreutils bash bash-children \
    sed grep diffutils gzip findutils tar git

if [ "$1" != inside ]; then
    mkdir -p "$results"
    sh "$here/prepare.sh" "$folder" "$@" >"$results/prepare.log" 2>&1 ||
        { echo "run.sh: the suites could not be prepared: see $results/prepare.log" >&2; exit 1; }
    exec "${NODE:-node}" "$root/dist/cli/pants-lab.js" up --hosts 2 --slots 64 -- sh "$0" inside "$@"
fi
shift
unset LD_PRELOAD

# In front of the program that runs the tests. It runs here, without a stand-in of its own, and so does what starts
# it; what it starts is sent: env(1) is not under the shim yet.
with=
sent="env LD_PRELOAD=$root/build/Release/libprex.so PANTS_POLICY=always"

limited() { # limited SECONDS COMMAND...
    seconds=$1; shift
    timeout -k 5 "$seconds" "$@" </dev/null
}

# Each writes lines "test<TAB>result" to stdout, and the suite's own words to stderr.
suite_python() {
    work=$(mktemp -d)
    export PYTHONPATH="$folder/python"
    (cd "$work" && limited 900 env $with /usr/bin/python3.11 -m test -v --junit-xml "$work/xml" test_posix test_subprocess) >&2 || :
    unset PYTHONPATH
    tr '\n' ' ' <"$work/xml" | sed 's/<testcase /\n&/g' | sed -n '
        s/^<testcase name="\([^"]*\)".*<\(failure\|error\|skipped\)\b.*/\1\t\2/p; t
        s/^<testcase name="\([^"]*\)".*/\1\tok/p'
    rm -rf "$work"
}

make_tests() { # make_tests MAKE
    (cd "$folder/src/make-dfsg/tests" && limited 900 env $with perl run_make_tests.pl -make "$1") 2>&1 |
        tee /dev/stderr | sed -n 's/^\([a-z]*\/[A-Za-z0-9_.-]*\) \.* \(.*\)/\1\t\2/p'
}
suite_make() { make_tests /usr/bin/make; }
suite_make_children() { make_tests "$folder/make-children"; }

suite_perl() {
    for test in exec die_exit; do
        (cd "$folder/src/perl/t" && limited 100 env $with ./perl "op/$test.t") 2>&1 | tee /dev/stderr |
            sed -n "s/^\(not ok\|ok\) \([0-9]*\).*/$test \2\t\1/p"
    done
}

# Processes, pipes and files of interpreters that start children in ways of their own.
suite_ruby() {
    (cd "$folder/src/ruby3.1" && limited 600 env $with ruby -W0 test/runner.rb --ruby=/usr/bin/ruby -v --no-retry --timeout-scale=3 \
        test/ruby/test_process.rb test/ruby/test_io.rb test/ruby/test_signal.rb test/test_open3.rb test/test_pty.rb) 2>&1 |
        tee /dev/stderr | awk '
            bad { sub(/[ :].*/, ""); result[$0] = bad; bad = "" }
            /^ *[0-9]+\) (Failure|Error|Skipped):/ { bad = tolower($2); sub(/:/, "", bad) }
            match($0, /Test[A-Za-z0-9]*#[^ ]* = /) { name = substr($0, RSTART, RLENGTH - 3); if (!result[name]) result[name] = "ok" }
            END { for (name in result) print name "\t" result[name] }'
}

# io-29.36 talks to what it starts over 127.0.0.1, which is another host's over there, and waits for ever.
suite_tcl() {
    for file in exec io ioCmd event pid; do
        (cd "$folder/src/tcl8.6/tests" && limited 200 env $with tclsh8.6 all.tcl -file "$file.test" -verbose pse -singleproc 1 -skip "io-29.36.*") 2>&1 |
            tee /dev/stderr | sed -n 's/^[+=]* \([A-Za-z]*-[0-9][-.a-z0-9]*\) .*\(PASSED\|FAILED\|SKIPPED\).*/\1\t\2/p' | sort -u
    done
}

suite_coreutils() {
    cd "$folder/src/coreutils"
    tests=$(ls tests/misc/*.sh tests/misc/*.pl tests/tail-2/*.sh |
        grep -E '/(env|timeout|nice|nohup|tee|cat|sort)[-.]|tail' | grep -v benchmark)
    rm -f tests/*/*.log tests/*/*.trs
    limited 1500 make -j "$jobs" -k check TESTS="$(echo $tests)" SUBDIRS=. VERBOSE=yes SH_LOG_COMPILER="env $with /bin/sh" \
        TESTSUITE_PERL="env $with perl" >&2 || :
    for test in $tests; do
        echo "$test	$(sed -n 's/^:test-result: //p' "${test%.*}.trs" 2>/dev/null)"
    done
    cd /
}

# The rest run with a make and a bash that stay here, so that each program of a test is sent.
automake_tests() { # automake_tests FOLDER
    cd "$folder/src/$1"
    find . -name '*.trs' -delete
    limited 1200 env $with "$folder/make-children" -j "$jobs" -k check SHELL="$folder/bash-children" \
        SH_LOG_COMPILER="$folder/bash-children" AUTOMAKE=: ACLOCAL=: AUTOCONF=: AUTOHEADER=: MAKEINFO=: >&2 || :
    find . -name '*.trs' | while read -r test; do
        echo "${test%.trs}	$(sed -n 's/^:test-result: //p' "$test" | sort -u | tr '\n' ' ')"
    done
    cd /
}
suite_sed() { automake_tests sed; }
suite_grep() { automake_tests grep/tests; }
suite_diffutils() { automake_tests diffutils/tests; }
suite_gzip() { automake_tests gzip/tests; }
suite_findutils() { automake_tests findutils; }

suite_tar() {
    cd "$folder/src/tar/tests"
    limited 900 env $with "$folder/bash-children" ./testsuite --jobs="$jobs" AUTOTEST_PATH="$PWD:$PWD/../src" 2>&1 | tee /dev/stderr |
        sed -n 's/^ *\([0-9]*\): .* \(ok\|FAILED\|skipped\|expected failure\)\b.*/\1\t\2/p'
    cd /
}

# Basics, configuration, refs, branches, rebase, diff, packs, fetch, history, moves, commit.
git_scripts='0000 0001 0002 0005 0008 0020 0027 0060 1006 1300 1400 3200 3400 4000 4013 5300 5510 6000 7001 7500'
suite_git() {
    cd "$folder/src/git/t"
    said=$(mktemp -d)
    for script in $git_scripts; do echo t"$script"-*.sh; done | xargs -P "$jobs" -I {} timeout -k 5 300 \
        sh -c "exec env $with '$folder/bash-children' ./{} >'$said/{}' 2>&1 </dev/null" || :
    for script in $git_scripts; do
        tee /dev/stderr <"$(echo "$said"/t"$script"-*.sh)" |
            sed -n "s/^\(not ok\|ok\) \([0-9]*\).*/t$script.\2\t\1/p"
    done
    rm -rf "$said"
    cd /
}

bash_tests() { # bash_tests BASH
    cd "$folder/src/bash/tests"
    for run in run-*; do
        case $run in run-all | run-minimal | run-gprof) continue ;; esac
        out=$(mktemp /tmp/out.XXXXXX)
        code=0
        BASH_TSTOUT=$out.out THIS_SH=$1 BUILD_DIR=.. PATH=.:$folder/src/bash:$PATH limited 60 env $with sh "$run" >"$out" 2>&1 || code=$?
        grep -av '^warning: ' "$out" | sed 's/([0-9]*)/(PID)/' >"$out.said" || :
        if [ -s "$out.said" ]; then said="said $(md5sum <"$out.said" | cut -c1-8)"; else said=nothing; fi
        printf '%s\t%s, %s\n' "$run" "$code" "$said"
        { echo "== $run"; cat "$out.said"; } >&2
        rm -f "$out" "$out.out" "$out.said"
    done
    cd /
}
suite_bash() { bash_tests /bin/bash; }
suite_bash_children() { bash_tests "$folder/bash-children"; }

# Every decision on this host, one a line, before the ring forgets it.
watch_decisions() {
    while :; do
        "$root/bin/pants" why --json -n 512 2>/dev/null | awk -F'": ' '
            { gsub(/^ *"|,$/, "") } { gsub(/"/, "", $2) }
            $0 ~ /^seq/ { seq = $2 } $0 ~ /^program/ { program = $2 } $0 ~ /^where/ { where = $2 }
            $0 ~ /^why/ { print seq "\t" where "\t" program "\t" $2 }'
        sleep 0.5
    done
}

export LC_ALL=C.UTF-8
until "$root/bin/pants" hosts | grep -q '^n2 .* free '; do sleep 0.2; done
echo "| suite | tests | same | different | programs sent | ran here all the same |"
echo "|---|---:|---:|---:|---:|---:|"
for suite in "$@"; do
    function=suite_$(echo "$suite" | tr - _)
    at=$results/$suite
    with=
    $function >"$at.plain" 2>"$at.plain.log"
    "$root/bin/pants" why --json -n 1 2>/dev/null | sed -n 's/.*"seq": "*\([0-9]*\).*/\1/p' >"$at.before"
    watch_decisions >"$at.watched" & watcher=$!
    with=$sent
    $function >"$at.sent" 2>"$at.sent.log"
    sleep 1.5
    kill $watcher
    sort -u "$at.watched" | awk -F'\t' -v before="$(cat "$at.before")" '$1 > before + 0' >"$at.decisions"
    tab=$(printf '\t')
    sort "$at.plain" >"$at.a"; sort "$at.sent" >"$at.b"
    join -t "$tab" -a 1 -a 2 -e missing -o 0,1.2,2.2 "$at.a" "$at.b" | awk -F'\t' '$2 != $3' >"$at.different"
    tests=$(wc -l <"$at.a"); different=$(wc -l <"$at.different")
    remote=$(grep -c "${tab}remote$tab" "$at.decisions" || :)
    local=$(grep -c "${tab}here$tab" "$at.decisions" || :)
    echo "| $suite | $tests | $((tests - different)) | $different | $remote | $local |"
    rm -f "$at.watched" "$at.before" "$at.a" "$at.b"
    sed 's/^/    /' "$at.different"
done
