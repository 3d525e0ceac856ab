import { expect, it } from "vitest";
import { type BuildCosts, build } from "./build.js";

const costs: BuildCosts = { compiles: 80, compileMs: 400, stepMs: 20, sendMs: 5, aloneMs: 1000 };

it("a build is faster on more hosts, and never faster than home's own part of it", () => {
  const ms = [1, 4, 32].map((hosts) => build({ seed: 1, hosts, cpus: 1, costs }));
  const [one = 0, four = 0, many = 0] = ms;
  const home = costs.compiles * (costs.stepMs + costs.sendMs) + costs.aloneMs;
  expect(one).toBeGreaterThan(costs.compiles * costs.stepMs + costs.aloneMs);
  expect(four).toBeLessThan(one / 2);
  expect(many).toBeLessThan(four);
  expect(many).toBeGreaterThan(home);
});
