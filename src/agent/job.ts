/** One program that runs here for another host, from its start to the last byte of whatever it left behind. */
import { constants } from "node:os";
import type { BytePipe } from "../io/byte-pipe.js";
import { SIGNAL_FROM_TTY } from "../io/layout.js";
import { IN, native, type WaitResult } from "../io/native.js";
import { trace } from "../io/trace.js";
import { u32 } from "../mux/encode.js";
import { type Frame, Type } from "../mux/frame.js";
import { FileUse } from "../mux/open-file.js";
import { type JobSpec, SpecFlag } from "../mux/spec.js";
import { encodeStatus, type JobStatus } from "../mux/status.js";
import type { Stream } from "../mux/stream.js";
import type { Changes, Folders } from "./changes.js";
import { DirectFile } from "./direct.js";
import { type GuestPriority, lowerSession } from "./guests.js";
import { InputPump } from "./input.js";
import { OutputPump } from "./output.js";
import { deliver } from "./signals.js";
import { kindOf, startProgram } from "./start.js";

const { SIGCONT } = constants.signals;

export class Job {
  /** Pid of the program. */
  readonly pid: number;
  /** Pid of its holder, which leads the job's session and ends as the program ends. */
  readonly holder: number;
  private readonly report: number;
  private readonly terminal: boolean;
  /** Files that it changes, if home wants to know. */
  private readonly changes: Changes | undefined;
  /** What a stop by SIGSTOP really was, since that was sent in its place; 0 = itself. */
  private stoppedBy = 0;
  private readonly inputs = new Map<number, InputPump>();
  private readonly outputs = new Map<number, OutputPump>();
  private readonly files: DirectFile[] = [];
  /** How the program ended; undefined while it runs. */
  private status: JobStatus | undefined;
  private told = false;
  private closed = false;

  /**
   * Starts the program; `pid` is -errno when that failed, and nothing else happens.
   * @param ended - called when the program has ended
   */
  constructor(
    private readonly link: BytePipe,
    private readonly stream: Stream,
    spec: JobSpec,
    slot: number,
    guests: GuestPriority,
    folders: Folders,
    private readonly ended: (job: Job) => void,
  ) {
    if ((spec.flags & SpecFlag.TELL_CHANGED) !== 0) this.changes = folders.watch(spec.cwd, spec.argv);
    const { pid, holder, report, ends } = startProgram(spec, slot, guests);
    this.pid = pid;
    this.holder = holder;
    this.report = report;
    this.terminal = spec.files.some(({ use }) => use === FileUse.TERMINAL);
    if (pid < 0) {
      this.changes?.end();
      return;
    }
    lowerSession(pid, guests.nice, () => this.status !== undefined);
    const changed = (): void => this.settle();
    for (const end of ends) {
      const kind = kindOf(end.file);
      if (end.feed >= 0) this.inputs.set(end.name, new InputPump(link, stream, end));
      if (end.drain >= 0)
        this.outputs.set(end.name, new OutputPump(link, stream, end.name, end.drain, kind, changed));
      if (end.direct >= 0) this.files.push(new DirectFile(stream, end));
    }
    native.watch(report, IN, () => this.reported());
    const watched = native.onExit(holder, (result) => this.exited(result));
    // Its end would never be seen: better that the whole link ends now, and with it what it runs.
    if (watched < 0) throw new Error(`cannot watch a program (errno ${-watched})`);
  }

  frame(frame: Frame): void {
    const fd = frame.flags;
    if (frame.type === Type.DATA) this.inputs.get(fd)?.push(frame.payload);
    else if (frame.type === Type.EOF) this.inputs.get(fd)?.finish();
    else if (frame.type === Type.CREDIT) this.outputs.get(fd)?.resume();
    else if (frame.type === Type.READER_GONE) this.readerGone(fd);
    else if (frame.type === Type.TAKEN) this.inputs.get(fd)?.take();
    else if (frame.type === Type.WINDOW) this.inputs.get(fd)?.resize(frame.payload);
    else if (frame.type === Type.SIGNAL) this.signal(frame.payload.readUInt32LE(0));
    else if (frame.type === Type.KILL) this.kill();
  }

  /** Signals the program, or with SIGNAL_FROM_TTY its session, while it runs. */
  signal(value: number): void {
    if (this.status !== undefined) return;
    // The terminal has stopped its whole foreground.
    const all = this.terminal && value === SIGCONT ? SIGNAL_FROM_TTY : 0;
    const sent = deliver(this.pid, this.holder, value | all);
    this.stoppedBy = sent === constants.signals.SIGSTOP ? value & 0xff : 0;
  }

  /** Ends the program and all it started; nothing is wanted of it any more. */
  kill(): void {
    native.killSession(this.holder, constants.signals.SIGKILL, true);
    for (const output of this.outputs.values()) output.close();
    this.settle();
  }

  /** The holder says what stopped the program; at its end nothing more comes. */
  private reported(): void {
    const bytes = Buffer.alloc(4);
    if (native.read(this.report, "pipe", bytes) !== bytes.length) {
      native.unwatch(this.report);
      return;
    }
    const signal = bytes.readInt32LE(0);
    const said = signal === constants.signals.SIGSTOP && this.stoppedBy > 0 ? this.stoppedBy : signal;
    if (this.status === undefined) this.stream.control(Type.STOPPED, u32(said));
  }

  private readerGone(fd: number): void {
    this.outputs.get(fd)?.close();
    this.settle();
  }

  private exited(result: WaitResult): void {
    trace?.("ended");
    native.close(this.report);
    let consumed = 0;
    for (const input of this.inputs.values()) consumed += input.close();
    for (const file of this.files) file.close();
    this.status = { ...result, consumed };
    this.ended(this);
    for (const output of this.outputs.values()) output.settle(); // unsettled until then, so no status goes ahead of it
    this.settle();
  }

  /** Sends the status once all output of the program is out, and closes when nobody holds its pipes any more. */
  private settle(): void {
    if (this.closed || this.status === undefined) return;
    if (!this.told && [...this.outputs.values()].every(({ settled }) => settled)) {
      this.told = true;
      const changed = this.changes?.end();
      this.stream.inOrder(Type.STATUS, encodeStatus({ ...this.status, ...(changed && { changed }) }));
      trace?.("status sent");
    }
    if (this.told && [...this.outputs.values()].every(({ open }) => !open)) {
      this.closed = true;
      this.link.mux.close(this.stream);
    }
  }
}
