/** How two who want to lead are compared, and how much a leader's ADVERT proves. Pure rules of the election. */
import type { Advert } from "./messages.js";

/** Who claims or leads what. */
export interface Candidacy {
  readonly epoch: number;
  readonly ballot: number;
  /** Of the machine. */
  readonly id: string;
}

/** Epochs above this are not believed: at an election a second it is not reached in four million years. */
export const epochMax = 2 ** 47;

/** Whether `a` goes before `b`: the higher epoch, then the lower ballot, then the lower id. */
export function beats(a: Candidacy, b: Candidacy): boolean {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch;
  if (a.ballot !== b.ballot) return a.ballot < b.ballot;
  return a.id < b.id;
}

/**
 * Whether a leader has shown that it hears others: it was voted for a moment ago, or has their reports. One that has
 * not may be deaf, and draws nobody away from one that has.
 */
export function established({ hosts, votes }: Advert): boolean {
  return hosts > 1 || votes > 0;
}
