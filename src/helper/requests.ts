/** What the leader was asked and has denied: one request at a time, and none again before its answer is old. Pure. */

/** An unanswered request is forgotten after, ms. */
const ANSWER_MS = 2000;

export interface Asked {
  readonly id: number;
  readonly at: number;
  /** What for: answers to the same question stand for each other. */
  readonly question: string;
  /** Kind of the jobs that it was for. */
  readonly kind: string;
  /** The only host that would do; empty: any. */
  readonly host: string;
}

export interface Denied {
  readonly until: number;
  readonly why: string;
}

export class Requests {
  #lastId = 0;
  #asked: Asked | undefined;
  readonly #denied = new Map<string, Denied & { readonly kind: string }>();

  get pending(): boolean {
    return this.#asked !== undefined;
  }

  /** @returns its id */
  ask(question: string, kind: string, host: string, now: number): number {
    this.#asked = { id: ++this.#lastId, at: now, question, kind, host };
    return this.#lastId;
  }

  granted(id: number): Asked | undefined {
    const asked = this.#answered(id);
    if (asked) this.#denied.delete(asked.question);
    return asked;
  }

  denied(id: number, denied: Denied): Asked | undefined {
    const asked = this.#answered(id);
    if (asked) this.#denied.set(asked.question, { ...denied, kind: asked.kind });
    return asked;
  }

  /** The denial of a question that still stands. */
  standing(question: string, now: number): Denied | undefined {
    const denied = this.#denied.get(question);
    if (denied && now < denied.until) return denied;
    this.#denied.delete(question);
    return undefined;
  }

  /** A slot was given back: what was asked for by kind may be asked for again. The plan did not want it. */
  forgetKinds(): void {
    for (const [question, { kind }] of this.#denied) if (question === kind) this.#denied.delete(question);
  }

  tick(now: number): void {
    if (this.#asked && now - this.#asked.at > ANSWER_MS) this.#asked = undefined;
  }

  clear(): void {
    this.#asked = undefined;
    this.#denied.clear();
  }

  #answered(id: number): Asked | undefined {
    const asked = this.#asked;
    if (asked?.id !== id) return undefined;
    this.#asked = undefined;
    return asked;
  }
}
