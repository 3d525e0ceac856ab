/** Interactive programs on another host, used by hand. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { which } from "../../src/lab/rights.js";
import { until } from "../../src/lab/wait.js";
import { Bed } from "./bed.js";
import { Tmux } from "./tmux.js";

const missing = ["tmux", "vi", "less", "top", "python3"].filter((name) => which(name) === "");
if (missing.length > 0) console.warn(`tests at a terminal are skipped: no ${missing.join(", ")}`);

const prex = join(import.meta.dirname, "..", "..", "build", "Release", "prex");

describe.skipIf(missing.length > 0)("at a terminal", () => {
  let bed: Bed;
  let at: Tmux;
  beforeAll(async () => {
    bed = new Bed();
    await bed.on("far", "true");
  });
  afterAll(() => bed.end());
  beforeEach(async () => {
    at = new Tmux(bed.work, { ...bed.env, P: `${prex} --on far` });
    await at.prompt();
  });
  afterEach(() => at.end());

  const file = (): string => readFileSync(join(bed.work, "text"), "utf8");

  it("vi edits and saves, is stopped by Ctrl-Z and goes on with fg", async () => {
    writeFileSync(join(bed.work, "text"), "first\n");
    at.type("$P vi text");
    await at.shows("first");
    at.keys("o", "second", "Escape");
    await at.shows("second");
    at.keys("C-z");
    await at.shows(/Stopped/);
    await at.prompt();
    at.type("echo between $((1 + 1))");
    await at.shows("between 2");
    at.type("fg");
    await at.shows(/first\n *second/);
    at.keys("o", "third", "Escape", ":wq", "Enter");
    await until("the file to be saved", () => file() === "first\nsecond\nthird\n");
    await at.prompt();
    at.type("stty -a | grep -o ' -*icanon'; echo over $?");
    await at.shows(/ icanon\nover 0/);
  });

  it("has the size of the one here, also when that changes", async () => {
    at.type("$P sh -c 'stty size; trap \"stty size\" WINCH; while :; do sleep 0.1; done'");
    await at.shows("24 80");
    at.resize(100, 30);
    await at.shows("30 100");
    at.resize(60, 20);
    await at.shows("20 60");
    at.keys("C-c");
    await at.prompt();
  });

  it("Ctrl-C ends the program, and with it what it waits for", async () => {
    at.type("$P sh -c 'echo up; sleep 1234; echo not here'");
    await at.shows(/^up/m);
    at.keys("C-c");
    await at.prompt();
    at.type("echo status $?");
    await at.shows("status 130");
    expect(at.screen).not.toContain("not here\n");
    await until("the far program to be gone", () => bed.processes("1234").length === 0);
  });

  it("Ctrl-Z stops it, bg lets it go on, and it reads nothing then", async () => {
    at.type("$P sh -c 'echo up; sleep 0.3; echo went on; read line; echo read $line'");
    await at.shows(/^up/m);
    at.keys("C-z");
    await at.shows("Stopped");
    at.type("bg");
    await at.shows(/ went on/);
    at.type("echo for the shell");
    await at.shows(/^for the shell/m);
    at.type("fg");
    await at.shows("fg\n");
    at.type("for it");
    await at.shows(/^read for it/m);
  });

  it("python3, less and top can be used", async () => {
    at.type("$P python3 -q");
    await at.shows(">>>");
    at.type("6 * 7");
    await at.shows(/^42/m);
    at.keys("C-c");
    await at.shows("KeyboardInterrupt");
    at.keys("C-d");
    await at.prompt();
    at.type("clear; seq 1000 > lines; $P less lines");
    await at.shows(/^22\n23\n/m);
    at.keys("G");
    await at.shows(/^1000\n/m);
    at.keys("q");
    await at.prompt();
    at.type("$P top");
    await at.shows("load average");
    at.keys("q");
    await at.prompt();
    at.type("echo and $((40 + 2))");
    await at.shows("and 42");
  });

  it("is as it was when the stand-in has been killed", async () => {
    at.type("stty -a > before; $P vi text; stty -a > after; echo same $(cmp before after && echo yes)");
    await at.shows("~");
    const [standIn] = bed.processes("vi\u0000text").filter((pid) => {
      return readFileSync(`/proc/${pid}/comm`, "latin1") === "prex\n";
    });
    process.kill(standIn ?? 0, "SIGKILL");
    await at.shows("same yes");
  });

  it("is a pipe, as it was, for a program of a group that is not its own", async () => {
    at.type("sh -c '$P sh -c \"tty; test -t 1; echo tty \\$?\"; echo over'");
    await at.shows("over\n");
    await at.shows("tty 1");
  });
});
