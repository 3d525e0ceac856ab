/** What the caller sees when something breaks: the right status, by whatever way, or one clear line. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { native } from "../../src/io/native.js";
import { until } from "../../src/lab/wait.js";
import { Bed, type Ended } from "./bed.js";

const MIGRATABLE = 0x01000000;
const IDEMPOTENT = 0x05000000;
let bed: Bed;
afterEach(() => bed.end());

/** The latest decisions about programs, newest first. */
function decisions(count: number) {
  native.tableOpen(join(bed.runtime, "slots"), 0, 0);
  const records = native.whyRead(count);
  native.tableClose();
  return records;
}

describe("a host that cannot be used", () => {
  it("is told by the last line of the remote command, and the program runs here", async () => {
    bed = new Bed();
    expect(await bed.on("refuses", "echo here")).toMatchObject({ code: 0, stdout: "here\n" });
    expect(decisions(1)[0]).toMatchObject({
      where: 0,
      detail: expect.stringContaining("Permission denied") as string,
    });
  });

  it("may print what it likes before its agent speaks", async () => {
    bed = new Bed();
    expect(await bed.on("noisy", "echo there")).toMatchObject({ stdout: "there\n" });
    expect((await bed.prexd()).links[0]?.host).toBe("noisy");
  });

  it("loses its link, and nothing else, when it sends what is no frame", async () => {
    bed = new Bed();
    await bed.on("good", "true");
    const other = bed.on("good", "sleep 0.5; echo fine");
    expect((await bed.on("babbles", "echo x")).signal).toBe("SIGKILL"); // its outcome is not known
    expect(await other).toMatchObject({ code: 0, stdout: "fine\n" });
    expect(bed.log()).toContain("malformed frame");
  });

  it("refuses without slots, and the program runs here", async () => {
    bed = new Bed(0);
    await bed.grant("far", 1);
    const { stdout, code } = await bed.shell("$PREX /bin/sh -c 'echo $PPID'");
    expect(code).toBe(0);
    expect(bed.processes("prex-agent")).not.toContain(Number(stdout));
  });

  it("refuses a program that is another one there", async () => {
    bed = new Bed();
    const { stdout, code } = await bed.shell(
      "cp /bin/echo p; $PREX --on far ./p one; cp /bin/printf p; $PREX --on far ./p two",
    );
    expect([stdout, code]).toEqual(["one\ntwo", 0]);
  });
});

describe("leases", () => {
  it("bring jobs to hosts, and are enough for more jobs than leases", async () => {
    bed = new Bed(4);
    await bed.grant("far", 2);
    await bed.shell("$PREX /bin/true");
    const { stdout } = await bed.shell(
      "seq 12 | xargs -P 6 -I N $PREX /bin/sh -c 'echo N' | sort -n | tr '\\n' ' '",
    );
    expect(stdout.trim()).toBe("1 2 3 4 5 6 7 8 9 10 11 12");
    expect(decisions(12).every((d) => d.host === "far")).toBe(true);
  });

  it("are not needed when nobody grants any", async () => {
    bed = new Bed(4);
    await bed.grant("far", 0);
    expect(await bed.shell("$PREX /bin/echo here")).toMatchObject({ stdout: "here\n" });
    expect(decisions(1)[0]).toMatchObject({ where: 0, detail: "no free host" });
  });
});

/** A script that says when it starts, and a wait for that. */
const script = (name: string): string => `echo run >> ${name}; echo out; sleep 1; echo done >> ${name}`;
const started = (name: string) => until("the job to run", () => existsSync(join(bed.work, name)));
const lines = (name: string): string[] => readFileSync(join(bed.work, name), "utf8").trim().split("\n");

describe("an agent that is killed", () => {
  it("costs a job that may run only once its life, with one clear line", async () => {
    bed = new Bed();
    const job = bed.on("far", script("once"));
    await started("once");
    for (const pid of bed.processes("cli/prex-agent.js")) process.kill(pid, "SIGKILL");
    const { signal, stderr } = await job;
    expect(signal).toBe("SIGKILL");
    expect(stderr).toBe("prex: lost far while running /bin/sh; it may or may not have completed\n");
    expect(lines("once")).toEqual(["run"]);
  });

  it("costs an idempotent job only time, and no byte of output comes twice", async () => {
    bed = new Bed();
    const sh = bed.marked("/bin/sh", IDEMPOTENT);
    const job = bed.on("far", [sh, "-c", script("twice")]);
    await started("twice");
    await until("its output to be told", () => bed.processes("sleep").length > 0);
    for (const pid of bed.processes("cli/prex-agent.js")) process.kill(pid, "SIGKILL");
    expect(await job).toMatchObject({ code: 0, stdout: "out\n" });
    expect(lines("twice")).toEqual(["run", "run", "done"]);
  });

  it("does not make a job run again that has taken its input", async () => {
    bed = new Bed();
    const sh = bed.marked("/bin/sh", IDEMPOTENT);
    const job = bed.on("far", [sh, "-c", "read -r line; echo run >> input; sleep 1"], "line\n");
    await started("input");
    for (const pid of bed.processes("cli/prex-agent.js")) process.kill(pid, "SIGKILL");
    expect((await job).signal).toBe("SIGKILL");
  });
});

describe("a prexd that is killed", () => {
  it("is replaced, and an idempotent job runs again once the first is dead", async () => {
    bed = new Bed();
    const sh = bed.marked("/bin/sh", IDEMPOTENT);
    const job = bed.on("far", [sh, "-c", script("again")]);
    await started("again");
    await until("its output to be told", () => bed.processes("sleep").length > 0);
    process.kill((await bed.prexd()).pid, "SIGKILL");
    expect(await job).toMatchObject({ code: 0, stdout: "out\n" });
    expect(lines("again")).toEqual(["run", "run", "done"]);
  });

  it("leaves nothing running", async () => {
    bed = new Bed();
    const job = bed.on("far", "echo run > alone; setsid sleep 4322 & sleep 4322");
    await started("alone");
    await until("two sleeps", () => bed.processes("4322").length >= 3);
    process.kill((await bed.prexd()).pid, "SIGKILL");
    expect((await job).signal).toBe("SIGKILL");
    await until("nothing to be left", () => bed.processes("4322").length === 0);
  });
});

/** How much of what streams past prexd and the agent was delivered must be known to the byte. */
describe("in the middle of a stream", () => {
  /** Runs a program that writes 89 MB into `out`, and kills something once some of it has come. */
  const streams = async (bits: number, kill: () => Promise<void> | void): Promise<Ended> => {
    bed = new Bed();
    const job = bed.shell(`$PREX --on far ${bed.marked("/usr/bin/seq", bits)} 11111111 >out`);
    const size = (): number => statSync(join(bed.work, "out"), { throwIfNoEntry: false })?.size ?? 0;
    await until("much to come", () => size() > 20_000_000);
    await kill();
    return job;
  };
  const killAgent = (): void => {
    for (const pid of bed.processes("cli/prex-agent.js")) process.kill(pid, "SIGKILL");
  };
  const whole = (): Promise<Ended> => bed.shell("seq 11111111 | cmp - out");

  it("a killed agent leaves what was delivered, and nothing else", async () => {
    const { code, stderr } = await streams(MIGRATABLE, killAgent);
    expect(code).toBe(137);
    expect(stderr).toContain("lost far while running");
    expect((await whole()).stderr).toContain("EOF on out");
  });

  it("a killed agent costs an idempotent program only time", async () => {
    expect(await streams(IDEMPOTENT, killAgent)).toMatchObject({ code: 0, stderr: "" });
    expect(await whole()).toMatchObject({ code: 0, stdout: "" });
  });

  it("a killed prexd, which alone knew how much was delivered, leaves that and nothing else", async () => {
    const kill = async (): Promise<void> => void process.kill((await bed.prexd()).pid, "SIGKILL");
    expect((await streams(IDEMPOTENT, kill)).code).toBe(137);
    expect((await whole()).stderr).toContain("EOF on out");
  });
});

/** Until programs come to another prexd; there may be none for a moment. */
const anotherThan = (pid: number) =>
  until("another prexd", async () => {
    await bed.on("far", "true");
    return bed.prexd().then(
      (now) => now.pid !== pid,
      () => false,
    );
  });

describe("a prexd that is told to end", () => {
  const gone = (pid: number) => until("it to end", () => !existsSync(`/proc/${pid}`));
  const running = async (): Promise<{ job: ReturnType<Bed["on"]>; pid: number }> => {
    bed = new Bed();
    const job = bed.on("far", "echo run > ran; while [ ! -e end ]; do sleep 0.02; done; echo out; exit 7");
    await started("ran");
    return { job, pid: (await bed.prexd()).pid };
  };

  it("does so at once when it has no job", async () => {
    bed = new Bed();
    await bed.on("far", "true");
    const { pid } = await bed.prexd();
    process.kill(pid, "SIGTERM");
    await gone(pid);
    expect(bed.processes("cli/prex-agent.js")).toEqual([]);
  });

  it("carries what runs to its end, while another one serves whoever comes", async () => {
    const { job, pid } = await running();
    process.kill(pid, "SIGTERM");
    await anotherThan(pid);
    expect(await bed.on("far", "echo $PPID")).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    writeFileSync(join(bed.work, "end"), "");
    expect(await job).toMatchObject({ code: 7, stdout: "out\n", stderr: "" });
    await gone(pid);
    expect((await bed.prexd()).links).toHaveLength(1);
  });

  it("ends at once when it is told again", async () => {
    const { job, pid } = await running();
    process.kill(pid, "SIGTERM");
    await until("its socket to be shut", async () =>
      bed.prexd().then(
        () => false,
        () => true,
      ),
    );
    process.kill(pid, "SIGTERM");
    expect(await job).toMatchObject({ signal: "SIGKILL" });
    await gone(pid);
  });
});

describe("a prexd that was started before its user was put into a group", () => {
  const id = (...args: string[]) =>
    execFileSync("id", args, { encoding: "utf8" }).trim().split(" ").sort().join();
  const missing =
    process.getuid?.() !== 0
      ? "not root"
      : id("-G") !== id("-G", "root")
        ? "these tests run in other groups than a login's"
        : "";
  if (missing !== "") console.warn(`not tested with other groups: ${missing}`);

  it.skipIf(missing !== "")(
    "makes way for another one when a program has the groups of a login",
    async () => {
      bed = new Bed();
      expect(await bed.shell("setpriv --groups 0,54321 $PREX --on far true")).toMatchObject({ stderr: "" });
      const { pid } = await bed.prexd();
      await anotherThan(pid);
      expect(await bed.on("far", "true")).toMatchObject({ code: 0, stderr: "" });
      // Now it is the other way round: that program is in a group of its own, and nothing changes.
      const { pid: now } = await bed.prexd();
      await bed.shell("setpriv --groups 0,54321 $PREX --on far true");
      expect(decisions(1)[0]?.detail).toBe("its groups are not those of this user's prexd");
      expect(await bed.on("far", "true")).toMatchObject({ code: 0, stderr: "" });
      expect((await bed.prexd()).pid).toBe(now);
    },
  );
});

describe("a client that is no stand-in", () => {
  it("is cut off when it sends what is no message, and nobody else is", async () => {
    bed = new Bed();
    await bed.on("far", "true");
    const { pid } = await bed.prexd();
    for (const bytes of [Buffer.from("GET / HTTP/1.0\r\n\r\n"), Buffer.alloc(64, 0xff), hugeRun()]) {
      await new Promise<void>((resolve) => {
        const socket = connect(join(bed.runtime, "users", String(process.getuid?.() ?? 0), "prexd.sock"));
        socket.on("error", () => undefined);
        socket.on("close", () => resolve());
        socket.write(bytes);
      });
    }
    expect((await bed.on("far", "echo fine")).stdout).toBe("fine\n");
    expect((await bed.prexd()).pid).toBe(pid);
  });
});

/** RUN with a payload beyond what is allowed. */
function hugeRun(): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(0x58525050, 0);
  header.writeUInt16LE(1, 4);
  header.writeUInt16LE(1, 6);
  header.writeUInt32LE((8 << 20) + 1, 8);
  return header;
}
