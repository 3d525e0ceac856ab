/** What a user should know about datagrams that were turned away: a few lines, each forgotten unless it is renewed. */

/** Lines kept at a time; the one renewed least recently goes first. */
export const noticesMax = 16;
/** Life of a line that is not renewed. */
export const noticeMs = 60_000;

export class Notices {
  /** Least recently renewed first. */
  readonly #notes = new Map<string, { readonly text: string; readonly atMs: number }>();

  /** @param about what the line is about: a newer one about the same replaces it */
  note(about: string, text: string, nowMs: number): void {
    this.#notes.delete(about);
    this.#notes.set(about, { text, atMs: nowMs });
    if (this.#notes.size <= noticesMax) return;
    for (const oldest of this.#notes.keys()) {
      this.#notes.delete(oldest);
      return;
    }
  }

  /** Lines in force, the oldest first. */
  list(nowMs: number): string[] {
    for (const [about, { atMs }] of this.#notes) if (nowMs - atMs > noticeMs) this.#notes.delete(about);
    return [...this.#notes.values()].map(({ text }) => text);
  }
}
