/** When is a lost link's agent, with all it started, certainly dead? When its host says so, or after long silence. */
import { LINK_DEAD_MS } from "../io/layout.js";
import type { Links } from "./links.js";

/** The host is asked again after, ms. */
const ASK_MS = 300;

interface Mourned {
  readonly host: string;
  readonly linkId: string;
  readonly certainAt: number;
  readonly then: (() => void)[];
  askedAt: number;
}

export class Dead {
  private readonly mourned = new Map<string, Mourned>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly links: Links) {}

  /** @param heardAt - performance.now() when the link was last heard, as far as known */
  whenCertain(host: string, linkId: string, heardAt: number, then: () => void): void {
    const known = this.mourned.get(linkId);
    if (known !== undefined) {
      known.then.push(then);
      return;
    }
    const certainAt = heardAt + LINK_DEAD_MS;
    this.mourned.set(linkId, { host, linkId, certainAt, then: [then], askedAt: Number.NEGATIVE_INFINITY });
    this.look();
    this.timer ??= setInterval(() => this.look(), 100);
  }

  private look(): void {
    const now = performance.now();
    for (const each of [...this.mourned.values()]) {
      if (now >= each.certainAt) this.certain(each);
      else if (now - each.askedAt >= ASK_MS) this.ask(each, now);
    }
    if (this.mourned.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private ask(each: Mourned, now: number): void {
    each.askedAt = now;
    const link = this.links.to(each.host);
    if (typeof link === "string" || link.pipe === undefined || link.id === each.linkId) return;
    link.isDead(each.linkId, (dead) => {
      if (dead) this.certain(each);
    });
  }

  private certain(each: Mourned): void {
    if (!this.mourned.delete(each.linkId)) return;
    for (const then of each.then) then();
  }
}
