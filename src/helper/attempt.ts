/** One attempt to run a job over one link, from OPEN to CLOSE. */
import type { BytePipe } from "../io/byte-pipe.js";
import { native } from "../io/native.js";
import { trace } from "../io/trace.js";
import { u32 } from "../mux/encode.js";
import { type Frame, Type, WIDE_WINDOW } from "../mux/frame.js";
import { directions, FileUse, isRead, isWritten } from "../mux/open-file.js";
import { encodeSpec, type JobSpec } from "../mux/spec.js";
import { decodeRefused, decodeStatus, type JobStatus, type Refused } from "../mux/status.js";
import type { Stream } from "../mux/stream.js";
import type { Descriptors, Held } from "./descriptors.js";
import { Input } from "./input.js";
import type { Link } from "./link.js";
import { Output } from "./output.js";
import type { Progress } from "./progress.js";
import { Answers } from "./tell.js";
import { Tokens } from "./tokens.js";

export interface AttemptEvents {
  /** Nothing was started there. */
  refused(refused: Refused): void;
  /** The program has ended; its output may still be on its way to the caller. */
  status(status: JobStatus): void;
  /** All output of the program has been written. */
  delivered(): void;
  stopped(signal: number): void;
  /** The stand-in is in the foreground of its terminal, if it has one. */
  mayRead(): boolean;
  /** Nobody but the stand-in can read an anonymous pipe. */
  isAlone(file: Held): boolean;
  /** Nobody over there writes to a descriptor any more, though the program runs: whether its reader shall see that now. */
  mayClose(name: number): boolean;
  /** Bytes were taken from stdin or delivered. */
  moved(): void;
  /** From now on they are, and nothing says so. */
  streams(): void;
  /** Nobody over there holds the descriptors any more. */
  closed(): void;
}

export class Attempt {
  private readonly inputs = new Map<number, Input>();
  private readonly outputs = new Map<number, Output>();
  private tokens: Tokens | undefined;
  private readonly stream: Stream;
  private readonly answers: Answers;
  private ended = false;
  private told = false;
  private closing = false;
  private over = false;
  /** Descriptors that nobody writes to any more over there. */
  private readonly eof = new Set<number>();
  /** Those that are closed here too. */
  private readonly closed = new Set<number>();

  /** @param skip - bytes of each descriptor that an earlier attempt delivered */
  constructor(
    readonly link: Link,
    pipe: BytePipe,
    spec: JobSpec,
    private readonly descriptors: Descriptors,
    skip: readonly number[],
    private readonly events: AttemptEvents,
  ) {
    this.stream = pipe.mux.open(encodeSpec(spec));
    trace?.("described");
    this.stream.onFrame = (frame) => this.frame(frame);
    this.answers = new Answers(this.stream, spec.claims);
    link.jobs++;
    const { inputs, outputs } = directions(spec.files);
    this.stream.carry(inputs, outputs);
    for (const file of descriptors.held) {
      if (file.use !== FileUse.NULL && isWritten(file))
        this.outputs.set(file.name, this.makeOutput(pipe, file, skip[file.name] ?? 0));
    }
    for (const file of descriptors.held) if (isRead(file)) this.makeInput(pipe, file);
  }

  /** How far it got. What went through other descriptors than the standard ones cannot be done again, nor skipped. */
  get progress(): Progress {
    let taken = this.tokens?.taken ?? 0;
    for (const input of this.inputs.values()) taken += input.taken;
    for (const [name, { delivered }] of this.outputs) if (name !== 1 && name !== 2) taken += delivered;
    const delivered = [0, 1, 2].map((name) => (name === 0 ? 0 : (this.outputs.get(name)?.delivered ?? 0)));
    return { taken, delivered };
  }

  signal(value: number): void {
    if (!this.ended) this.stream.control(Type.SIGNAL, u32(value));
  }

  /** Asks for a refusal, should it not have been started yet. */
  withdraw(): void {
    if (!this.ended) this.stream.control(Type.WITHDRAW);
  }

  /** The caller's terminal may have another size. False: the program has none of its own there. */
  window(): boolean {
    const file = this.descriptors.held.find(({ use }) => use === FileUse.TERMINAL);
    const state = file && native.terminalState(file.fd);
    if (file === undefined || !state) return false;
    if (!this.ended) this.stream.control(Type.WINDOW, state.subarray(-8), file.name);
    return true;
  }

  /** The stand-in is gone: end what runs there; what it still says is of no interest. */
  kill(): void {
    if (this.over) return;
    this.stream.control(Type.KILL);
    this.stopInputs();
    for (const output of this.outputs.values()) output.stop();
    this.settle();
  }

  /** The link is gone after the program had ended: what came is delivered, what is left behind is lost. */
  linkEnded(): void {
    this.closing = true;
    this.settle();
  }

  /** Forgets the link; the descriptors stay as they are. */
  abandon(): void {
    this.finish();
  }

  private makeInput(pipe: BytePipe, file: Held): void {
    const moved = (): void => this.events.moved();
    const back = this.descriptors.tokensBack;
    if (file.use === FileUse.TOKENS && back !== undefined)
      this.tokens = new Tokens(this.stream, file, back, moved);
    else if (file.use !== FileUse.NULL)
      this.inputs.set(
        file.name,
        new Input(
          pipe,
          this.stream,
          file,
          moved,
          () => this.events.mayRead(),
          () => this.events.isAlone(file),
        ),
      );
  }

  private makeOutput(pipe: BytePipe, file: Held, skip: number): Output {
    const { name } = file;
    return new Output(file, skip, {
      streams: (to, came, again, off) => {
        this.stream.widen(name, WIDE_WINDOW);
        const lent = pipe.sink(this.stream, name, to, came, again, off);
        if (lent !== undefined) this.events.streams();
        return lent;
      },
      handedOn: (count) => {
        if (count === 0 || this.over) return;
        this.stream.handedOn(name, count);
        if (this.descriptors.tokensBack?.name === name) this.tokens?.soon();
        this.events.moved();
      },
      empty: () => this.settle(),
      broken: () => {
        if (!this.over) this.stream.control(Type.READER_GONE, undefined, name);
      },
    });
  }

  private stopInputs(): void {
    for (const input of this.inputs.values()) input.stop();
    this.tokens?.stop();
  }

  private frame(frame: Frame): void {
    const { type, flags: fd, payload } = frame;
    const input = this.inputs.get(fd);
    if (type === Type.DATA) this.outputs.get(fd)?.push(payload);
    else if (type === Type.CREDIT) (input ?? this.tokens)?.consumed(payload.readUInt32LE(0));
    else if (type === Type.RETURN) this.tokens?.returned(payload);
    else if (type === Type.OFFSET) input?.seek(Number(payload.readBigUInt64LE(0)));
    else if (type === Type.EOF) this.endOfOutput(fd);
    else if (type === Type.SHUT) this.outputs.get(fd)?.shut();
    else if (type === Type.READER_GONE) input?.stop();
    else if (type === Type.STOPPED) this.events.stopped(payload.readUInt32LE(0));
    else if (type === Type.ASK) this.answers.ask(payload);
    else if (type === Type.SEEN) this.answers.seen(payload);
    else if (type === Type.REFUSE) this.events.refused(decodeRefused(payload));
    else if (type === Type.STATUS) this.status(decodeStatus(payload));
    else if (type === Type.CLOSE) {
      for (const output of this.outputs.values()) output.takeBack();
      this.closing = true;
      this.settle();
    }
  }

  private status(status: JobStatus): void {
    if (this.ended) return;
    trace?.("status heard");
    this.ended = true;
    this.stopInputs();
    for (const output of this.outputs.values()) output.takeBack();
    this.events.status(status);
    this.settle();
  }

  private endOfOutput(fd: number): void {
    this.outputs.get(fd)?.takeBack();
    this.eof.add(fd);
    this.settle();
  }

  /** What everybody over there has closed must be closed here, for the caller's reader to see it. */
  private closeEnded(): void {
    for (const fd of this.eof) {
      const output = this.outputs.get(fd);
      if (this.closed.has(fd) || output?.idle === false) continue;
      if (!this.told && (this.over || !this.events.mayClose(fd))) continue;
      this.closed.add(fd);
      output?.stop();
      this.descriptors.close(fd);
    }
  }

  /** Goes as far as the caller has taken the output. */
  private settle(): void {
    this.closeEnded();
    for (const output of this.outputs.values()) if (!output.idle) return;
    if (this.ended && !this.told) {
      this.told = true;
      this.events.delivered();
    }
    this.closeEnded();
    if (!this.closing || this.over) return;
    this.finish();
    this.events.closed();
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.stopInputs();
    for (const output of this.outputs.values()) output.stop();
    this.answers.end();
    this.link.jobs--;
    this.link.idleSince = performance.now();
  }
}
