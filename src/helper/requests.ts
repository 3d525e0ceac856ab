/** What the leader was asked and has denied: one request at a time, and none again before its answer is old. Pure. */
import { nobodySuits } from "../core/messages.js";

/** What is asked for jobs of a kind which some hosts cannot run. */
export function questionOf(kind: string, excluded: ReadonlySet<string>): string {
  return excluded.size === 0 ? kind : `${kind} not ${[...excluded].sort().join(" ")}`;
}

const isByKind = (question: string, kind: string): boolean =>
  question === kind || question.startsWith(`${kind} not `);

/** An unanswered request is forgotten after, ms. */
const ANSWER_MS = 2000;
const DENIED_MAX = 64;

export interface Asked {
  readonly id: number;
  readonly at: number;
  /** What for: answers to the same question stand for each other. */
  readonly question: string;
  /** Kind of the jobs that it was for. */
  readonly kind: string;
  /** The only host that would do; empty: any. */
  readonly host: string;
  /** No host was left out that can run them. */
  readonly open: boolean;
}

export interface Denied {
  readonly until: number;
  readonly why: string;
  /** No host that the leader knows can run them, free or full. */
  readonly nobody: boolean;
}

export class Requests {
  #lastId = 0;
  #asked: Asked | undefined;
  readonly #denied = new Map<string, Denied & { readonly kind: string }>();

  get pending(): boolean {
    return this.#asked !== undefined;
  }

  /** @returns its id */
  ask(asked: Omit<Asked, "id" | "at">, now: number): number {
    this.#asked = { id: ++this.#lastId, at: now, ...asked };
    return this.#lastId;
  }

  granted(id: number): Asked | undefined {
    const asked = this.#answered(id);
    if (asked) this.#denied.delete(asked.question);
    return asked;
  }

  denied(id: number, until: number, why: string): Asked | undefined {
    const asked = this.#answered(id);
    if (!asked) return undefined;
    const { question, kind, open } = asked;
    if (this.#denied.size >= DENIED_MAX) this.#denied.clear();
    this.#denied.set(question, { until, why, kind, nobody: open && why === nobodySuits });
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
    for (const [question, { kind }] of this.#denied)
      if (isByKind(question, kind)) this.#denied.delete(question);
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
