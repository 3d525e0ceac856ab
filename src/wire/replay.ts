/**
 * Which sequence numbers of each sender have been seen: a sliding window per sender and boot. With them, which key each
 * sender last signed with: what a user wants to know before an old key is dropped.
 */

/** Numbers this far behind the newest are still told apart: datagrams of three sockets are read in turns. */
const windowBits = 1024;
const words = windowBits / 32;
/** How exact "silent for longest" is: to reorder the table for every datagram costs more than all else here. */
const recentMs = 1000;

interface Window {
  newest: number;
  readonly seen: Uint32Array;
  keyId: number;
  heardMs: number;
  /** When it was last moved to the end of the table. */
  movedMs: number;
}

export class ReplayGuard {
  /** Least recently heard first. */
  readonly #windows = new Map<string, Window>();

  /** @param sendersMax senders remembered; beyond, the one silent for longest is forgotten. */
  constructor(private readonly sendersMax = 16_384) {}

  get senders(): number {
    return this.#windows.size;
  }

  /**
   * Notes a sequence number; false when it was seen before or is too old to tell.
   * @param sender machine and boot, 32 hex digits @param nowMs monotonic
   */
  accept(sender: string, sequence: number, keyId: number, nowMs: number): boolean {
    const window = this.#windows.get(sender);
    if (!window) {
      const seen = new Uint32Array(words);
      mark(seen, sequence);
      this.#add(sender, { newest: sequence, seen, keyId, heardMs: nowMs, movedMs: nowMs });
      return true;
    }
    if (!slide(window, sequence)) return false;
    window.keyId = keyId;
    window.heardMs = nowMs;
    if (nowMs - window.movedMs < recentMs) return true;
    window.movedMs = nowMs;
    this.#windows.delete(sender);
    this.#windows.set(sender, window);
    return true;
  }

  /** How many machines, heard in the last `withinMs`, last signed with each key. */
  keysHeard(withinMs: number, nowMs: number): Map<number, number> {
    const newest = new Map<string, Window>();
    for (const [sender, window] of this.#windows) {
      const machine = sender.slice(0, 16);
      const other = newest.get(machine);
      const newer = !other || other.heardMs <= window.heardMs;
      if (newer && nowMs - window.heardMs <= withinMs) newest.set(machine, window);
    }
    const counts = new Map<number, number>();
    for (const { keyId } of newest.values()) counts.set(keyId, (counts.get(keyId) ?? 0) + 1);
    return counts;
  }

  #add(sender: string, window: Window): void {
    this.#windows.set(sender, window);
    if (this.#windows.size <= this.sendersMax) return;
    for (const oldest of this.#windows.keys()) {
      this.#windows.delete(oldest);
      return;
    }
  }
}

function slide(window: Window, sequence: number): boolean {
  const { seen } = window;
  if (sequence > window.newest) {
    if (sequence - window.newest >= windowBits) seen.fill(0);
    else for (let gone = window.newest + 1; gone < sequence; gone++) clear(seen, gone);
    window.newest = sequence;
  } else if (window.newest - sequence >= windowBits || has(seen, sequence)) return false;
  mark(seen, sequence);
  return true;
}

function has(seen: Uint32Array, sequence: number): boolean {
  const bit = sequence % windowBits;
  return ((seen[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
}

function mark(seen: Uint32Array, sequence: number): void {
  const bit = sequence % windowBits;
  seen[bit >>> 5] = (seen[bit >>> 5] ?? 0) | (1 << (bit & 31));
}

function clear(seen: Uint32Array, sequence: number): void {
  const bit = sequence % windowBits;
  seen[bit >>> 5] = (seen[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
}
