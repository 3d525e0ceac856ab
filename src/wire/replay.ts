/** Which sequence numbers of each sender have been seen: a sliding window per sender and boot. */

/** Numbers this far behind the newest are still told apart: datagrams of three sockets are read in turns. */
const windowBits = 1024;
const words = windowBits / 32;

interface Window {
  newest: number;
  readonly seen: Uint32Array;
}

export class ReplayGuard {
  /** Least recently heard first. */
  readonly #windows = new Map<string, Window>();

  /** @param sendersMax senders remembered; beyond, the one silent for longest is forgotten. */
  constructor(private readonly sendersMax = 16_384) {}

  get senders(): number {
    return this.#windows.size;
  }

  /** Notes a sequence number; false when it was seen before or is too old to tell. */
  accept(sender: string, sequence: number): boolean {
    const window = this.#windows.get(sender) ?? { newest: sequence - 1, seen: new Uint32Array(words) };
    if (!slide(window, sequence)) return false;
    this.#windows.delete(sender);
    this.#windows.set(sender, window);
    const oldest = this.#windows.size > this.sendersMax ? this.#windows.keys().next().value : undefined;
    if (oldest !== undefined) this.#windows.delete(oldest);
    return true;
  }
}

function slide(window: Window, sequence: number): boolean {
  const { seen } = window;
  if (sequence > window.newest) {
    if (sequence - window.newest >= windowBits) seen.fill(0);
    else for (let gone = window.newest + 1; gone <= sequence; gone++) clear(seen, gone);
    window.newest = sequence;
  } else if (window.newest - sequence >= windowBits || test(seen, sequence)) return false;
  set(seen, sequence);
  return true;
}

const bit = (sequence: number): [word: number, mask: number] => {
  const at = sequence % windowBits;
  return [at >>> 5, 1 << (at & 31)];
};

function test(seen: Uint32Array, sequence: number): boolean {
  const [word, mask] = bit(sequence);
  return ((seen[word] ?? 0) & mask) !== 0;
}

function set(seen: Uint32Array, sequence: number): void {
  const [word, mask] = bit(sequence);
  seen[word] = (seen[word] ?? 0) | mask;
}

function clear(seen: Uint32Array, sequence: number): void {
  const [word, mask] = bit(sequence);
  seen[word] = (seen[word] ?? 0) & ~mask;
}
