/** Runs on record: that a bench which was killed at any moment goes on where it was, and that no run counts twice. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Experiment, Outcome, Settings } from "../../../src/cli/bench/experiment.js";
import { Unavailable } from "../../../src/cli/bench/experiment.js";
import { aboutOf, claim } from "../../../src/cli/bench/folder.js";
import { loadPoints, Records, runsFile } from "../../../src/cli/bench/records.js";
import { runExperiment } from "../../../src/cli/bench/runner.js";
import { temporary } from "../support.js";
import { record } from "./support.js";

const settings: Settings = {
  ...{ place: "lab", hosts: 2, cpus: 0.5, policies: ["cpu"], small: true, folder: "/tmp", options: {} },
};

const outcome: Outcome = { seconds: 1, hosts: 2, cpus: 0.5, policy: "cpu" };

/** An experiment of two variants, which keeps a list of what is done with it. */
function scripted(run: (turn: string) => Outcome | Promise<Outcome> = () => outcome) {
  const done: string[] = [];
  const experiment: Experiment = {
    ...{ name: "e", title: "An experiment", about: "", options: { size: "how large" } },
    variants: () => ["a", "b"],
    setUp: () => {
      done.push("up");
      return Promise.resolve();
    },
    run: async (variant, number) => {
      done.push(`${variant}${number}`);
      return run(`${variant}${number}`);
    },
    tearDown: () => {
      done.push("down");
      return Promise.resolve();
    },
  };
  return { experiment, done };
}

const go = (
  experiment: Experiment,
  records: Records,
  more: { runs?: number; only?: string[]; again?: boolean; signal?: AbortSignal } = {},
) => {
  const said: string[] = [];
  const options = { runs: 2, again: false, signal: new AbortController().signal, ...more };
  const result = runExperiment(experiment, settings, records, { ...options, say: (line) => said.push(line) });
  return { said, result };
};

describe("records", () => {
  it("are there for whoever opens the folder next, the last word of a run for it", () => {
    const folder = temporary();
    const first = new Records(folder);
    first.add(record("a", 1, 3));
    first.add(record("a", 2, 4, { ok: false, error: "no luck" }));
    first.add(record("a", 1, 5));
    const next = new Records(folder);
    expect(next.all).toEqual([record("a", 1, 5), record("a", 2, 4, { ok: false, error: "no luck" })]);
    expect(next.has({ experiment: "e", variant: "a", run: 1 })).toBe(true);
    expect(next.has({ experiment: "e", variant: "a", run: 2 })).toBe(false);
  });

  it("leave out a line that was torn wherever it was torn, and nothing after it", () => {
    const folder = temporary();
    new Records(folder).add(record("a", 1, 3));
    const whole = readFileSync(runsFile(folder), "utf8");
    for (let length = 1; length < whole.length - 1; length += 7) {
      writeFileSync(runsFile(folder), whole);
      appendFileSync(runsFile(folder), whole.trim().replace('"run":1', '"run":2').slice(0, length));
      new Records(folder).add(record("b", 1, 9));
      expect(new Records(folder).all.map(({ variant, run }) => variant + String(run))).toEqual(["a1", "b1"]);
    }
  });

  it("give each value of a load curve by itself, and none where nothing was measured", () => {
    const load = [{ host: "n1", t: [0.5, 1.5], indices: { cpu: [10, null], io: [7, 8] } }];
    expect(
      loadPoints(record("a", 1, 2, { load })).map(({ t, host, index, value }) => [t, host, index, value]),
    ).toEqual([
      [0.5, "n1", "cpu", 10],
      [0.5, "n1", "io", 7],
      [1.5, "n1", "io", 8],
    ]);
  });
});

describe("a bench", () => {
  it("takes variants by turns, and says how many are left", async () => {
    const { experiment, done } = scripted();
    const { said, result } = go(experiment, new Records(temporary()));
    expect(await result).toBe(0);
    expect(done).toEqual(["up", "a1", "b1", "a2", "b2", "down"]);
    expect(said[1]).toMatch(/e a, run 1: 1\.00 s; 3 left, about /);
  });

  it("goes on where it was, and does all again only if asked", async () => {
    const folder = temporary();
    const { experiment, done } = scripted();
    new Records(folder).add(record("a", 1, 1));
    new Records(folder).add(record("b", 1, 1, { ok: false }));
    await go(experiment, new Records(folder)).result;
    expect(done).toEqual(["up", "b1", "a2", "b2", "down"]);
    const { said, result } = go(experiment, new Records(folder));
    await result;
    expect(said).toEqual(["e: all on record"]);
    await go(experiment, new Records(folder), { again: true, runs: 1 }).result;
    expect(done.slice(5)).toEqual(["up", "a1", "b1", "down"]);
  });

  it("leaves out the variants that were not asked for", async () => {
    const { experiment, done } = scripted();
    await go(experiment, new Records(temporary()), { only: ["b", "c"] }).result;
    expect(done).toEqual(["up", "b1", "b2", "down"]);
  });

  it("puts a failure on record and goes on with the others", async () => {
    const records = new Records(temporary());
    const { experiment, done } = scripted((turn) => {
      if (turn === "a1") throw new Error("no luck");
      if (turn === "b1") throw new Unavailable("no tool");
      return outcome;
    });
    const { said, result } = go(experiment, records);
    expect(await result).toBe(1);
    // What is not to be had is not asked for again, what failed is.
    expect(done).toEqual(["up", "a1", "b1", "a2", "down"]);
    expect(records.all.map(({ variant, run, ok, error }) => [variant, run, ok, error])).toEqual([
      ["a", 1, false, "no luck"],
      ["b", 1, false, "no tool"],
      ["a", 2, true, undefined],
    ]);
    expect(said.join("\n")).toContain("e b, run 1: not measured: no tool");
  });

  it("tears down also when it cannot be set up, and in the middle of a run", async () => {
    const { experiment, done } = scripted();
    const records = new Records(temporary());
    const broken = { ...experiment, setUp: () => Promise.reject(new Unavailable("no disk")) };
    expect(await go(broken, records).result).toBe(0);
    expect(done).toEqual(["down"]);
    expect(records.all).toMatchObject([{ variant: "", run: 0, ok: false, error: "no disk" }]);

    const stopping = new AbortController();
    const endless = scripted(() => {
      stopping.abort(new Error("stopped"));
      return new Promise<Outcome>(() => undefined);
    });
    const again = new Records(temporary());
    await expect(go(endless.experiment, again, { signal: stopping.signal }).result).rejects.toThrow(
      "stopped",
    );
    expect(endless.done).toEqual(["up", "a1", "down"]);
    expect(again.all).toEqual([]);
  });
});

describe("a folder of results", () => {
  it("takes no results of other hosts or options beside its own", () => {
    const folder = temporary();
    const { experiment } = scripted();
    const other = { ...experiment, name: "f", options: {} };
    claim(folder, settings, [experiment]);
    claim(folder, { ...settings, options: { size: "1" } }, [other]);
    expect(aboutOf(folder)?.options).toEqual({ e: {}, f: {} });
    expect(() => claim(folder, { ...settings, options: { size: "1" } }, [experiment])).toThrow(
      `${folder} has results of e with --set {}`,
    );
    expect(() => claim(folder, { ...settings, hosts: 4 }, [experiment])).toThrow("has results of hosts 2");
    expect(readFileSync(join(folder, "about.json"), "utf8")).toContain('"hosts": 2');
  });
});
