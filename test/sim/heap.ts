/** What happens when: earliest first, and in the order of arrival among equals, so that a seed replays a run. */

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Agenda {
  readonly #heap: Entry[] = [];
  #order = 0;

  /** When the next entry is due; Infinity when there is none. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  add(at: number, run: () => void): void {
    const entry = { at, order: this.#order++, run };
    let index = this.#heap.length;
    this.#heap.push(entry);
    while (index > 0) {
      const up = (index - 1) >> 1;
      const parent = this.#heap[up] as Entry;
      if (!before(entry, parent)) break;
      this.#heap[index] = parent;
      index = up;
    }
    this.#heap[index] = entry;
  }

  /** Takes the next entry out. */
  take(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || first === last) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right && before(right, heap[child] as Entry)) child += 1;
      const next = heap[child] as Entry;
      if (!before(next, last)) break;
      heap[index] = next;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
