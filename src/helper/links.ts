/** One link a host, made when it is needed; a host that cannot be reached is left out for a while. */
import type { Environment } from "../mux/environment.js";
import { credentials } from "./credentials.js";
import { Link } from "./link.js";

export interface LinksEvents {
  up(link: Link): void;
  /** `wasUp`: jobs may have been running over it. */
  down(link: Link, why: string, wasUp: boolean): void;
}

interface LeftOut {
  until: number;
  pauseMs: number;
  why: string;
}

const PAUSE_MIN_MS = 5000;
const PAUSE_MAX_MS = 60_000;
/** A link without jobs is closed after, ms. */
const IDLE_MS = 600_000;

export class Links {
  private readonly links = new Map<string, Link>();
  private readonly leftOut = new Map<string, LeftOut>();

  constructor(
    private readonly rsh: string,
    private readonly agentCommand: string,
    private readonly events: LinksEvents,
  ) {}

  /**
   * The link to a host, perhaps still being made; a string says why the host is left out now.
   * @param program - the environment of a program that needs it
   */
  to(host: string, program?: Environment): Link | string {
    const existing = this.links.get(host);
    if (existing !== undefined) return existing;
    const out = this.leftOut.get(host);
    if (out !== undefined && performance.now() < out.until) return out.why;
    return this.make(host, program ? credentials(program) : {});
  }

  /** Hosts that are left out now. */
  *out(): Iterable<string> {
    const now = performance.now();
    for (const [host, { until }] of this.leftOut) if (now < until) yield host;
  }

  *all(): Iterable<Link> {
    yield* this.links.values();
  }

  beat(now: number): void {
    for (const link of [...this.links.values()]) {
      link.beat(now);
      if (link.pipe === undefined || link.jobs > 0 || now - link.idleSince < IDLE_MS) continue;
      this.links.delete(link.host);
      link.close();
    }
  }

  closeAll(): void {
    for (const link of this.links.values()) link.close();
    this.links.clear();
  }

  private make(host: string, variables: NodeJS.ProcessEnv): Link {
    const link = new Link(host, this.rsh, this.agentCommand, variables, {
      up: (up) => {
        this.leftOut.delete(host);
        this.events.up(up);
      },
      down: (down, why) => this.down(down, why),
    });
    this.links.set(host, link);
    return link;
  }

  private down(link: Link, why: string): void {
    if (this.links.get(link.host) === link) this.links.delete(link.host);
    const wasUp = link.pipe !== undefined;
    if (!wasUp) {
      const before = this.leftOut.get(link.host);
      const pauseMs = Math.min((before?.pauseMs ?? PAUSE_MIN_MS / 2) * 2, PAUSE_MAX_MS);
      this.leftOut.set(link.host, { until: performance.now() + pauseMs, pauseMs, why });
    }
    this.events.down(link, why, wasUp);
  }
}
