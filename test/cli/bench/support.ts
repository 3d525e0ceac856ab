import { expect } from "vitest";
import type { RunRecord } from "../../../src/cli/bench/records.js";

/** A run that went well, of an experiment `e`. */
export const record = (
  variant: string,
  run: number,
  seconds: number,
  more: Partial<RunRecord> = {},
): RunRecord => ({
  ...{
    experiment: "e",
    variant,
    run,
    hosts: 2,
    cpus: 0.5,
    policy: "cpu",
    startedAt: "2026-01-01T00:00:00.000Z",
  },
  ...{ seconds, ok: true, detail: {}, load: [], ...more },
});

/** Fails unless every element that is opened is closed, in order. */
export function wellFormed(xml: string): void {
  const open: string[] = [];
  for (const [, end, name = "", attributes = ""] of xml.matchAll(/<(\/?)([\w:-]+)((?:[^<>"]|"[^"]*")*)>/g)) {
    if (end) expect(open.pop(), `</${name}>`).toBe(name);
    else if (!attributes.endsWith("/")) open.push(name);
  }
  expect(open).toEqual([]);
  expect(xml).not.toMatch(/NaN|undefined|Infinity/);
}
