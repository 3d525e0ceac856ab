/** What streams through a program: so much that it goes past prexd and the agent. Each case without the shim, with it, and migrated. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Ways } from "./ways.js";

let bed: Ways;
beforeAll(async () => {
  bed = new Ways();
  await bed.ready();
});
afterAll(() => bed.end());

/** 40 MB. */
const SEQ = "seq 5166666";

const cases: readonly (readonly [what: string, script: string, jobs?: number])[] = [
  ["a pipe that nobody else reads", `${SEQ} | $P md5sum`],
  ["a pipe both ways", `${SEQ} | $P cat | md5sum`],
  ["three programs, one after the other", `$P ${SEQ} | $P cat | $P md5sum`, 3],
  [
    "what a program left in a pipe that others read",
    `${SEQ} | { $P head -c 20000000 | md5sum; $P head -c 10000000 | md5sum; md5sum; }`,
    2,
  ],
  [
    "what a program left in a file without a name",
    `${SEQ} >f; exec 3<f; rm f; $P head -c 20000001 <&3 | md5sum; $P head -c 10000000 <&3 | md5sum; md5sum <&3`,
    2,
  ],
  [
    "a program that leaves most of its input, and its writer",
    `${SEQ} | { exec $P sh -c 'head -c 20000000 | md5sum; exit 3'; }; echo \${PIPESTATUS[@]}`,
  ],
  ["a writer without end", "yes | $P head -c 30000000 | md5sum; echo ${PIPESTATUS[@]}"],
  ["a program whose reader leaves", "$P yes | head -c 30000000 | md5sum; echo ${PIPESTATUS[@]}"],
  ["a reader that comes late", `$P ${SEQ} | { sleep 0.4; md5sum; }`],
  ["a program that reads late", `${SEQ} | $P sh -c 'head -c 10000000; sleep 0.4; cat' | md5sum`],
  ["files", `$P ${SEQ} >f; md5sum <f; rm f; (echo a; $P ${SEQ}; echo b) >f; md5sum <f; rm f`, 2],
  ["files that are appended to", `echo a >f; $P ${SEQ} >>f; echo b >>f; $P ${SEQ} >>f; md5sum <f; rm f`, 2],
  ["two at once", `$P sh -c '${SEQ}; ${SEQ} >&2' 2>f | md5sum; md5sum <f; rm f`],
  ["both in one", `$P sh -c '${SEQ}; ${SEQ} >&2; ${SEQ}' 2>&1 | md5sum`],
  [
    "a socket",
    `python3 -c '
import os,socket,subprocess,hashlib
a,b=socket.socketpair()
p=subprocess.Popen([*os.environ["P"].split(),"seq","5166666"],stdout=b)
b.close()
h=hashlib.md5()
while True:
    d=a.recv(65536)
    if not d: break
    h.update(d)
print(h.hexdigest(),p.wait())'`,
  ],
  [
    "a reader that sees the end before the program ends",
    `rm -f go; $P sh -c '${SEQ}; exec >&-; while [ ! -e go ]; do sleep 0.05; done; exit 7' | { md5sum; touch go; }; echo \${PIPESTATUS[@]}; rm go`,
  ],
  ["what writes on when the program has ended", `$P sh -c '(sleep 0.3; ${SEQ}) & ${SEQ}' | md5sum`, 2],
  [
    "one that is stopped for a while",
    `$P ${SEQ} | md5sum & sleep 0.05; kill -STOP %1; sleep 0.3; kill -CONT %1; wait`,
  ],
];

for (const [what, script, jobs = 1] of cases) {
  it(`is the same in three ways: ${what}`, { timeout: 60_000 }, async () => {
    const { stdout } = await bed.same(script, jobs);
    expect(stdout).toMatch(/^[0-9a-f]{32}/);
  });
}
