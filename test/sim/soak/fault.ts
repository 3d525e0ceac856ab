/** What can go wrong in a run: a line of text that says it, and the doing. */
import type { Draw } from "./draw.js";
import type { Soak } from "./soak.js";

export interface Fault {
  /** When it begins, and how long it lasts, ms. */
  readonly at: number;
  readonly forMs: number;
  /** In words. */
  readonly what: string;
  /** Brings it about; returns what ends it. Draws from streams of its own, so that it does the same in every run. */
  readonly begin: (soak: Soak) => (() => void) | null;
}

/** Draws a fault of a kind for a cluster of these hosts. */
export type Maker = (draw: Draw, hosts: readonly string[]) => Pick<Fault, "what" | "begin">;

export function text({ at, forMs, what }: Fault): string {
  return `${(at / 1000).toFixed(2).padStart(7)} s, for ${(forMs / 1000).toFixed(2)} s: ${what}`;
}

/** A host by name, or whoever leads when it happens. */
export function target(draw: Draw, hosts: readonly string[]): { name: string; find: (soak: Soak) => string } {
  const name = draw.one(hosts);
  if (draw.chance(0.6)) return { name, find: () => name };
  return { name: `the leader (or ${name})`, find: (soak) => soak.leaders()[0]?.address ?? name };
}
