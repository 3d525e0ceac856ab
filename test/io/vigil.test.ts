/** The thread that speaks for a process while its main thread is held up. A FIFO that nobody writes to holds up whoever opens it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "vitest";
import { scratch } from "./support.js";

const folder = scratch();
const addon = join(import.meta.dirname, "..", "..", "build", "Release", "pants.node");
const POLL = { timeout: 15_000 };

interface Run {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<unknown[]>;
  /** What holds it up does so no longer. */
  readonly letGo: () => void;
}

let fifos = 0;

/** Starts a process with `native`, `fs` and a `fifo` of its own; its stdout is a pipe of ours. */
function run({ onTestFinished }: TestContext, script: string, stdin: "pipe" | "ignore" = "ignore"): Run {
  const fifo = join(folder, `fifo-${++fifos}`);
  execFileSync("mkfifo", [fifo]);
  const head = `const native = require(${JSON.stringify(addon)}), fs = require("fs"), fifo = ${JSON.stringify(fifo)};`;
  const child = spawn(process.execPath, ["-e", head + script], { stdio: [stdin, "pipe", "inherit"] });
  let text = "";
  child.stdout?.setEncoding("latin1").on("data", (more: string) => (text += more));
  const ended = new Promise<unknown[]>((resolve) => child.once("close", (...how) => resolve(how)));
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, said: () => text, ended, letGo: () => closeSync(openSync(fifo, "w")) };
}

const HOLD_UP = `fs.openSync(fifo, "r");`;
const JOIN = `native.vigilJoin(1, Buffer.from("!"), 100);`;

describe.concurrent("a thread that speaks for a process", () => {
  test("does so while a file holds that up, and not once it goes on", async (context) => {
    const { expect } = context;
    const { said, ended, letGo } = run(
      context,
      `${JOIN} ${HOLD_UP} native.vigilTick(0); fs.writeSync(1, "."); setTimeout(() => {}, 1500)`,
    );
    await expect.poll(said, POLL).toBe("!!");
    letGo();
    await ended;
    expect(said()).toMatch(/^!+\.$/);
  });

  test.for([
    ["runs for ever", `${JOIN} for (const end = Date.now() + 4000; Date.now() < end;) {}`],
    ["waits for events", `${JOIN} setTimeout(() => {}, 4000)`],
    [
      "waits for another thread",
      `${JOIN} Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000)`,
    ],
    ["has begun to write something", `${JOIN} native.vigilHold(1); ${HOLD_UP}`],
  ] as const)("does not for one that %s", async ([what, script], context) => {
    const { expect } = context;
    const { said, ended, letGo } = run(context, script);
    if (what.startsWith("has")) setTimeout(letGo, 4000);
    expect(await ended).toEqual([0, null]);
    expect(said()).toBe("");
  });

  test("says so to whoever asks, and nothing when it is not held up", async (context) => {
    const { expect } = context;
    const path = join(folder, "socket");
    const ask = (): Promise<string> =>
      new Promise((resolve, reject) => {
        let answer = "";
        const asking = connect(path).setEncoding("latin1");
        asking.on("data", (text: string) => (answer += text)).on("error", reject);
        asking.on("close", () => resolve(answer));
      });
    const { said, letGo } = run(
      context,
      `native.vigilListen(native.listenUnix(${JSON.stringify(path)}, 0o600)); fs.writeSync(1, "ready");
       setTimeout(() => { ${HOLD_UP} }, 1000); setInterval(() => native.vigilTick(0), 100)`,
    );
    await expect.poll(said, POLL).toBe("ready");
    expect(await ask()).toBe("");
    await expect.poll(ask, POLL).toBe("!");
    letGo();
    await expect.poll(ask, POLL).toBe("");
  });

  test("ends it when nothing comes in any more", async (context) => {
    const { expect } = context;
    const { child, ended } = run(
      context,
      `native.vigilGuard(0, 3000); native.vigilTick(0); ${HOLD_UP}`,
      "pipe",
    );
    const since = performance.now();
    // What comes in is heard, though nobody reads it.
    const speaking = setInterval(() => child.stdin?.write("x"), 500);
    setTimeout(() => clearInterval(speaking), 4000);
    expect(await ended).toEqual([null, "SIGKILL"]);
    expect(performance.now() - since).toBeGreaterThan(6000);
  });

  test("ends it at the end of what is to come in", async (context) => {
    const { expect } = context;
    const { child, ended } = run(
      context,
      `native.vigilGuard(0, 60000); native.vigilTick(0); ${HOLD_UP}`,
      "pipe",
    );
    child.stdin?.end();
    expect(await ended).toEqual([null, "SIGKILL"]);
  });
});
