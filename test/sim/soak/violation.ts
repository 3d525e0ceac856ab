/** The invariants of the protocol, by the names under which a failure is reported. */
export type Invariant =
  | "slots are never exceeded at an executor"
  | "no job starts twice"
  | "no job starts after its local fallback"
  | "nothing unsolicited reaches a busy host"
  | "rejected input changes only counters"
  | "the epoch of a host never falls"
  | "only a leader or candidate is in the leader group"
  | "every table is bounded"
  | "no timer uses wall time"
  | "one agreed leader after healing"
  | "leaked slots come back"
  | "every request is resolved"
  | "a request costs little without a leader";

export class Violation extends Error {
  override readonly name = "Violation";

  constructor(
    readonly invariant: Invariant,
    readonly detail: string,
  ) {
    super(`${invariant}: ${detail}`);
  }
}
