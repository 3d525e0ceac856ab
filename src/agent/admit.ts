/** Lets a job in or turns it away: what it needs, whether this is the same world, and a slot. */

import { fetchAnew, identify } from "../io/identity.js";
import { missingLibrary } from "../io/libraries.js";
import type { Token } from "../io/token-file.js";
import { Reader, Writer } from "../mux/bytes.js";
import { type Frame, Refusal, Type } from "../mux/frame.js";
import { directions } from "../mux/open-file.js";
import { decodeSpec, type JobSpec, SpecFlag } from "../mux/spec.js";
import { encodeRefused } from "../mux/status.js";
import type { Stream } from "../mux/stream.js";
import type { Slots } from "./slots.js";
import type { World } from "./world.js";

/** A job that has not started. */
export interface Applicant {
  readonly stream: Stream;
  readonly spec: JobSpec;
  /** Claims before this one have been found the same. */
  claim: number;
  /** What home is to write to. */
  token?: Token | undefined;
  /** When to give up waiting for a slot, performance.now(). */
  until: number;
  /** Frames for the job that came before it started. */
  readonly early: Frame[];
}

export interface Door {
  readonly compat: string;
  readonly world: World;
  readonly slots: Slots;
  /** Starts the program in a slot, or in none (-1). */
  start(applicant: Applicant, slot: number): void;
  /** Jobs of this link that run here. */
  readonly running: number;
  /** The stream is over without a start. */
  refused(stream: Stream): void;
}

/** Slots of other users' jobs are looked for again after, ms. */
const LOOK_MS = 20;

export class Admission {
  /** Who waits for home's answer to the same question; the first one asked it. */
  private readonly asking = new Map<string, Applicant[]>();
  private readonly asked = new Map<number, string>();
  private readonly queue: Applicant[] = [];
  /** Sent ahead: each waits for the end of a job of this link, and not for others. */
  private readonly ahead: Applicant[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly door: Door) {}

  /** @throws {LinkFault} */
  apply(stream: Stream, bytes: Buffer): void {
    const spec = decodeSpec(bytes);
    const applicant = { stream, spec, claim: 0, until: performance.now() + spec.waitMs, early: [] };
    stream.onFrame = (frame) => this.frame(applicant, frame);
    const { inputs, outputs } = directions(spec.files);
    stream.carry(inputs, outputs);
    if (spec.compat !== this.door.compat) {
      this.refuse(applicant, Refusal.COMPAT, `that host runs ${this.door.compat} programs`);
      return;
    }
    let identity = identify(spec.path);
    if (identity !== spec.identity && fetchAnew(spec.path)) identity = identify(spec.path);
    if (identity !== spec.identity) {
      const what = identity === "" ? "is not there" : "is another one there";
      this.refuse(applicant, Refusal.PROGRAM, `program ${spec.path.toString("utf8")} ${what}`);
      return;
    }
    const missing = missingLibrary(spec.path, spec.cwd, spec.env);
    if (missing !== "") {
      this.refuse(
        applicant,
        Refusal.PROGRAM,
        `library ${missing} of ${spec.path.toString("utf8")} is not there`,
      );
      return;
    }
    this.checkWorld(applicant);
  }

  /** A slot may have become free. */
  slotFreed(): void {
    while (this.queue.length > 0) {
      const slot = this.door.slots.take();
      if (slot !== undefined && slot < 0) return;
      const next = this.queue.shift();
      if (next === undefined) this.door.slots.giveBack(slot ?? -1);
      else this.door.start(next, slot ?? -1);
    }
    const next = this.ahead.shift();
    if (next !== undefined) this.takeTurn(next);
  }

  /** Whoever was sent ahead gets the slot of the job before it, unless somebody was quicker. */
  private takeTurn(applicant: Applicant): void {
    const slot = this.door.slots.take();
    if (slot !== undefined && slot >= 0) this.door.start(applicant, slot);
    else if (this.door.running > this.ahead.length) this.ahead.unshift(applicant);
    else this.refuse(applicant, Refusal.FULL, "every slot there is taken");
  }

  private frame(applicant: Applicant, frame: Frame): void {
    if (frame.type === Type.TELL) this.told(applicant, frame.payload);
    else if (frame.type === Type.KILL || frame.type === Type.WITHDRAW)
      this.refuse(applicant, Refusal.WITHDRAWN, "withdrawn");
    else applicant.early.push({ ...frame, payload: Buffer.from(frame.payload) }); // bounded by the window of stdin
  }

  private checkWorld(applicant: Applicant): void {
    const { claims } = applicant.spec;
    for (let claim = claims[applicant.claim]; claim !== undefined; claim = claims[++applicant.claim]) {
      const first = applicant.claim === 0;
      const verdict = this.door.world.check(claim, first);
      if (verdict.is === "other") {
        this.refuse(applicant, first ? Refusal.DIRECTORY : Refusal.PATH, verdict.why);
        return;
      }
      if (verdict.is === "ask") {
        this.ask(applicant, verdict.what, verdict.key);
        return;
      }
    }
    this.takeSlot(applicant);
  }

  private ask(applicant: Applicant, what: number, key: string): void {
    const others = this.asking.get(key);
    if (others !== undefined) {
      others.push(applicant);
      return;
    }
    this.asking.set(key, [applicant]);
    this.asked.set(applicant.stream.id, key);
    applicant.stream.control(Type.ASK, new Writer().u8(what).u16(applicant.claim).done());
  }

  private told(applicant: Applicant, payload: Buffer): void {
    const r = new Reader(payload);
    const tell = r.u8();
    const index = r.u16();
    const claim = applicant.spec.claims[index];
    const key = this.asked.get(applicant.stream.id);
    if (key === undefined || claim === undefined || index !== applicant.claim) return;
    const next = this.door.world.learn(claim, tell, r.rest(), applicant.token);
    applicant.token = next?.token;
    if (next !== undefined) {
      applicant.stream.control(Type.ASK, new Writer().u8(next.what).u16(index).done());
      return;
    }
    applicant.stream.control(Type.SEEN, new Writer().u16(index).done());
    this.asked.delete(applicant.stream.id);
    const waiting = this.asking.get(key) ?? [];
    this.asking.delete(key);
    for (const each of waiting) this.checkWorld(each);
  }

  private takeSlot(applicant: Applicant): void {
    const byName = (applicant.spec.flags & SpecFlag.BY_NAME) !== 0;
    const { memoryMb } = applicant.spec;
    const leftMb = byName || memoryMb === 0 ? Number.POSITIVE_INFINITY : this.door.slots.leftMb();
    if (memoryMb > leftMb) {
      const text = `full: no ${memoryMb} MiB of memory are left there`;
      this.refuse(applicant, Refusal.MEMORY, text, Math.max(0, Math.floor(leftMb)));
      return;
    }
    const slot = this.queue.length > 0 ? -1 : this.door.slots.take();
    if (slot === undefined && !byName) {
      this.refuse(applicant, Refusal.NO_PANTSD, "no pantsd runs there");
      return;
    }
    if (slot === undefined || slot >= 0) {
      this.door.start(applicant, slot ?? -1);
      return;
    }
    if (!byName && applicant.spec.waitMs > 0 && this.door.running > this.ahead.length) {
      this.ahead.push(applicant);
      return;
    }
    if (!byName) {
      // The leader believed in a slot: pantsd is to look at the table now, and not at its next look.
      this.door.slots.changed();
      this.refuse(applicant, Refusal.FULL, "every slot there is taken");
      return;
    }
    this.queue.push(applicant);
    this.timer ??= setInterval(() => this.lookAgain(), LOOK_MS);
  }

  private lookAgain(): void {
    this.slotFreed();
    const now = performance.now();
    for (const each of this.queue.filter((a) => a.until <= now)) {
      this.refuse(each, Refusal.FULL, "every slot there is taken");
    }
    if (this.queue.length > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private refuse(applicant: Applicant, reason: number, text: string, leftMb = 0): void {
    applicant.stream.control(Type.REFUSE, encodeRefused({ reason, text, leftMb }));
    this.forget(applicant);
    this.door.refused(applicant.stream);
  }

  /** Leaves every queue; whoever waited for this one's answer asks itself. */
  private forget(applicant: Applicant): void {
    for (const waiting of [this.queue, this.ahead, ...this.asking.values()]) {
      const place = waiting.indexOf(applicant);
      if (place >= 0) waiting.splice(place, 1);
    }
    const key = this.asked.get(applicant.stream.id);
    if (key === undefined) return;
    this.asked.delete(applicant.stream.id);
    const others = this.asking.get(key) ?? [];
    this.asking.delete(key);
    for (const each of others) this.checkWorld(each);
  }
}
