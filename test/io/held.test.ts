/** Programs below a holder: what they lead, what holds their slot, how they end. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Leads, native } from "../../src/io/native.js";
import { b, ended, openDescriptors, scratch, shell, until } from "./support.js";

const prex = join(import.meta.dirname, "..", "..", "build", "Release", "prex");
const SIGKILL = 9;
const folder = scratch();
beforeAll(() => expect(native.tableOpen(join(folder, "slots"), 4, 0o600)).toBe(0));
afterAll(() => native.tableClose());

const taken = () => native.slotWords().filter(({ pid }) => pid !== 0);

describe("a program below a holder", () => {
  test("ends as itself: by its status, or by its signal", async () => {
    for (const [script, status] of [
      ["exit 5", 5 << 8],
      ["kill -SEGV $$", 11],
      ["kill -KILL $$", SIGKILL],
    ] as const) {
      const { pid, holder, report } = native.spawnHeld(shell(script), prex, Leads.NOTHING);
      expect(pid).not.toBe(holder);
      expect((await ended(holder)).status).toBe(status);
      native.close(report);
    }
  });

  test("that cannot be started leaves no process, no slot and no descriptor", () => {
    const before = openDescriptors();
    const slot = native.slotTake(true);
    const held = native.spawnHeld(shell("", { path: b("/nonexistent/program"), slot }), prex, Leads.NOTHING);
    expect(held).toEqual({ pid: -2, holder: 0, report: -1 });
    const again = native.slotTake(true);
    expect(native.spawnHeld(shell("", { slot: again }), "/nonexistent/prex", Leads.NOTHING).pid).toBe(-2);
    expect(taken()).toEqual([]);
    expect(openDescriptors()).toEqual(before);
  });

  test.each([
    ["nothing", Leads.NOTHING, false],
    ["its group", Leads.GROUP, false],
    ["its session", Leads.SESSION, true],
  ])("that leads %s: its slot is that of its session's leader", async (_, leads, own) => {
    const slot = native.slotTake(true);
    const { pid, holder, report } = native.spawnHeld(shell("read x", { slot }), prex, leads);
    expect(taken()).toMatchObject([{ pid: own ? pid : holder, guest: true, pending: false }]);
    native.killSession(holder, SIGKILL, true);
    await ended(holder);
    await until("the slot to be free", () => native.slotCounts().taken === 0);
    native.close(report);
  });

  test("tells what stopped it, and is not stopped with it", async () => {
    const { pid, holder, report } = native.spawnHeld(shell("kill -STOP $$; exit 3"), prex, Leads.NOTHING);
    const bytes = Buffer.alloc(4);
    await until("the report", () => native.read(report, "pipe", bytes) === 4);
    expect(bytes.readInt32LE(0)).toBe(19);
    native.kill(pid, 18);
    expect((await ended(holder)).status).toBe(3 << 8);
    native.close(report);
  });
});
