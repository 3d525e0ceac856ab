/** File servers that do not answer for a while: prexd or an agent is held up by one, and nobody takes it for dead. bindfs plays the server. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { until } from "../../src/lab/wait.js";
import { Bed, type Ended } from "./bed.js";

const missing = ((): string => {
  if (process.getuid?.() !== 0) return "needs root";
  if (spawnSync("bindfs", ["--version"]).status !== 0) return "needs bindfs";
  return existsSync("/dev/fuse") ? "" : "needs /dev/fuse";
})();
if (missing !== "") console.log(`skipped: file servers that do not answer: ${missing}`);

/** Either end of a link would have been given up twice by then, and a prexd that is asked every 5 s too. */
const LONG_MS = 24_000;
const LIMIT = { timeout: 90_000 };

/** A bed with a folder, `stuck`, that host `served` has from a file server which can be stopped; so has home at `stuck.served`. */
class Server {
  readonly bed = new Bed();
  readonly folder = join(this.bed.work, "stuck");
  private readonly served = `${this.folder}.served`;
  private readonly server;

  constructor() {
    for (const path of [this.folder, this.served]) mkdirSync(path);
    this.server = spawn("bindfs", ["-f", this.folder, this.served], { stdio: "ignore" });
    this.bed.hide(this.folder);
  }

  mounted(): Promise<unknown> {
    const has = (): boolean => readFileSync("/proc/self/mountinfo", "utf8").includes(` ${this.served} `);
    return until("the mount", has);
  }

  answers(does: boolean): void {
    this.server.kill(does ? "SIGCONT" : "SIGSTOP");
  }

  /** A program elsewhere that says `begun`, and goes on and ends with 3 when it is told to. */
  async program(name: string, redirection = ""): Promise<{ ended: Promise<Ended>; goOn: () => void }> {
    const at = (what: string): string => join(this.bed.work, `${name}.${what}`);
    const there = `echo one; : >${at("begun")}; until [ -e ${at("go")} ]; do sleep 0.05; done; echo two; exit 3`;
    const ended = this.bed.shell(`$PREX --on served /bin/sh -c '${there}' ${redirection}`);
    await until(`${name} to begin`, () => existsSync(at("begun")));
    return { ended, goOn: () => writeFileSync(at("go"), "") };
  }

  pid(command: "prexd" | "prex-agent"): number {
    const named = (pid: number): boolean => readFileSync(`/proc/${pid}/comm`, "latin1") === `${command}\n`;
    const [pid, ...more] = this.bed.processes(command).filter(named);
    if (pid === undefined || more.length > 0)
      throw new Error(`${command}: ${pid ?? "none"} ${more.join(" ")}`);
    return pid;
  }

  async end(): Promise<void> {
    this.answers(true);
    execFileSync("umount", ["-l", this.served]);
    await this.bed.end();
  }
}

const argv = (pid: number): string[] => readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
const call = (pid: number): string => readFileSync(`/proc/${pid}/syscall`, "latin1").split(" ")[0] ?? "";
const happened = (what: Promise<unknown>): Promise<boolean> =>
  Promise.race([what.then(() => true), sleep(50, false)]);
const done: Ended = { code: 3, signal: null, stdout: "one\ntwo\n", stderr: "" };

describe.skipIf(missing !== "").concurrent("a file server that does not answer", () => {
  it("holds prexd up, which writes a program's output there: no program is lost", LIMIT, async () => {
    const server = new Server();
    try {
      await server.mounted();
      const writes = await server.program("writes", ">stuck.served/out");
      const other = await server.program("other");
      const prexd = server.pid("prexd");
      await until("prexd to rest", () => call(prexd) !== "running");
      const rests = call(prexd);
      await until("its first line", () => readFileSync(join(server.folder, "out"), "utf8") === "one\n");
      server.answers(false);
      writes.goOn();
      await until("prexd to be held up", () => ![rests, "running"].includes(call(prexd)));
      await sleep(LONG_MS);
      expect([rests, "running"]).not.toContain(call(prexd));
      expect([await happened(writes.ended), await happened(other.ended)]).toEqual([false, false]);
      server.answers(true);
      other.goOn();
      expect(await other.ended).toEqual(done);
      expect(await writes.ended).toEqual({ ...done, stdout: "" });
      expect(readFileSync(join(server.folder, "out"), "utf8")).toBe("one\ntwo\n");
    } finally {
      await server.end();
    }
  });

  it("holds up what streams there: no program is lost", LIMIT, async () => {
    const server = new Server();
    try {
      await server.mounted();
      const go = join(server.bed.work, "go");
      const there = `while [ ! -e ${go} ]; do seq 100000; done; exit 3`;
      const streams = server.bed.shell(`$PREX --on served /bin/sh -c '${there}' >stuck.served/out`);
      const other = await server.program("other");
      const out = join(server.folder, "out");
      const size = (): number => statSync(out, { throwIfNoEntry: false })?.size ?? 0;
      await until("much to come", () => size() > 10_000_000);
      server.answers(false);
      await sleep(LONG_MS);
      expect([await happened(streams), await happened(other.ended)]).toEqual([false, false]);
      server.answers(true);
      const before = size();
      await until("more to come", () => size() > before);
      writeFileSync(go, "");
      other.goOn();
      expect(await other.ended).toEqual(done);
      expect(await streams).toEqual({ code: 3, signal: null, stdout: "", stderr: "" });
      const seq = execFileSync("seq", ["100000"]);
      expect(size() % seq.length).toBe(0);
      expect(readFileSync(out).subarray(-seq.length).equals(seq)).toBe(true);
    } finally {
      await server.end();
    }
  });

  /** An agent that is held up by a path which it is to look at. */
  const holdUpAgent = async (
    server: Server,
  ): Promise<{ agent: number; rests: string; starts: Promise<Ended> }> => {
    const agent = server.pid("prex-agent");
    await until("the agent to rest", () => call(agent) !== "running");
    const rests = call(agent);
    server.answers(false);
    const starts = server.bed.shell(`$PREX --on served /bin/ls -d ${server.folder}`);
    await until("the agent to be held up", () => ![rests, "running"].includes(call(agent)));
    return { agent, rests, starts };
  };

  it("holds an agent up, which looks at a path there: no program is lost", LIMIT, async () => {
    const server = new Server();
    try {
      await server.mounted();
      const other = await server.program("other");
      const { agent, rests, starts } = await holdUpAgent(server);
      await sleep(LONG_MS);
      expect([rests, "running"]).not.toContain(call(agent));
      expect([await happened(starts), await happened(other.ended)]).toEqual([false, false]);
      server.answers(true);
      other.goOn();
      expect(await other.ended).toEqual(done);
      expect(await starts).toEqual({ code: 0, signal: null, stdout: `${server.folder}\n`, stderr: "" });
    } finally {
      await server.end();
    }
  });

  it("does not keep alive what an agent runs for a home that is gone", LIMIT, async () => {
    const server = new Server();
    try {
      await server.mounted();
      const other = await server.program("other");
      const { agent, starts, rests } = await holdUpAgent(server);
      const prexd = server.pid("prexd");
      await sleep(1000);
      expect([rests, "running"]).not.toContain(call(agent));
      process.kill(prexd, "SIGSTOP"); // as a cut network would have it: neither a word nor an end
      await until("the agent to end", () => !existsSync(`/proc/${agent}`), { ms: 30_000 });
      await until(
        "what it ran to end",
        () =>
          server.bed
            .processes("until")
            .every((pid) => argv(pid)[0] === "/bin/bash" || argv(pid)[0]?.endsWith("prex")),
        { ms: 5000 },
      );
      process.kill(prexd, "SIGCONT");
      expect((await other.ended).signal).toBe("SIGKILL");
      expect((await starts).signal).toBe("SIGKILL");
    } finally {
      await server.end();
    }
  });
});
