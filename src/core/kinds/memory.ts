/**
 * What finished jobs used, by program and shape, and what that lets one expect of the next. Bounded; when in doubt it knows
 * nothing, and the simple rule holds.
 */
import { type Need, partsOf, type Use } from "./need.js";
import { Speeds } from "./speeds.js";

/** Shapes and programs remembered; the one not used for longest goes. */
const keysMax = 1024;
/** Jobs after which one knows what to expect. */
const enough = 3;
/** Weight of one more job, at least. */
const weightMin = 0.2;
/** A mean that jobs stray from by more than so many times itself says nothing of the next one. */
const strayMax = 1;
/** Waits that are longer by less than this may be so from now on, ms. */
const waitNoiseMs = 100;
/** Times below this are noise, and say nothing of a host's speed, ms. */
const speedMinMs = 50;

/** Means over the jobs of one key, newer ones counting more. */
interface Seen {
  readonly jobs: number;
  readonly cpuMs: number;
  /** Falls at once, rises slowly: jobs wait longer than they need when others want the same disk, or memory runs out. */
  readonly waitMs: number;
  readonly ownMs: number;
  /** Mean distance of jobs from cpuMs. */
  readonly strayMs: number;
  readonly ioKb: number;
  /** Rises at once, falls slowly. */
  readonly memoryMb: number;
}

const fields = ["jobs", "cpuMs", "waitMs", "ownMs", "strayMs", "ioKb", "memoryMb"] as const;

export class WorkMemory {
  readonly speeds: Speeds;
  readonly #seen = new Map<string, Seen>();
  /** Over all jobs, for those of which nothing is known. */
  #meanMs: number | null = null;

  /** @param kept - what `toJSON` gave, or anything else */
  constructor(kept?: unknown) {
    const known = (typeof kept === "object" && kept !== null ? kept : {}) as Record<string, unknown>;
    this.speeds = new Speeds(known["speeds"]);
    if (typeof known["meanMs"] === "number" && known["meanMs"] >= 0) this.#meanMs = known["meanMs"];
    const seen = typeof known["seen"] === "object" && known["seen"] !== null ? known["seen"] : {};
    for (const [key, value] of Object.entries(seen).slice(-keysMax)) {
      const one = readSeen(value);
      if (one) this.#seen.set(key, one);
    }
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Mean time that jobs took, ms; null before the first. */
  get meanMs(): number | null {
    return this.#meanMs;
  }

  /** A job of these keys (its shape, its program) has ended. */
  learn(keys: readonly string[], use: Use): void {
    this.#meanMs = (this.#meanMs ?? use.wallMs) * (1 - weightMin) + use.wallMs * weightMin;
    const like = keys
      .map((key) => this.#seen.get(key))
      .find((one) => one && one.strayMs <= strayMax * (one.cpuMs + one.waitMs));
    const { cpuMs } = partsOf(use);
    // How long it waits for others says nothing of this host.
    const computes = like !== undefined && like.cpuMs > like.waitMs;
    if (computes && cpuMs >= speedMinMs && like.cpuMs >= speedMinMs)
      this.speeds.learn(use.host, like.cpuMs, cpuMs);
    const speed = this.speeds.speed(use.host);
    for (const key of keys) this.#put(key, mixed(this.#seen.get(key), use, speed));
  }

  /** A job of which that was expected ran here, alone in its slot, for so long: how fast is this host? */
  ranHere({ cpuMs, waitMs }: Need, wallMs: number): void {
    if (cpuMs > waitMs && cpuMs >= speedMinMs && wallMs - waitMs >= speedMinMs)
      this.speeds.learn("", cpuMs, wallMs - waitMs);
  }

  /** What a job of these keys will need, by the first that is known well enough. */
  need(keys: readonly string[]): Need | null {
    for (const key of keys) {
      const one = this.#seen.get(key);
      if (!one || !known(one)) continue;
      const { cpuMs, waitMs, ownMs, ioKb, memoryMb } = one;
      return { cpuMs, waitMs, ownMs, ioKb, memoryMb };
    }
    return null;
  }

  toJSON(): unknown {
    const seen = Object.fromEntries([...this.#seen].map(([key, one]) => [key, fields.map((f) => one[f])]));
    return { meanMs: this.#meanMs, seen, speeds: this.speeds.toJSON() };
  }

  #put(key: string, one: Seen): void {
    this.#seen.delete(key);
    this.#seen.set(key, one);
    const oldest = this.#seen.size > keysMax ? this.#seen.keys().next().value : undefined;
    if (oldest !== undefined) this.#seen.delete(oldest);
  }
}

const known = ({ jobs, cpuMs, waitMs, strayMs }: Seen): boolean =>
  jobs >= enough && strayMs <= strayMax * (cpuMs + waitMs);

function mixed(before: Seen | undefined, use: Use, speed: number): Seen {
  const parts = partsOf(use);
  const { waitMs } = parts;
  const cpuMs = parts.cpuMs * speed;
  const { cpuMs: ownMs, ioKb, memoryMb } = use;
  if (!before) return { jobs: 1, cpuMs, waitMs, ownMs, strayMs: 0, ioKb, memoryMb };
  const weight = Math.max(weightMin, 1 / (before.jobs + 1));
  const mix = (was: number, is: number): number => was + weight * (is - was);
  // Of the CPU time: what it waits depends on who else does.
  const away = Math.abs(cpuMs - before.cpuMs);
  return {
    jobs: before.jobs + 1,
    cpuMs: mix(before.cpuMs, cpuMs),
    waitMs:
      waitMs < before.waitMs ? waitMs : mix(before.waitMs, Math.min(waitMs, 2 * before.waitMs + waitNoiseMs)),
    ownMs: mix(before.ownMs, ownMs),
    strayMs: mix(before.strayMs, away),
    ioKb: mix(before.ioKb, ioKb),
    memoryMb: Math.max(memoryMb, mix(before.memoryMb, memoryMb)),
  };
}

function readSeen(value: unknown): Seen | null {
  if (!Array.isArray(value) || value.length !== fields.length) return null;
  if (!value.every((x) => typeof x === "number" && Number.isFinite(x) && x >= 0 && x < 1e15)) return null;
  return Object.fromEntries(fields.map((field, n) => [field, value[n] as number])) as unknown as Seen;
}
