/** Faults at every moment of a job. `make faults` plays all of them and prints the table of docs/transparency.md. */
import { expect, it } from "vitest";
import { type Cell, exists, MOMENTS, play, type Seen, wrong } from "./matrix.js";
import { FAULTS, PARTIES } from "./parties.js";

const whole = process.env["FAULTS"] === "all";
const ATONCE = 6;

const cells: Cell[] = PARTIES.flatMap((party) =>
  FAULTS.flatMap((fault) => MOMENTS.map((moment) => ({ party, fault, moment }))),
).filter((cell) => exists(cell) && (whole || cell.fault === "kill"));

const words = ({ end, said, runs, seconds }: Seen): string =>
  `${end}${said.startsWith("prex: lost") || said.includes(": lost ") ? " and a line" : ""}; ran ${runs}; ${seconds.toFixed(1)} s`;

it("cost at most the job's life, never two of them", { timeout: 600_000 }, async () => {
  const seen = new Map<Cell, Seen | string>();
  const left = [...cells];
  const work = async (): Promise<void> => {
    for (let cell = left.shift(); cell !== undefined; cell = left.shift())
      seen.set(cell, await play(cell).catch((error: unknown) => String(error)));
  };
  await Promise.all(Array.from({ length: ATONCE }, work));
  const results = cells.map((cell) => ({ cell, result: seen.get(cell) ?? "not played" }));
  if (whole) {
    console.log(`| | ${MOMENTS.join(" | ")} |\n|---|---|---|---|---|`);
    for (const party of PARTIES) {
      for (const fault of FAULTS) {
        const row = results.filter(({ cell }) => cell.party === party && cell.fault === fault);
        if (row.length === 0) continue;
        const texts = MOMENTS.map((moment) => {
          const result = row.find(({ cell }) => cell.moment === moment)?.result ?? "–";
          return typeof result === "string" ? result : words(result);
        });
        console.log(`| ${fault} ${party} | ${texts.join(" | ")} |`);
      }
    }
  }
  const faults = results.map(({ cell, result }) => {
    const why = typeof result === "string" ? result : wrong(cell, result);
    return why === "" ? "" : `${cell.fault} ${cell.party} ${cell.moment}: ${why}`;
  });
  expect(faults.filter((text) => text !== "")).toEqual([]);
});
