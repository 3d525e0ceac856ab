/** The report: what its numbers are, and that its files are whole and say what they must. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { busySeconds } from "../../../src/cli/bench/others.js";
import type { Curve } from "../../../src/cli/bench/records.js";
import { escaped, wrapped } from "../../../src/cli/bench/report/frame.js";
import { short } from "../../../src/cli/bench/report/load-figure.js";
import { loadCsv, runsCsv } from "../../../src/cli/bench/report/raw.js";
import { lengthFor, series } from "../../../src/cli/bench/report/series.js";
import { statistics } from "../../../src/cli/bench/report/statistics.js";
import { hostsWords, runsWords, summarise } from "../../../src/cli/bench/report/summary.js";
import { writeReport } from "../../../src/cli/bench/report/write.js";
import { temporary } from "../support.js";
import { record, wellFormed } from "./support.js";

describe("statistics", () => {
  it("are what a textbook has", () => {
    expect(statistics([2, 4, 4, 4, 5, 5, 7, 9])).toMatchObject({
      n: 8,
      median: 4.5,
      min: 2,
      max: 9,
      mean: 5,
    });
    expect(statistics([2, 4, 4, 4, 5, 5, 7, 9]).deviation).toBeCloseTo(2.138, 3);
    expect(statistics([3])).toEqual({ n: 1, median: 3, min: 3, max: 3, mean: 3, deviation: null });
    expect(() => statistics([])).toThrow(RangeError);
  });

  it("do not depend on the order, and hold the values between them", () => {
    const times = fc.array(fc.double({ min: 0.001, max: 1e5, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(times, (values) => {
        const [one, other] = [statistics(values), statistics([...values].reverse())];
        expect(other.median).toBe(one.median);
        expect(values.filter((value) => value <= one.median).length * 2).toBeGreaterThanOrEqual(
          values.length,
        );
        expect(values.filter((value) => value >= one.median).length * 2).toBeGreaterThanOrEqual(
          values.length,
        );
        expect(one.deviation ?? 0).toBeLessThanOrEqual((one.max - one.min) * 1.0001);
      }),
    );
  });
});

describe("a series", () => {
  const host = (name: string, shift: number, values: readonly (number | null)[]): Curve => ({
    host: name,
    t: values.map((_, i) => i + 0.5 + shift),
    indices: { cpu: values },
  });

  it("is mean and spread over the hosts in each stretch", () => {
    const points = series([host("n1", 0, [0, 0, 100, 100]), host("n2", 0, [0, 50, 50, 0])], "cpu", 2);
    expect(points).toEqual([
      { t: 1, mean: 12.5, deviation: 12.5, min: 0, max: 25, hosts: 2 },
      { t: 3, mean: 62.5, deviation: 37.5, min: 25, max: 100, hosts: 2 },
    ]);
  });

  it("weighs hosts that measure at other moments by time", () => {
    // Shifted by half a second: half of the second sample falls into the first second.
    const points = series([host("n1", -0.5, [0, 100, 0])], "cpu", 1);
    expect(points.map(({ t, mean }) => [t, Math.round(mean)])).toEqual([
      [-0.5, 0],
      [0.5, 50],
      [1.5, 50],
      [2.5, 0],
    ]);
  });

  it("leaves out a stretch that one host has not measured, and is empty for what nobody measures", () => {
    const curves = [host("n1", 0, [1, 2, 3, 4]), host("n2", 0, [1, null, 3])];
    expect(series(curves, "cpu", 1).map(({ t }) => t)).toEqual([0.5, 2.5]);
    expect(series(curves, "intr", 1)).toEqual([]);
  });

  it("keeps a steady load steady, whenever and however often it is measured", () => {
    const gaps = fc.array(fc.double({ min: 0.2, max: 1.2, noNaN: true }), { minLength: 3, maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.constantFrom(1, 2, 5), (steps, length) => {
        let now = -3;
        const t = steps.map((step) => (now += step));
        const curve: Curve = { host: "n1", t, indices: { io: t.map(() => 42) } };
        for (const { mean } of series([curve], "io", length)) expect(mean).toBeCloseTo(42, 6);
      }),
    );
  });

  it("has as many points as a figure can show", () => {
    expect([10, 120, 121, 900, 1e6].map(lengthFor)).toEqual([1, 1, 2, 10, 3600]);
  });
});

const runs = [
  record("no PANTS", 1, 10),
  record("no PANTS", 2, 14),
  record("no PANTS", 3, 11),
  record("adaptive", 1, 5, { outputsEqual: true }),
  record("adaptive", 2, 6, { outputsEqual: false }),
  record("multi", 1, 7, { ok: false, error: "n2 <went> away" }),
];

describe("a summary", () => {
  it("compares medians with the first variant's, and names what failed", () => {
    const [one] = summarise(runs);
    expect(one?.variants.map(({ variant, speed, seconds }) => [variant, speed, seconds.n])).toEqual([
      ["no PANTS", 1, 3],
      ["adaptive", 2, 2],
    ]);
    expect(one?.variants.map(({ middle }) => middle.run)).toEqual([3, 1]);
    expect(one?.variants.map(({ outputsEqual }) => outputsEqual)).toEqual([undefined, false]);
    expect(one?.failed.map(({ variant }) => variant)).toEqual(["multi"]);
    expect(runsWords(one?.variants ?? [])).toBe("2 to 3 runs each");
    expect(hostsWords({ hosts: 4, cpus: 0.5 })).toBe("4 hosts of 0.5 CPU each");
    expect(hostsWords({ hosts: 1, cpus: 0 })).toBe("1 host");
  });
});

describe("words in figures", () => {
  it("are short, harmless, and in lines that fit", () => {
    expect([0, 12, 1500, 115_000, 2e6].map(short)).toEqual(["0", "12", "1.5k", "115k", "2M"]);
    expect(escaped('<a & "b">')).toBe("&lt;a &amp; &quot;b&quot;&gt;");
    expect(wrapped("one two three", 7)).toEqual(["one two", "three"]);
  });
});

describe("what else a machine did", () => {
  it("is all of its CPU time that was neither idle nor waiting for a disk", () => {
    expect(busySeconds("cpu  100 200 300 9999 8888 10 20 30 5 5\ncpu0 1 1 1 1\n")).toBe(6.6);
  });

  it("is said where it was enough to matter", async () => {
    const quiet = temporary();
    await writeReport(quiet, undefined, [record("a", 1, 2, { detail: { others_cpus: 0.1 } })], []);
    expect(readFileSync(join(quiet, "report.html"), "utf8")).not.toContain("not quiet");
    const runs = [0.1, 1.26].map((cpus, i) => record("a", i, 2, { detail: { others_cpus: cpus } }));
    await writeReport(quiet, undefined, runs, []);
    expect(readFileSync(join(quiet, "report.html"), "utf8")).toContain("0.1 to 1.3 of its CPUs busy");
  });
});

describe("raw records", () => {
  it("are CSV, details in columns of their own", () => {
    const some = record("a, b", 1, 2, {
      detail: { host: 'n"1' },
      load: [{ host: "n1", t: [1], indices: { io: [5] } }],
    });
    expect(
      runsCsv([some, record("c", 1, 3)])
        .trim()
        .split("\n"),
    ).toEqual([
      "experiment,variant,run,hosts,cpus,policy,startedAt,seconds,ok,outputsEqual,error,host",
      'e,"a, b",1,2,0.5,cpu,2026-01-01T00:00:00.000Z,2,true,,,"n""1"',
      "e,c,1,2,0.5,cpu,2026-01-01T00:00:00.000Z,3,true,,,",
    ]);
    expect(loadCsv([some])).toBe('experiment,variant,run,t,host,index,value\ne,"a, b",1,1,n1,io,5\n');
  });
});

describe("a report", () => {
  const load = ["n1", "n2"].map((host, i) => ({
    ...{ host, t: [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5] },
    indices: { cpu: [0, 50 * i, 100, 90, 80, 0], io: [0, 10, 20, 4000, 2e6, 0] },
  }));
  const all = runs.map((one) => ({ ...one, load }));

  it("is one page with figures that stand alone, and the same as PNG", async () => {
    const folder = temporary();
    const written = await writeReport(folder, undefined, all, [
      { name: "e", title: "Title & more", about: "About." },
    ]);
    expect(written).toMatchObject({ figures: 4, trouble: "" });
    expect(readdirSync(join(folder, "figures")).sort()).toEqual(
      ["e-load-cpu", "e-load-io", "e-times", "summary"].flatMap((name) => [`${name}.png`, `${name}.svg`]),
    );
    for (const name of ["e-load-cpu", "e-load-io", "e-times", "summary"]) {
      const svg = readFileSync(join(folder, "figures", `${name}.svg`), "utf8");
      wellFormed(svg);
      expect(svg, name).toMatch(/xmlns="http:\/\/www.w3.org\/2000\/svg"/);
      expect(svg, name).toMatch(name === "summary" ? /2 to 3 runs each/ : /2 hosts of 0\.5 CPU each/);
      const png = readFileSync(join(folder, "figures", `${name}.png`));
      expect(png.subarray(1, 4).toString("latin1")).toBe("PNG");
      expect([png.readUInt32BE(16), png.length > 10_000]).toEqual([1840, true]);
    }
    const page = readFileSync(written.page, "utf8");
    expect(page.match(/<svg/g)?.length).toBeGreaterThanOrEqual(4);
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(page).toContain("Title &amp; more");
    expect(page).toContain("multi, run 1, did not go well: n2 &lt;went&gt; away");
    expect(page).toMatch(
      /<td>adaptive<\/td>.*<td>2<\/td><td>5\.50<\/td><td>5\.00<\/td><td>6\.00<\/td>.*DIFFER/,
    );
  });

  it("says a load's unit, and draws each variant in its panel", async () => {
    const folder = temporary();
    await writeReport(folder, undefined, all, []);
    const svg = readFileSync(join(folder, "figures", "e-load-io.svg"), "utf8");
    for (const words of [
      "blocks/s",
      "no PANTS",
      "adaptive",
      "Each panel is its variant&#39;s run of median time",
    ])
      expect(svg.replaceAll("'", "&#39;")).toContain(words);
    expect(svg.match(/stroke-width="2"/g)?.length).toBeGreaterThanOrEqual(1);
  });
});
