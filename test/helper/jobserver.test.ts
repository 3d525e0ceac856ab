/** Job servers across hosts: a make elsewhere takes tokens of the one here, and gives them back; so does rustc of cargo's. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Where } from "../../src/io/layout.js";
import { Ways } from "./ways.js";

let bed: Ways;
const log = (): string => join(bed.work, "log");
beforeAll(async () => {
  bed = new Ways();
  await bed.ready();
  const job = "@echo begin >> log; sleep 0.1; echo end >> log";
  writeFileSync(
    join(bed.work, "here.mk"),
    `all: far near1 near2 near3 near4\nnear%:\n\t${job}\nfar:\n\t+@$$P $(MAKE) -s -f far.mk\n`,
  );
  writeFileSync(join(bed.work, "far.mk"), `all: $(foreach n,1 2 3 4 5 6 7 8,job$n)\njob%:\n\t${job}\n`);
  writeFileSync(join(bed.work, "alone.mk"), `all:\n\t+@$$P $(MAKE) -s -f far.mk\n`);
  writeFileSync(
    join(bed.work, "fails.mk"),
    `all:\n\t+@$$P $(MAKE) -s -f far.mk job1 nothing 2>/dev/null; [ $$? = 2 ]\n`,
  );
});
beforeEach(() => rmSync(log(), { force: true }));
afterAll(() => bed.end());

/** Jobs that ran at the same time, at most. */
function together(): number {
  let running = 0;
  let most = 0;
  for (const line of readFileSync(log(), "latin1").trim().split("\n")) {
    running += line === "begin" ? 1 : -1;
    most = Math.max(most, running);
  }
  return most;
}

describe("a make that runs elsewhere", () => {
  it("starts as many jobs as there are tokens, and leaves them all where they were", async () => {
    // make says so when the tokens at its end are not those of its beginning.
    expect(await bed.same("rm -f log; make -s -j3 -f alone.mk")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "",
    });
    expect(together()).toBe(3);
  });

  it("shares them with the jobs here", async () => {
    expect(await bed.same("rm -f log; make -s -j4 -f here.mk")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "",
    });
    expect(together()).toBe(4);
  });

  it("gives them back when it fails, and a second one finds them", async () => {
    const twice = "rm -f log; make -s -j3 -f fails.mk && make -s -j3 -f fails.mk";
    expect(await bed.same(twice, 2)).toMatchObject({ code: 0, stderr: "" });
  });

  it("loses none when it is killed", async () => {
    // The make here runs two jobs after the one elsewhere has died with a token that it was offered.
    writeFileSync(
      join(bed.work, "killed.mk"),
      "all: two\nfar:\n\t+-@$P sh -c 'kill -9 $$$$' 2>/dev/null\none two: far\n\t@echo begin >> log; sleep 0.2; echo end >> log\nall: one\n".replace(
        "$P",
        "$$P",
      ),
    );
    expect(await bed.same("rm -f log; make -s -j2 -f killed.mk 2>&1 | grep -c INTERNAL")).toMatchObject({
      stdout: "0\n",
    });
    expect(together()).toBe(2);
  });

  it("is also what gcc's -flto=jobserver starts", async () => {
    writeFileSync(join(bed.work, "one.c"), "int two(void); int main(void) { return two(); }\n");
    writeFileSync(join(bed.work, "two.c"), "int two(void) { return 7; }\n");
    const link = "+@$$P gcc -O2 -flto=jobserver -flto-partition=max one.c two.c -o seven";
    writeFileSync(join(bed.work, "lto.mk"), `all:\n\t${link}\n`);
    const { stdout, stderr } = await bed.same("rm -f seven; make -s -j3 -f lto.mk; ./seven; echo $?");
    expect([stdout, stderr]).toEqual(["7\n", ""]);
  });
});

describe("a program that cargo started elsewhere", () => {
  // The two ends of a pipe with two tokens, as descriptors 7 and 8.
  const pipe = "rm -f pipe; mkfifo pipe; exec 5<>pipe; exec 7<pipe 8>pipe 5>&-; rm pipe; printf ab >&8";
  const takesOne = "dd bs=1 count=1 <&7 2>/dev/null; printf c >&8";

  it("takes its tokens, whatever MAKEFLAGS still names", async () => {
    const flags =
      "CARGO_MAKEFLAGS='-j --jobserver-fds=7,8 --jobserver-auth=7,8' MAKEFLAGS='-j --jobserver-auth=3,4'";
    const left = "dd bs=2 count=1 <&7 2>/dev/null";
    // In any order: one that was offered and not taken goes back behind the others.
    const all = `${pipe}; { ${flags} $P sh -c '${takesOne}'; ${left}; } | fold -w 1 | sort | tr -d '\\n'`;
    expect(await bed.same(all)).toMatchObject({ stdout: "abc" });
  });

  it("has make's where its own are not there", async () => {
    const flags = "CARGO_MAKEFLAGS='-j --jobserver-auth=3,8' MAKEFLAGS='-j --jobserver-auth=7,8'";
    expect(await bed.same(`${pipe}; ${flags} $P sh -c '${takesOne}'`)).toMatchObject({ stdout: "a" });
  });

  it("stays where a variable names a pipe that is none with tokens", async () => {
    bed.state(true);
    const script = `${pipe}; exec 6</dev/null; CARGO_MAKEFLAGS='--jobserver-auth=6,8' $P sh -c '${takesOne}'`;
    expect(await bed.shimmed(script)).toMatchObject({ stdout: "a" });
    expect(bed.decisions(1)[0]?.detail).toContain("is the other end of another one");
  });
});

describe("a job server that is a FIFO", () => {
  const fifo = "MAKEFLAGS='-j2 --jobserver-auth=fifo:/tmp/GMfifo1'";

  it("keeps here what would open it, and nothing else", async () => {
    const copies = ["rustc", "cc1"].map((name) => join(bed.work, name));
    for (const copy of copies) cpSync(join(bed.work, "marked"), copy);
    bed.state(true);
    const ran = async (script: string): Promise<string> => {
      expect(await bed.shimmed(`${script}; true`)).toMatchObject({ code: 0, stderr: "" });
      const [{ where, detail } = { where: Where.HERE, detail: "" }] = bed.decisions(1);
      return where === Where.REMOTE ? "far" : detail;
    };
    const here: unknown = expect.stringContaining("its job server is a FIFO");
    expect(await ran(`${fifo} ./rustc true`)).toEqual(here);
    expect(await ran(`CARGO_${fifo} ./rustc true`)).toEqual(here);
    expect(await ran(`${fifo} ./cc1 echo -flto=jobserver`)).toEqual(here);
    expect(await ran(`${fifo} ./cc1 echo -flto=auto`)).toBe("far");
    expect(await ran("MAKEFLAGS='-j2 --jobserver-auth=7,8' ./rustc true")).toBe("far");
  });
});
