/**
 * What was said lately, by key: between half of `max` and `max` entries, the oldest half forgotten at once. Two maps that
 * are never deleted from, since a Map whose front is deleted again and again walks over the holes.
 */
export class Recent<T> {
  #newer = new Map<string, T>();
  #older = new Map<string, T>();

  constructor(private readonly max: number) {}

  get size(): number {
    return this.#newer.size + this.#older.size;
  }

  get(key: string): T | undefined {
    return this.#newer.get(key) ?? this.#older.get(key);
  }

  set(key: string, value: T): void {
    if (this.#newer.size >= this.max / 2) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(key, value);
  }
}
