/** One job of this user: what its stand-in asked for, how far it got, and what the stand-in is told. */
import { constants } from "node:os";
import { memoryClass, type Need, wantedWords } from "../core/kinds/need.js";
import { claimsOf } from "../io/claims.js";
import { identify } from "../io/identity.js";
import { Msg, type Run, RunFlag, type State, Why } from "../io/layout.js";
import { changedElsewhere } from "../io/mounts.js";
import { native } from "../io/native.js";
import { isForeground, isStopped } from "../io/processes.js";
import { trace } from "../io/trace.js";
import { FileUse } from "../mux/open-file.js";
import { type JobSpec, SpecFlag } from "../mux/spec.js";
import type { JobStatus, Refused } from "../mux/status.js";
import type { Lease } from "../wire/control.js";
import { actsAtHome } from "./at-home.js";
import { Attempt } from "./attempt.js";
import { partsOf } from "./changed.js";
import { Descriptors } from "./descriptors.js";
import { carried } from "./environment.js";
import { ioPriorityOf } from "./io-priority.js";
import { opensJobserver } from "./jobserver.js";
import type { Link } from "./link.js";
import { isAlone, Pipes } from "./pipeline.js";
import { afterString, type Progress, REPEATS_MAX } from "./progress.js";
import { record } from "./record.js";
import type { StandIn } from "./standin.js";
import { keysOf } from "./works.js";

export interface JobEvents {
  /** Nothing was started over there. */
  refused(job: Job, refused: Refused): void;
  /** The program has ended, so long after it was sent: its place is free. */
  ended(job: Job, status: JobStatus, wallMs: number): void;
  /** Nothing is left of the job. */
  over(job: Job): void;
  /** This host's state record, as last seen. */
  homeState(): State | null;
}

export type JobState = "waiting" | "connecting" | "running" | "ended" | "over";

let lastId = 0;
const { SIGCONT, SIGSTOP, SIGWINCH } = constants.signals;
/** RLIMIT_FSIZE (Linux); what goes through us would not be held to it. */
const FILE_SIZE = 1;
const UNLIMITED = 2n ** 64n - 1n;
const ECHO_MS = 1000;
const WAKE_MS = [0, 50, 500, 2000];

export class Job {
  readonly id = ++lastId;
  readonly bornAt = performance.now();
  readonly program: string;
  /** Host asked for by name, or "". */
  readonly byName: string;
  readonly idempotent: boolean;
  readonly byHand: boolean;
  /** Shall run elsewhere, whatever is free here. */
  readonly away: boolean;
  readonly descriptors: Descriptors;
  readonly pipes: Pipes;
  /** Hosts that cannot run it. */
  readonly excluded = new Set<string>();
  /** What the last host that refused it said. */
  refusal = "";
  /** Since when it has waited for a host, performance.now(); 0: it has not yet. */
  waitsSince = 0;
  state: JobState = "waiting";
  host = "";
  lease: Lease | undefined;
  /** Waits on that lease's host for the end of the job that has it. */
  ahead = false;
  /** What it is known by, and what it will need as far as that tells; null: not known. */
  readonly keys: readonly string[];
  need: Need | null = null;
  /** Has run before, and that run is certainly dead. */
  rerun = false;
  /** How often its link was lost under it. */
  losses = 0;
  /** What went through in runs that were lost. */
  progress: Progress = { taken: 0, delivered: [0, 0, 0] };
  private startedAt = 0;
  private attempt: Attempt | undefined;
  private result: JobStatus | undefined;
  private told = 0;
  /** Where it was stopped first, until it is told to go on: the stand-in, or the program over there. */
  private stop: "none" | "here" | "there" = "none";
  /** Until then, performance.now(), word of a stop by SIGSTOP may be of one that we sent ourselves, and that is over. */
  private echoUntil = 0;
  /** The stand-in has its status. */
  private exited = false;
  /** The stand-in is gone. */
  private forsaken = false;

  constructor(
    readonly standIn: StandIn,
    readonly run: Run,
    fds: readonly number[],
    private readonly events: JobEvents,
  ) {
    this.program = run.path.toString("utf8");
    this.byName = run.host.toString("utf8");
    this.idempotent = (run.flags & RunFlag.IDEMPOTENT) !== 0;
    this.byHand = (run.flags & RunFlag.BY_HAND) !== 0;
    this.away = this.byHand || (run.flags & RunFlag.ALWAYS) !== 0;
    this.descriptors = new Descriptors(run.fds, fds, run.env, (run.flags & RunFlag.TERMINAL) !== 0);
    this.pipes = new Pipes(standIn.pid, this.descriptors.held);
    this.keys = keysOf(run);
  }

  /** Why the job cannot be carried at all; empty when it can. */
  get unfit(): string {
    if (this.run.cwd[0] !== 0x2f) return "the working directory has no path";
    if (!this.standIn.sameGroups) return "its groups are not those of this user's prexd";
    if (this.descriptors.unfit !== "") return this.descriptors.unfit;
    const { cwd, argv, env } = this.run;
    if (!this.byHand && actsAtHome(this.program)) return "it acts on the host that it runs on";
    if (opensJobserver(this.program, argv, env)) return "its job server is a FIFO";
    if (this.run.rlimits[FILE_SIZE]?.[0] !== UNLIMITED && this.descriptors.writesFile)
      return "it writes to a file, whose size has a limit";
    return this.descriptors.writes(cwd, argv.slice(1)) ? "an argument names a file that it writes to" : "";
  }

  /** Sends it over a link that is up. False: it cannot be described (program or directory gone), run it here. */
  launch(link: Link, compat: string, waitMs: number): boolean {
    const spec = this.describe(compat, waitMs);
    if (spec === undefined || link.pipe === undefined) return false;
    this.host = link.host;
    this.state = "running";
    this.startedAt = performance.now();
    // The stand-in must know before anything may run: without this word it would run the program itself.
    if (!this.standIn.send(Msg.STARTED, 0, Buffer.from(`${link.host} ${link.id}`))) {
      this.abandon();
      return true;
    }
    this.attempt = new Attempt(link, link.pipe, spec, this.descriptors, this.progress.delivered, {
      refused: (refused) => {
        this.detach();
        if (this.forsaken) this.finish();
        this.events.refused(this, refused);
      },
      status: (status) => {
        this.result = status;
        this.state = "ended";
        this.events.ended(this, status, performance.now() - this.startedAt);
      },
      delivered: () => this.exit(),
      stopped: (signal) => this.stopped(signal),
      mayRead: () => isForeground(this.standIn.pid),
      isAlone: (file) => isAlone(this.standIn.pid, file),
      mayClose: (name) => this.mayClose(name),
      moved: () => this.moved(link),
      streams: () => {
        this.told = Math.max(this.told, REPEATS_MAX);
        this.moved(link);
      },
      closed: () => this.finish(),
    });
    return true;
  }

  /** It was sent ahead, and begins now. */
  follow(): void {
    this.ahead = false;
    this.startedAt = performance.now();
  }

  /** It was sent ahead, and had better run elsewhere; if it has begun, nothing happens. */
  callBack(): void {
    this.attempt?.withdraw();
  }

  signal(value: number): void {
    if (value === SIGCONT) this.goOn();
    const number = value & 0xff;
    // There the kernel tells of the new size whom it concerns. In the background nobody has told us of it.
    const told = (number === SIGWINCH || number === SIGCONT) && this.attempt?.window() === true;
    if (number !== SIGWINCH || !told) this.attempt?.signal(value);
  }

  /** SIGSTOP cannot be caught, so a stand-in that was stopped is looked for; call about every second. */
  beat(): void {
    if (this.state !== "running" || this.attempt === undefined || this.stop === "there") return;
    const stopped = isStopped(this.standIn.pid);
    if (stopped === (this.stop === "here")) return;
    if (stopped) this.stop = "here";
    else this.goOn();
    this.attempt.signal(stopped ? SIGSTOP : SIGCONT);
  }

  private goOn(): void {
    if (this.stop === "here") this.echoUntil = performance.now() + ECHO_MS;
    this.stop = "none";
  }

  /** The program was stopped: so shall be the stand-in, unless that is why. */
  private stopped(signal: number): void {
    if (this.stop === "here" || (signal === SIGSTOP && performance.now() < this.echoUntil)) return;
    this.stop = "there";
    this.standIn.send(Msg.STOPPED, signal);
  }

  /** A stopped program that is killed over there is dead at once: its stand-in must not sleep on. */
  private wake(): void {
    const { pid } = this.standIn;
    // Again a little later: it may stop itself only after the first, since it was told to before it was told the end.
    if (this.stop === "there")
      for (const ms of WAKE_MS) setTimeout(() => isStopped(pid) && native.kill(pid, SIGCONT), ms).unref();
    this.stop = "none";
  }

  /** The stand-in is gone: so shall be the program. */
  abandon(): void {
    this.forsaken = true;
    if (this.exited) return; // what the program left behind may go on
    this.descriptors.restore(); // the stand-in could not
    if (this.attempt === undefined) this.finish();
    else this.attempt.kill();
  }

  /** Nothing runs anywhere: the stand-in shall run the program itself. */
  here(reason: number, why: string): void {
    this.standIn.send(Msg.HERE, reason, Buffer.from(why));
    this.finish();
  }

  /** The link is gone. Returns the progress if the program had not ended, else undefined: nothing is lost. */
  linkLost(): Progress | undefined {
    const attempt = this.attempt;
    if (this.state === "ended") attempt?.linkEnded();
    if (this.forsaken) this.finish();
    if (attempt === undefined || this.state !== "running") return undefined;
    const { taken, delivered } = attempt.progress;
    this.progress = { taken: this.progress.taken + taken, delivered };
    this.detach();
    return this.progress;
  }

  /** It may or may not have completed, and must not run again. */
  lost(host: string): void {
    const line = `prex: lost ${host} while running ${this.program}; it may or may not have completed`;
    this.standIn.send(Msg.LOST, 0, Buffer.from(line));
    this.wake();
    this.record(Why.LOST, host, -1, "the link was lost");
    this.finish();
  }

  /** True while anything of it runs over a link. */
  isOn(link: Link): boolean {
    return this.attempt?.link === link;
  }

  /** Milliseconds since the request. */
  get ageMs(): number {
    return Math.round(performance.now() - this.bornAt);
  }

  /** Forgets the attempt; the job itself goes on. */
  private detach(): void {
    this.attempt?.abandon();
    this.attempt = undefined;
    this.state = "waiting";
  }

  private describe(compat: string, waitMs: number): JobSpec | undefined {
    const { umask, nice, ignored, blocked, rlimits, cwd, path, argv } = this.run;
    const env = carried(this.run.env);
    const identity = identify(path);
    const claims = claimsOf(cwd, argv);
    if (identity === "" || claims === undefined) return undefined;
    const flags =
      (this.byName === "" ? 0 : SpecFlag.BY_NAME) |
      (claims.some(({ dev }) => changedElsewhere(dev)) ? SpecFlag.TELL_CHANGED : 0) |
      (this.run.flags & SpecFlag.ATTRIBUTES);
    const files = this.descriptors.held;
    const memoryMb = this.need ? memoryClass(this.need) : 0;
    const ioPriority = ioPriorityOf(this.standIn.pid);
    const attributes = { memoryMb, umask, nice, ioPriority, ignored, blocked, rlimits, cwd, path, argv, env };
    return { ...attributes, flags, waitMs, files, compat, identity, claims };
  }

  /** Lets the stand-in close one, too. Not of a program that may have to run again, nor where others give tokens back. */
  private mayClose(name: number): boolean {
    const file = this.descriptors.held.find((one) => one.name === name);
    const plain = file?.kind === "pipe" && file.use === FileUse.PIPE && file !== this.descriptors.tokensBack;
    if (!plain || this.idempotent) return false;
    for (const fd of file.fds) this.standIn.send(Msg.CLOSED, fd);
    return true;
  }

  /** Tells the stand-in of an idempotent program how far it got, in case that we do not survive it. */
  private moved(link: Link): void {
    if (!this.idempotent || this.told > REPEATS_MAX || this.state === "ended") return;
    const progress = ++this.told > REPEATS_MAX ? undefined : this.attempt?.progress;
    this.standIn.send(Msg.STARTED, 0, Buffer.from(afterString(link.host, link.id, progress)));
  }

  private exit(): void {
    const status = this.result?.status ?? 0;
    const full = this.asked === Why.REMOTE_FULL || this.asked === Why.REMOTE_FIRST;
    const detail = full ? wantedWords(this.need) : "";
    this.record(this.rerun ? Why.RERUN : this.asked, this.host, status, detail);
    this.exited = true;
    trace?.("told");
    for (const part of partsOf(this.result?.changed)) this.standIn.send(Msg.CHANGED, 0, part);
    this.standIn.send(Msg.EXIT, status);
    this.wake();
  }

  /** Why it was to run elsewhere, one of Why. */
  private get asked(): number {
    const { flags } = this.run;
    if (this.byHand) return Why.BY_HAND;
    if ((flags & RunFlag.ALWAYS) !== 0) return Why.ALWAYS;
    if ((flags & RunFlag.BUSY) !== 0) return Why.REMOTE_BUSY;
    return (flags & RunFlag.FIRST) !== 0 ? Why.REMOTE_FIRST : Why.REMOTE_FULL;
  }

  private record(reason: number, host: string, status: number, detail: string): void {
    const { pid } = this.standIn;
    const fate = { pid, program: this.program, host, reason, durationMs: this.ageMs, status, detail };
    record(fate, this.events.homeState());
  }

  private finish(): void {
    if (this.state === "over") return;
    this.attempt?.abandon();
    this.attempt = undefined;
    this.state = "over";
    this.descriptors.closeAll();
    this.standIn.close();
    this.events.over(this);
  }
}
