/** Writes into the record of decisions what became of a job that did not run here. */
import { type State, Where } from "../io/layout.js";
import { native } from "../io/native.js";
import { latestState } from "./local.js";

export interface Fate {
  /** Of the stand-in. */
  readonly pid: number;
  readonly program: string;
  readonly host: string;
  /** One of Why. */
  readonly reason: number;
  /** From request to status. */
  readonly durationMs: number;
  /** Raw wait status, or -1. */
  readonly status: number;
  readonly detail: string;
}

export function record(fate: Fate): void {
  const state: State | null = latestState();
  const index = state?.busy === true ? state.index : 0;
  native.why({ ...fate, uid: process.getuid?.() ?? 0, where: Where.REMOTE, index });
}
