/** Writes into the record of decisions what became of a job that did not run here. */
import { causes } from "../core/policy/policy.js";
import { causeWords } from "../core/policy/words.js";
import { type State, Where, Why } from "../io/layout.js";
import { native } from "../io/native.js";

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

/** @param state - this host's, as last seen */
export function record(fate: Fate, state: State | null): void {
  const busy = state?.busy === true;
  const index = busy ? state.index : 0;
  const detail =
    fate.detail === "" && fate.reason === Why.REMOTE_BUSY && busy ? busyWords(state) : fate.detail;
  native.why({ ...fate, detail, uid: process.getuid?.() ?? 0, where: Where.REMOTE, index });
}

/** What made this host busy, with its value and its threshold. */
function busyWords({ index, indexValue, indexThreshold }: State): string {
  const what = causes[index - 1];
  return what ? causeWords({ what, value: indexValue / 100, threshold: indexThreshold / 100 }) : "";
}
