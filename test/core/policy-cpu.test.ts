import { expect, test } from "vitest";
import { judge } from "../../src/core/policy/cpu.js";

const rows = [
  { what: "idle", cpuPercent: 2, takenAverage: 0, taken: 0, total: 4, busy: false, predicted: 2 },
  { what: "load of others", cpuPercent: 97, takenAverage: 0, taken: 0, total: 4, busy: true, predicted: 97 },
  {
    what: "exactly the threshold",
    cpuPercent: 95,
    takenAverage: 0,
    taken: 0,
    total: 4,
    busy: true,
    predicted: 95,
  },
  {
    what: "full of jobs, else idle",
    cpuPercent: 100,
    takenAverage: 4,
    taken: 4,
    total: 4,
    busy: false,
    predicted: 100,
  },
  {
    what: "full of jobs and loaded",
    cpuPercent: 100,
    takenAverage: 0,
    taken: 4,
    total: 4,
    busy: true,
    predicted: 100,
  },
  {
    what: "its only job has just ended",
    cpuPercent: 100,
    takenAverage: 1,
    taken: 0,
    total: 1,
    busy: false,
    predicted: 0,
  },
  {
    what: "two of four jobs ended",
    cpuPercent: 100,
    takenAverage: 4,
    taken: 2,
    total: 4,
    busy: false,
    predicted: 50,
  },
  {
    what: "two jobs that use all four CPUs",
    cpuPercent: 100,
    takenAverage: 2,
    taken: 2,
    total: 4,
    busy: true,
    predicted: 100,
  },
  {
    what: "jobs just begun beside a load",
    cpuPercent: 60,
    takenAverage: 0,
    taken: 2,
    total: 4,
    busy: true,
    predicted: 100,
  },
  {
    what: "no slots at all",
    cpuPercent: 10,
    takenAverage: 0,
    taken: 0,
    total: 0,
    busy: false,
    predicted: 10,
  },
];

test.each(rows)("$what: busy $busy", ({ busy, predicted, cpuPercent, takenAverage, taken, total }) => {
  const verdict = judge({ cpuPercent, takenAverage, taken, total }, 95);
  expect(verdict).toMatchObject({ busy, predictedPercent: predicted });
});
