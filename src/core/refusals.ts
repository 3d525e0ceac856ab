/** Negative answers, remembered, so that a full or leaderless cluster costs a caller almost nothing. */
import type { Tables, Tuning } from "./tuning.js";

export interface Refusal {
  readonly until: number;
  readonly why: string;
}

export class Refusals {
  /** By what was asked for: compatibility and excluded hosts. Oldest first. */
  readonly #byQuestion = new Map<string, Refusal>();
  #noLeader: Refusal | null = null;
  /** Since when nobody answers; null while somebody does. */
  #silentSince: number | null = null;
  /** The latest refusal of any kind, for the state record. */
  #latest = 0;

  constructor(private readonly tuning: Tuning) {}

  tables(): Tables {
    return { "denials remembered": [this.#byQuestion.size, this.tuning.cacheMax] };
  }

  /** The answer that still stands for a question, if any. */
  standing(question: string, now: number): Refusal | null {
    if (this.#noLeader && this.#noLeader.until > now) return this.#noLeader;
    const refusal = this.#byQuestion.get(question);
    return refusal && refusal.until > now ? refusal : null;
  }

  /** Until when it is not worth asking, as far as the last answer goes; 0 when it is. */
  worthAskingAt(now: number): number {
    return this.#latest > now ? this.#latest : 0;
  }

  /** @param special - asked for more than any host: the next program may find one all the same */
  denied(
    question: string,
    { retryMs, why }: { retryMs: number; why: string },
    special: boolean,
    now: number,
  ): void {
    this.answered();
    this.#byQuestion.delete(question);
    this.#byQuestion.set(question, { until: now + retryMs, why });
    const oldest =
      this.#byQuestion.size > this.tuning.cacheMax ? this.#byQuestion.keys().next().value : undefined;
    if (oldest !== undefined) this.#byQuestion.delete(oldest);
    if (!special) this.#latest = now + retryMs;
  }

  /** Nobody answered. Returns how long that is remembered. */
  silent(now: number): number {
    this.#silentSince ??= now;
    if (!this.#noLeader || this.#noLeader.until <= now) {
      const { noLeaderMinMs, noLeaderMaxMs } = this.tuning;
      const ms = Math.min(noLeaderMaxMs, Math.max(noLeaderMinMs, (now - this.#silentSince) / 4));
      this.#noLeader = { until: now + ms, why: "no leader answers" };
    }
    this.#latest = this.#noLeader.until;
    return this.#noLeader.until - now;
  }

  /** A leader lives. */
  answered(): void {
    if (this.#noLeader) this.#latest = 0;
    this.#noLeader = null;
    this.#silentSince = null;
  }

  /** A slot was given back, so that there is one again. */
  givenBack(): void {
    this.#byQuestion.clear();
    if (!this.#noLeader) this.#latest = 0;
  }

  granted(question: string): void {
    this.answered();
    this.#byQuestion.delete(question);
    this.#latest = 0;
  }
}
