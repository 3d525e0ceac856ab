/** What seeds passed on lately: the copy through the group that follows is no replay. Bounded. */

/** Both copies arrive within this time. */
const copyMs = 1000;
const copiesMax = 1024;

export class Passed {
  /** Oldest first. */
  readonly #copies = new Map<string, number>();

  add(copy: string, now: number): void {
    this.#copies.set(copy, now);
    for (const [oldest, at] of this.#copies) {
      if (this.#copies.size <= copiesMax && now - at <= copyMs) return;
      this.#copies.delete(oldest);
    }
  }

  /** Whether a seed brought it first; said once. */
  take(copy: string, now: number): boolean {
    const at = this.#copies.get(copy);
    this.#copies.delete(copy);
    return at !== undefined && now - at <= copyMs;
  }
}
