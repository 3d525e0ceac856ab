/** Jobs that wait in prexd's queue, and what it wants done for them. */
import type { Need, Wanted } from "../core/kinds/need.js";
import type { Takes } from "../core/kinds/promises.js";
import type { Lease } from "../wire/control.js";

/**
 * Another program may wait for it, through a pipe, in a slot of its own: it does not wait for long. `maybe`: that is to be looked
 * at, and again, since the parent of the two has the pipe open until it has started both; and it may have it open for good.
 */
export type Piped = "no" | "maybe" | "yes";

export interface Waiting {
  readonly id: number;
  /** Hosts that cannot run this job. */
  readonly excluded: ReadonlySet<string>;
  /** Must not simply get a slot of this host. */
  readonly away: boolean;
  /** What it will need; null or nothing: not known. */
  readonly need?: Need | null;
  /** What it runs, for a guess where its need is not known. */
  readonly program?: string;
  /** When it began to wait, if it has been here before, ms. */
  readonly since?: number;
  /** May wait on another host for the end of what runs there: should that host be lost, it can be run again. */
  readonly ahead?: boolean;
  readonly piped?: Piped;
}

export type Effect =
  /** `ahead`: it waits there for the end of the job that has the lease. */
  | { readonly do: "assign"; readonly job: number; readonly lease: Lease; readonly ahead: boolean }
  /** A job that was sent ahead has its slot now. */
  | { readonly do: "follow"; readonly job: number }
  /** Whether it is piped to another program, as far as can be seen now: `piped` takes the answer. */
  | { readonly do: "look"; readonly job: number }
  /** One that was sent ahead shall come back, unless it has begun. */
  | { readonly do: "callBack"; readonly job: number }
  /** `slot`: one is free here now. */
  | { readonly do: "here"; readonly job: number; readonly why: string; readonly slot: boolean }
  | {
      readonly do: "request";
      readonly id: number;
      readonly count: number;
      readonly exclude: string[];
      readonly wanted: Wanted;
    }
  | { readonly do: "release"; readonly leases: string[] };

export interface Job extends Waiting {
  readonly since: number;
  readonly need: Need | null;
  /** Jobs of one kind can use the same hosts. */
  readonly kind: string;
  /** What the leader is asked for it, unless it is planned: jobs of one question can use the same hosts, and none is too full for one only. */
  readonly question: string;
  /** What it takes of a host beside a slot. */
  readonly takes: Takes;
  /** When it is to be looked at whether it is piped, ms. */
  lookAt: number;
}

/** It takes long enough to be planned. */
export interface LongJob extends Job {
  readonly need: Need;
}
