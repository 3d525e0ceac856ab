/** The sampler on this machine. */
import { expect, it } from "vitest";
import { Sampler } from "../../../src/io/indices/sampler.js";

it("shows a load of its own", () => {
  const s = new Sampler();
  const end = performance.now() + 400;
  while (performance.now() < end) Buffer.alloc(1 << 20).fill(1);
  const sample = s.sample();
  expect(sample.cpu).toBeGreaterThan(5);
  expect(sample.memory).toBeGreaterThan(0);
  expect(sample.availableMb).toBeGreaterThan(0);
});

it("costs little memory, however often it is asked", () => {
  const s = new Sampler();
  const grown = (count: number) => {
    for (let n = 0; n < count; n += 1) s.sample();
    return process.memoryUsage().external + process.memoryUsage().arrayBuffers;
  };
  const before = grown(50);
  expect(grown(3600) - before).toBeLessThan(1 << 20);
});
