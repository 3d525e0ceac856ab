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
  /** Width of the back-off that ballots are spread over: so much a host, within bounds, so that one claims first. */
  readonly backoffPerHostMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** A candidate waits this long for a HOLD or a VOTE before it leads, or claims again. */
  readonly holdMs: number;
  /** A candidate that nobody answered leads after so many claims; */
  readonly claimsMax: number;
  /** or after the first, when no other host took part for so long. */
  readonly aloneMs: number;
  /** A timer overdue by more than this means that this host slept: it listens again before it claims. */
  readonly sleptMs: number;
  /** How many HOLDs or VOTEs a claim should meet, however many hosts could send one. */
  readonly holdsExpected: number;
  /** Reports of changes that matter to the leader are at least this far apart. */
  readonly reportGapMs: number;
  /** Reports of changes that can wait. */
  readonly reportLazyMs: number;
  /** Slow refresh of a report: so much times the square root of the hosts, within bounds. */
  readonly refreshMs: number;
  readonly refreshMinMs: number;
  readonly refreshMaxMs: number;
  /** A host silent for so many refresh periods is dropped from the leader's table. */
  readonly refreshesMissed: number;
  /** A leader that misses so many reports that it asked for is deaf: it lets others lead. */
  readonly gapsMissed: number;
  /** Life of a lease that nobody renews. */
  readonly leaseMs: number;
  readonly renewMs: number;
  /** A new leader believes renewals for hosts it has not heard of yet for this long, and while first reports are spread. */
  readonly settleMs: number;
  /** A request is sent again so long after it was first sent, and at last given up: a job waits no longer for a leader. */
  readonly retryMs: readonly number[];
  readonly giveUpMs: number;
  /** DENY of a full cluster: when to ask again, growing while it stays full. */
  readonly denyMinMs: number;
  readonly denyMaxMs: number;
  /** "No leader" is remembered for a quarter of the time that it has been so, within these bounds. */
  readonly noLeaderMinMs: number;
  readonly noLeaderMaxMs: number;
  /** Host table queries: asked again, then answered with what came. */
  readonly queryRetryMs: number;
  readonly queryMs: number;
  /** So many failures of a host within the window leave it out. */
  readonly failures: number;
  readonly failureWindowMs: number;
  readonly leftOutMs: number;
  /** A host whose name another has takes no part for so long, then tries again. */
  readonly namesakeMs: number;
  /** Leader's tables; as many names as hosts. */
  readonly hostsMax: number;
  readonly leasesMax: number;
  readonly answersMax: number;
  readonly rowsMax: number;
  /** Home's tables. */
  readonly pendingMax: number;
  readonly heldMax: number;
  readonly cacheMax: number;
  /** Clients whose failing hosts are remembered. */
  readonly clientsMax: number;
}

/** Tables by name: how much is in them, and how much may be. */
export type Tables = Readonly<Record<string, readonly [size: number, max: number]>>;

/** Most leases, excluded hosts or ids in one message: with 63-byte names they fit 1200 bytes. */
export const perMessageMax = 12;
/** Most hosts to prefer in one request. */
export const preferMax = 4;
/** Most rows of the host table in one message. */
export const rowsPerMessage = 4;

export const defaultTuning: Tuning = {
  advertMs: 400,
  silenceMs: 1200,
  vouchMs: 1000,
  listenMs: 50,
  backoffPerHostMs: 12,
  backoffMinMs: 120,
  backoffMaxMs: 1200,
  holdMs: 80,
  claimsMax: 3,
  aloneMs: 5000,
  sleptMs: 500,
  holdsExpected: 5,
  reportGapMs: 40,
  reportLazyMs: 500,
  refreshMs: 600,
  refreshMinMs: 1000,
  refreshMaxMs: 60_000,
  refreshesMissed: 3,
  gapsMissed: 12,
  leaseMs: 5000,
  renewMs: 1500,
  settleMs: 3000,
  retryMs: [20, 40],
  giveUpMs: 60,
  denyMinMs: 100,
  denyMaxMs: 500,
  noLeaderMinMs: 250,
  noLeaderMaxMs: 1000,
  queryRetryMs: 40,
  queryMs: 100,
  failures: 3,
  failureWindowMs: 30_000,
  leftOutMs: 30_000,
  namesakeMs: 10_000,
  hostsMax: 16_384,
  leasesMax: 65_536,
  answersMax: 4096,
  rowsMax: 256,
  pendingMax: 256,
  heldMax: 4096,
  cacheMax: 64,
  clientsMax: 256,
};

/**
 * Refresh period for a cluster of so many free hosts: 1 s up to three, 6 s for a hundred, 60 s for ten thousand, so that
 * the leader's load at rest grows with the root of the hosts.
 */
export function refreshFor(hosts: number, tuning: Tuning): number {
  const period = Math.round(tuning.refreshMs * Math.sqrt(Math.max(1, hosts)));
  return Math.min(tuning.refreshMaxMs, Math.max(tuning.refreshMinMs, period));
}

/** A refresh period that makes hosts spread their reports anew: less than half of the last. */
export function soonerThan(refreshMs: number): number {
  return Math.floor(refreshMs / 2.1);
}

/**
 * How long a leader with so many others in its table hears none of them before it takes itself for deaf: after silence it
 * asks all to spread their reports anew, and waits until twelve should have come.
 */
export function deafFor(others: number, tuning: Tuning): number {
  const asked = (tuning.gapsMissed * refreshFor(others + 1, tuning)) / others;
  return tuning.silenceMs + Math.max(tuning.silenceMs, asked);
}

/** Over how long first reports to a new leader are spread: a millisecond a host. */
export function spreadFor(hosts: number): number {
  return Math.min(5000, Math.max(10, hosts));
}

/** Width of the back-off in a cluster that had so many free hosts: the first claim comes about 12 ms after silence. */
export function backoffFor(hosts: number, tuning: Tuning): number {
  const { backoffPerHostMs, backoffMinMs, backoffMaxMs } = tuning;
  return Math.min(backoffMaxMs, Math.max(backoffMinMs, hosts * backoffPerHostMs));
}
