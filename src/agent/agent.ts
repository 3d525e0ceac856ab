/** The far end of a link: admits jobs, runs them, and ends them all when home is silent or gone. */
import { mkdirSync, readdirSync, statSync, unlinkSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { BytePipe } from "../io/byte-pipe.js";
import { hostCompat } from "../io/compat.js";
import { LINK_KILL_MS, LINK_TERM_MS, SIGNAL_FROM_TTY } from "../io/layout.js";
import { Looks } from "../io/looks.js";
import { native } from "../io/native.js";
import { runtimeDir, userDir } from "../io/paths.js";
import { trace } from "../io/trace.js";
import { type Frame, Refusal, Type } from "../mux/frame.js";
import { preamble } from "../mux/preamble.js";
import { encodeRefused } from "../mux/status.js";
import type { Stream } from "../mux/stream.js";
import { Admission, type Applicant, type Door } from "./admit.js";
import { Folders } from "./changes.js";
import type { Guests } from "./guests.js";
import { Job } from "./job.js";
import { Slots } from "./slots.js";
import { World } from "./world.js";

/** Locks of links that nobody holds are removed after a while, when nobody will ask about them any more. */
const LOCK_KEPT_MS = 3_600_000;
const BEAT_MS = 1000;

export class Agent implements Door {
  readonly compat = hostCompat();
  readonly world = new World(() => performance.now());
  readonly slots: Slots;
  private readonly admission = new Admission(this);
  private readonly jobs = new Set<Job>();
  private readonly folders = new Folders();
  private readonly pipe: BytePipe;
  private readonly directory: string;
  private terminated = false;
  private readonly looks = new Looks();

  constructor(
    private readonly linkId: string,
    private readonly guests: Guests,
  ) {
    const runtime = runtimeDir();
    this.slots = new Slots(runtime);
    this.directory = userDir(runtime, process.getuid?.() ?? 0);
    for (const fd of [0, 1]) native.setBlocking(fd, false);
    native.writeOwn(1, [preamble(linkId)]);
    this.pipe = new BytePipe("agent", 0, 1, {
      link: (frame) => this.linkFrame(frame),
      opened: (stream, spec) => {
        trace?.("opened");
        this.admission.apply(stream, spec);
      },
      lost: () => this.end(),
    });
    native.vigilGuard(0, LINK_KILL_MS);
    this.pipe.start(Buffer.alloc(0));
    for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) process.on(signal, () => this.end());
    setInterval(() => this.beat(), BEAT_MS);
    setTimeout(() => this.tidy(), BEAT_MS).unref();
  }

  start(applicant: Applicant, slot: number): void {
    const { stream, spec } = applicant;
    trace?.("admitted");
    const guests = this.guests.priority();
    const job = new Job(this.pipe, stream, spec, slot, guests, this.folders, (ended) => this.ended(ended));
    if (job.pid < 0) {
      const text = `${spec.path.toString("utf8")} cannot be started there (errno ${-job.pid})`;
      stream.control(Type.REFUSE, encodeRefused({ reason: Refusal.SPAWN, text }));
      this.refused(stream);
      return;
    }
    trace?.("started");
    this.jobs.add(job);
    this.slots.begun(job.pid, spec.memoryMb);
    stream.onFrame = (frame) => job.frame(frame);
    for (const frame of applicant.early) job.frame(frame);
    this.slots.changed();
  }

  get running(): number {
    return this.jobs.size;
  }

  refused(stream: Stream): void {
    this.pipe.mux.close(stream);
  }

  private ended(job: Job): void {
    this.jobs.delete(job);
    this.slots.ended(job.holder);
    this.slots.ended(job.pid); // when it leads a session of its own
    this.admission.slotFreed();
  }

  private linkFrame(frame: Frame): void {
    if (frame.type === Type.BYE) this.end();
    else if (frame.type === Type.DEAD) this.pipe.mux.sendLink(Type.DEAD_ANSWER, this.isDead(frame.payload));
  }

  /** Certain only of a link whose lock is there and held by nobody. */
  private isDead(link: Buffer): Buffer {
    const id = link.toString("latin1");
    const path = join(this.directory, `agent-${id}.lock`);
    let dead = false;
    if (/^[0-9a-f]{1,64}$/.test(id) && statSync(path, { throwIfNoEntry: false }) !== undefined) {
      const fd = native.lockFile(path);
      dead = fd >= 0;
      if (dead) native.close(fd);
    }
    return Buffer.concat([Buffer.from([dead ? 1 : 0]), link]);
  }

  private beat(): void {
    this.pipe.beat();
    this.folders.look();
    const now = performance.now();
    if (this.looks.late(now)) return;
    const silent = now - this.pipe.heardAt;
    if (silent >= LINK_KILL_MS) this.end();
    else if (silent >= LINK_TERM_MS && !this.terminated) {
      this.terminated = true;
      for (const job of this.jobs) job.signal(SIGNAL_FROM_TTY | constants.signals.SIGTERM);
    } else if (silent < LINK_TERM_MS) this.terminated = false;
  }

  private tidy(): void {
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o700 });
      for (const name of readdirSync(this.directory)) {
        if (!/^agent-[0-9a-f]+\.lock$/.test(name) || name === `agent-${this.linkId}.lock`) continue;
        const path = join(this.directory, name);
        const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
        if (age < LOCK_KEPT_MS) continue;
        const fd = native.lockFile(path);
        if (fd < 0) continue;
        unlinkSync(path);
        native.close(fd);
      }
    } catch {
      // Old locks harm nobody.
    }
  }

  /** Home is gone: everything ends now. The keeper ends what escapes. */
  private end(): never {
    for (const job of this.jobs) job.kill();
    process.exit(0);
  }
}
