/** What a program can tell of its descriptors, each case without the shim, with it, and migrated. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Where } from "../../src/io/layout.js";
import { Ways } from "./ways.js";

let bed: Ways;
beforeAll(async () => {
  bed = new Ways();
  await bed.ready();
  writeFileSync(join(bed.work, "abc"), "a\nb\nc\n");
});
afterAll(() => bed.end());

/** What python sees behind descriptors 0-2, written to descriptor 1, or to 2 with TO=2. */
const look = `import fcntl,os,stat
kinds={stat.S_IFIFO:"pipe",stat.S_IFREG:"file",stat.S_IFCHR:"device",stat.S_IFSOCK:"socket"}
def kind(i):
    try: mode=stat.S_IFMT(os.fstat(i).st_mode)
    except OSError: return "closed"
    return "%s %x"%(kinds[mode],fcntl.fcntl(i,fcntl.F_GETFL)&0xc03)
os.write(int(os.environ.get("TO","1")),(", ".join(kind(i) for i in range(3))+"\\n").encode())`;
const kinds = `$P /usr/bin/python3 -c '${look}'`;

type Case = readonly [what: string, script: string, stdout: string, jobs?: number];

const cases: readonly Case[] = [
  // regular files
  [
    "writers that append do not overwrite one another",
    "rm -f o; for i in 1 2 3 4; do $P sh -c \"echo $i; echo x\" >> o & done; wait; sort o | tr -d '\\n'",
    "1234xxxx",
    4,
  ],
  [
    "what three stream into one another is whole",
    "for i in 1 2 3 4 5; do $P seq 100000 | $P cat | $P md5sum; done | uniq -c | tr -s ' '",
    " 5 dea9193b768319cbb4ff1a137ac03113 -\n",
    15,
  ],
  [
    "a reader sees the end of what a program writes before the program ends",
    "rm -f go; $P sh -c 'echo a; exec >&-; while [ ! -e go ]; do sleep 0.05; done; exit 7' | { cat; touch go; echo end; };" +
      " echo ${PIPESTATUS[0]}; rm go",
    "a\nend\n7\n",
  ],
  [
    "a reader of stdout and stderr sees the end when both are closed",
    "rm -f go; $P sh -c 'exec >&-; echo b >&2; exec 2>&-; while [ ! -e go ]; do sleep 0.05; done; exit 7' 2>&1 |" +
      " { cat; touch go; echo end; }; echo ${PIPESTATUS[0]}; rm go",
    "b\nend\n7\n",
  ],
  [
    "an offset goes on between a program and its siblings",
    "(echo 1; $P echo 2; echo 3; $P sh -c 'echo 4; echo 5 >&2' 2>&1; echo 6) > o; cat o",
    "1\n2\n3\n4\n5\n6\n",
    2,
  ],
  [
    "siblings that share an offset do not overwrite one another",
    "(for i in 1 2 3 4 5 6; do $P sh -c \"echo $i; echo x\" & done; wait) > o; sort o | tr -d '\\n'",
    "123456xxxxxx",
    6,
  ],
  [
    "a file that was opened twice has two offsets",
    "$P sh -c 'echo a; echo b >&2; echo c' > o 2> o; cat o",
    "b\nc\n",
  ],
  [
    "what a program gives back of a file is there for the next one",
    "($P head -n 1; $P sed -n 1q; cat) < abc",
    "a\nc\n",
    2,
  ],
  ["a file that has no name any more", "$P wc -c <<E\n$(seq 20000)\nE", "108894\n"],
  [
    "reading from what was opened for writing fails, and the reverse",
    "$P sh -c 'cat 2>/dev/null || echo no in' 0>o; $P sh -c 'echo x 2>/dev/null || echo no out >&2' 2>&1 1<abc",
    "no in\nno out\n",
    2,
  ],
  // pipes
  ["a program that reads nothing leaves all of its input", "seq 100000 | ($P true; wc -l)", "100000\n"],
  ["the end of input comes", "seq 3 | $P sh -c 'cat; echo end'", "1\n2\n3\nend\n"],
  [
    "stdout and stderr keep their order when they are one pipe",
    "$P sh -c 'for i in 1 2 3 4; do echo o$i; echo e$i >&2; done' 2>&1 | tr -d '\\n'",
    "o1e1o2e2o3e3o4e4",
  ],
  [
    "who streamed, and reads no more, sees the end of input all the same",
    `(head -c 3000000 /dev/zero; sleep 0.3; head -c 20000 /dev/zero; sleep 0.3) | $P python3 -c '
import os, select
left = 3000000
while left: left -= len(os.read(0, min(65536, left)))
ends = select.poll()
ends.register(0, 0)
print("the end" if ends.poll(20000) else "no end")'`,
    "the end\n",
  ],
  ["pipes stay pipes", `cat /dev/null | ${kinds} 2>&1 | cat`, "pipe 0, pipe 1, pipe 1\n"],
  ["no reader means SIGPIPE", "$P yes | head -n 1; echo ${PIPESTATUS[0]}", "y\n141\n"],
  [
    "no reader of stderr either",
    "($P sh -c 'while echo x >&2; do :; done' 3>&2 2>&1 >&3 | head -n 1; echo ${PIPESTATUS[0]})",
    "x\n141\n",
  ],
  [
    "no reader means EPIPE where SIGPIPE is ignored",
    "(trap '' PIPE; $P sh -c 'while echo x; do :; done 2>/dev/null; echo over > o') | head -n 1; cat o",
    "x\nover\n",
  ],
  [
    "who waits for the end of its reader sees it",
    "timeout 20 $P tail -f abc | head -n 1; echo ${PIPESTATUS[0]}",
    "a\n141\n",
  ],
  [
    "a fifo may have another reader later",
    "mkfifo f; $P sh -c 'echo one; until [ -e go ]; do sleep 0.02; done; echo two' >f & read x <f; exec 4<f; touch go; read y <&4; wait; rm f go; echo $x $y",
    "one two\n",
  ],
  // /dev/null, sockets, closed ones
  [
    "/dev/null is /dev/null, opened alike",
    `${kinds} </dev/null 2>/dev/null | cat`,
    "device 0, pipe 1, device 1\n",
  ],
  ["sockets stay sockets", kinds, "socket 2, socket 2, socket 2\n"],
  ["a socket as stdin can be written to", "$P sh -c 'echo hi >&0' 0>&1", "hi\n"],
  [
    "closed ones stay closed",
    `${kinds} <&- | cat; TO=2 ${kinds} 2>&1 >&- | cat; ${kinds} 2>&- | cat`,
    "closed, pipe 1, socket 2\nsocket 2, closed, pipe 1\nsocket 2, pipe 1, closed\n",
    3,
  ],
  // above 2
  [
    "other pipes",
    "rm -f o; $P sh -c 'read a <&3; echo got $a; echo out >&4' 3< <(echo in) 4> >(cat > o); until [ -s o ]; do sleep 0.01; done; cat o",
    "got in\nout\n",
  ],
  [
    "what a program did not read of another pipe stays",
    "exec 7< <(seq 100000); $P true; $P sh -c 'read a <&7; echo $a'; wc -l <&7",
    "1\n99999\n",
    2,
  ],
  ["process substitution", "$P cat <(echo one) <(echo two)", "one\ntwo\n"],
  [
    "other files, with the caller's place in them",
    "exec 5>o; while read -r a <&3; do $P sh -c \"echo $a >&5; echo $a\"; echo x >&5; done 3<abc; cat o | tr -d '\\n'",
    "a\nb\nc\naxbxcx",
    3,
  ],
  ["/dev/null above 2", "$P readlink /proc/self/fd/9 9</dev/null", "/dev/null\n"],
  [
    "what is closed on exec",
    'python3 -c \'import os,subprocess; [os.dup2(0, i, False) for i in (20, 21)]; os.set_inheritable(21, True); subprocess.run([*os.environ["P"].split(), "sh", "-c", "ls /dev/fd | grep 2[01]"], close_fds=False)\' </dev/null',
    "21\n",
  ],
];
for (const [what, script, stdout, jobs = 1] of cases) {
  it(`are the same in three ways: ${what}`, async () => {
    expect((await bed.same(script, jobs)).stdout).toBe(stdout);
  });
}

it.each<readonly [what: string, script: string, why: string]>([
  ["a file for reading and writing", "$P sh -c 'read x; echo Z' 0<>o 1>&0", "descriptor 0: a file"],
  ["a file for reading and writing above 2", "$P true 3<>o", "descriptor 3: a file"],
  ["a file that is read and written", "cp abc o; $P true <o >>o", "one file is read and written"],
  [
    "a file that is written and named",
    "cp abc o; ! $P cat o >>o 2>e && ! $P cat $PWD/abc ./o >>o 2>e",
    "an argument names a file that it writes to",
  ],
  [
    "a file whose size has a limit",
    "trap '' XFSZ; ulimit -f 8; ! $P dd if=/dev/zero bs=20000 count=1 >o 2>e && grep -q 'too large' e && test $(wc -c <o) = 8192",
    "it writes to a file, whose size has a limit",
  ],
  ["a device", "$P true </dev/zero", "descriptor 0: /dev/zero"],
  ["a directory", "$P true 3</tmp", "descriptor 3: a directory"],
  ["a fifo open both ways", "mkfifo f; $P true 3<>f; rm f", "descriptor 3: a pipe"],
  [
    "both ends of a pipe",
    "mkfifo f; (exec 3<>f; exec 4<f 5>f 3<&-; $P true); rm f",
    "descriptor 5 is the other end of another one",
  ],
  [
    "a datagram socket",
    'python3 -c \'import os,socket; s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); os.dup2(s.fileno(),5); os.execv(os.environ["P"],["x","true"])\'',
    "descriptor 5: socket:",
  ],
  [
    "a socket that listens",
    'python3 -c \'import os,socket; s=socket.socket(); s.listen(); os.dup2(s.fileno(),5); os.execv(os.environ["P"],["x","true"])\'',
    "descriptor 5: socket:",
  ],
  [
    "an epoll",
    'python3 -c \'import os,select; e=select.epoll(); os.dup2(e.fileno(),5); os.execv(os.environ["P"],["x","true"])\'',
    "descriptor 5: eventpoll",
  ],
  [
    "a memfd",
    'python3 -c \'import os; f=os.memfd_create("m"); os.dup2(f,5); os.execv(os.environ["P"],["x","true"])\'',
    "descriptor 5: a file",
  ],
  [
    "a high descriptor",
    'python3 -c \'import os; os.dup2(0,300); os.execv(os.environ["P"],["x","true"])\'',
    "a descriptor above 255 is open",
  ],
  [
    "very many",
    'python3 -c \'import os; [os.dup2(0,i) for i in range(30,50)]; os.execv(os.environ["P"],["x","true"])\'',
    "too many descriptors are open",
  ],
])("keep a program here: %s", async (_, script, why) => {
  bed.state(true);
  expect(await bed.shimmed(script)).toMatchObject({ code: 0, stderr: "" });
  const [latest] = bed.decisions(1);
  expect(latest?.where).toBe(Where.HERE);
  expect(latest?.detail).toContain(why);
});
