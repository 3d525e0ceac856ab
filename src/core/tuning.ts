/** Every timer and bound of the protocol, in one place. Times are milliseconds of a monotonic clock. */

export interface Tuning {
  /** Leader to free group; three in a row unheard mean that it is gone. 400 keeps a failover near 1.3 s. */
  readonly advertMs: number;
  /** Silence after which a free host claims (its back-off comes on top). */
  readonly silenceMs: number;
  /** A leader heard within this time is vouched for (HOLD); shorter than silence, so that a dead one is not. */
  readonly vouchMs: number;
  /** A host that has just become free listens this long for a leader before its back-off begins. */
  readonly listenMs: number;
  /** Width of the back-off drawn by the ballot, so that one claims first. */
  readonly backoffMs: number;
  /** A candidate waits this long for a HOLD before it leads. */
  readonly holdMs: number;
  /** A timer overdue by more than this means that this host slept: it listens again before it claims. */
  readonly sleptMs: number;
  /** How many HOLDs a claim should meet, however many hosts could vouch. */
  readonly holdsExpected: number;
  /** Reports of changes that matter to the leader are at least this far apart. */
  readonly reportGapMs: number;
  /** Reports of changes that can wait. */
  readonly reportLazyMs: number;
  /** Slow refresh of one lone host; grows with the square root of the hosts, so that the leader's load at rest does too. */
  readonly refreshMs: number;
  readonly refreshMaxMs: number;
  /** A host silent for so many refresh periods is dropped from the leader's table. */
  readonly refreshesMissed: number;
  /** Life of a lease that nobody renews. */
  readonly leaseMs: number;
  readonly renewMs: number;
  /** A new leader believes renewals for hosts it has not heard of yet for this long. */
  readonly settleMs: number;
  /** A request is sent again, then given up; the pair is for an unproven leader and for one that answered lately. */
  readonly retryMs: readonly [unproven: number, proven: number];
  readonly giveUpMs: readonly [unproven: number, proven: number];
  /** An answer or ADVERT this recent proves a leader. */
  readonly provenMs: number;
  /** DENY of a full cluster: when to ask again, growing while it stays full. */
  readonly denyMinMs: number;
  readonly denyMaxMs: number;
  /** "No leader" is remembered this long, doubling up to the maximum. */
  readonly noLeaderMinMs: number;
  readonly noLeaderMaxMs: number;
  /** Host table queries: asked again, then answered with what came. */
  readonly queryRetryMs: number;
  readonly queryMs: number;
  /** So many failures of a host within the window leave it out. */
  readonly failures: number;
  readonly failureWindowMs: number;
  readonly leftOutMs: number;
  /** Leader's tables. */
  readonly hostsMax: number;
  readonly leasesMax: number;
  readonly answersMax: number;
  readonly rowsMax: number;
  /** Home's tables. */
  readonly pendingMax: number;
  readonly heldMax: number;
  readonly cacheMax: number;
}

/** Most leases, excluded hosts or ids in one message: with 63-byte names they fit 1200 bytes. */
export const perMessageMax = 12;
/** Most rows of the host table in one message. */
export const rowsPerMessage = 4;

export const defaultTuning: Tuning = {
  advertMs: 400,
  silenceMs: 1200,
  vouchMs: 1000,
  listenMs: 50,
  backoffMs: 120,
  holdMs: 80,
  sleptMs: 500,
  holdsExpected: 5,
  reportGapMs: 40,
  reportLazyMs: 500,
  refreshMs: 1000,
  refreshMaxMs: 20_000,
  refreshesMissed: 3,
  leaseMs: 5000,
  renewMs: 1500,
  settleMs: 3000,
  retryMs: [25, 60],
  giveUpMs: [60, 200],
  provenMs: 1000,
  denyMinMs: 100,
  denyMaxMs: 500,
  noLeaderMinMs: 250,
  noLeaderMaxMs: 1000,
  queryRetryMs: 40,
  queryMs: 100,
  failures: 3,
  failureWindowMs: 30_000,
  leftOutMs: 30_000,
  hostsMax: 16_384,
  leasesMax: 65_536,
  answersMax: 4096,
  rowsMax: 256,
  pendingMax: 256,
  heldMax: 4096,
  cacheMax: 64,
};

/** Refresh period for a cluster of so many free hosts: 1 s for one, 10 s for a hundred, 20 s from 400 on. */
export function refreshFor(hosts: number, tuning: Tuning): number {
  return Math.min(tuning.refreshMaxMs, Math.round(tuning.refreshMs * Math.sqrt(Math.max(1, hosts))));
}

/** Over how long first reports to a new leader are spread: a millisecond a host. */
export function spreadFor(hosts: number): number {
  return Math.min(5000, Math.max(10, hosts));
}
