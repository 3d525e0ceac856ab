/** At most once, under N random faults: `make faults N=1000 SEED=1`; a few of them by default. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Bed } from "../helper/bed.js";
import { root } from "../native/world.js";
import { newTally, randomOf, round } from "./once.js";

const rounds = Number(process.env["N"] ?? 15);
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const ROUND_MS = 40_000;

let bed: Bed;
beforeAll(() => {
  bed = new Bed();
  bed.env["PREX"] = join(root, "build", "Release", "prex");
});
afterAll(() => bed.end());

it(`never runs a job twice (seed ${seed}, ${rounds} faults)`, { timeout: rounds * ROUND_MS }, async () => {
  const random = randomOf(seed);
  const tally = newTally();
  for (let i = 0; i < rounds; i++) await round(bed, i, random, tally);
  console.log(
    `seed ${seed}: ${rounds} faults, ${tally.jobs} jobs: ${tally.done} done, ${tally.lost} lost, wrong: ${tally.wrong.length}`,
  );
  expect(tally.wrong).toEqual([]);
});
