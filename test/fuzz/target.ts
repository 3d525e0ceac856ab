/** What is fuzzed: a decoder, with the inputs for it and what must hold of each. */
import type { Chance } from "./random.js";

export interface Session {
  /** Of the last `once`, for the report. */
  input: Buffer | string;
  /** Makes one input and decodes it. Throws whatever must not be. */
  once(): void;
  /** Checks what can only be seen in the end, and tidies up. */
  end?(): void;
}

export interface Target {
  readonly name: string;
  /** Share in all inputs, of the shares of all targets together. */
  readonly share: number;
  readonly start: (chance: Chance) => Session;
}

/** Something that must hold does not. */
export class Broken extends Error {}

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Broken(what);
}

/** Runs a decoder: its result, or undefined when it says no by the only error that it may throw. */
export function decoded<T>(declared: new (...args: never[]) => Error, decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof declared) return undefined;
    throw error;
  }
}
