import { expect, it } from "vitest";
import { jobsOf, medians, parseStamps } from "../../src/cli/bench/stations.js";

const parts = [
  { until: "asked to run", words: "" },
  { until: "told", words: "" },
];

it("a job's stations, from whichever file, in the order of their times", () => {
  const here = "called 1000\ntold 9000\ncalled 20000\ntold 29000\n";
  const there = "asked to run 4000\nasked to run 24000\n";
  const jobs = jobsOf(parseStamps(here + there), "called");
  expect(jobs.map((job) => job.map(({ station }) => station))).toEqual([
    ["called", "asked to run", "told"],
    ["called", "asked to run", "told"],
  ]);
  expect(medians(jobs, parts)).toEqual([4, 5]);
});

it("a job that lacks a station does not count, and of all others the median does", () => {
  const job = (at: number, asked: number): string =>
    `called ${at}\nasked to run ${at + asked}\ntold ${at + asked + 10_000}\n`;
  const text = `${job(0, 1000)}${job(100_000, 2000)}called 200000\ntold 200001\n${job(300_000, 90_000)}`;
  expect(medians(jobsOf(parseStamps(text), "called"), parts)).toEqual([2, 10]);
});
