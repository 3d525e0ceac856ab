/** One attempt to run a job over one link, from OPEN to CLOSE. */
import type { BytePipe } from "../io/byte-pipe.js";
import { u32 } from "../mux/encode.js";
import { type Frame, Type } from "../mux/frame.js";
import { encodeSpec, type JobSpec } from "../mux/spec.js";
import { decodeRefused, decodeStatus, type JobStatus, type Refused } from "../mux/status.js";
import type { Stream } from "../mux/stream.js";
import type { Descriptors } from "./descriptors.js";
import { Input } from "./input.js";
import type { Link } from "./link.js";
import { Output } from "./output.js";
import { Answers } from "./tell.js";

export interface AttemptEvents {
  /** Nothing was started there. */
  refused(refused: Refused): void;
  /** The program has ended; its output may still be on its way to the caller. */
  status(status: JobStatus): void;
  /** All output of the program has been written. */
  delivered(): void;
  stopped(signal: number): void;
  /** Bytes were taken from stdin or delivered. */
  moved(): void;
  /** Nobody over there holds the descriptors any more. */
  closed(): void;
}

export class Attempt {
  readonly outputs: (Output | undefined)[] = [];
  input: Input | undefined;
  private readonly stream: Stream;
  private readonly answers: Answers;
  private ended = false;
  private told = false;
  private closing = false;
  private over = false;
  /** Descriptors that nobody writes to any more over there. */
  private readonly eof = new Set<number>();

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
    this.stream.onFrame = (frame) => this.frame(frame);
    this.answers = new Answers(this.stream, spec.claims);
    link.jobs++;
    for (const fd of [1, 2]) this.outputs[fd] = this.makeOutput(fd, skip[fd] ?? 0);
    const stdin = descriptors.all[0];
    if (stdin !== undefined && stdin.kind !== "null" && stdin.kind !== "closed") {
      this.input = new Input(pipe, this.stream, stdin.fd, stdin.kind, () => events.moved());
    }
  }

  signal(value: number): void {
    if (!this.ended) this.stream.control(Type.SIGNAL, u32(value));
  }

  /** The stand-in is gone: end what runs there; what it still says is of no interest. */
  kill(): void {
    if (this.over) return;
    this.stream.control(Type.KILL);
    this.input?.stop();
    for (const output of this.outputs) output?.stop();
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

  private makeOutput(fd: number, skip: number): Output | undefined {
    const descriptor = this.descriptors.all[fd];
    if (descriptor === undefined || descriptor.kind === "null" || (fd === 2 && this.descriptors.merged))
      return undefined;
    return new Output(descriptor.fd, descriptor.kind, skip, {
      handedOn: (count) => {
        if (count === 0 || this.over) return;
        this.stream.handedOn(fd, count);
        this.events.moved();
      },
      empty: () => this.settle(),
      broken: () => {
        if (!this.over) this.stream.control(Type.READER_GONE, undefined, fd);
      },
    });
  }

  private frame(frame: Frame): void {
    const { type, flags: fd, payload } = frame;
    if (type === Type.DATA) this.outputs[fd]?.push(payload);
    else if (type === Type.CREDIT) this.input?.consumed(payload.readUInt32LE(0));
    else if (type === Type.EOF) this.endOfOutput(fd);
    else if (type === Type.READER_GONE) this.input?.stop();
    else if (type === Type.STOPPED) this.events.stopped(payload.readUInt32LE(0));
    else if (type === Type.ASK) this.answers.ask(payload);
    else if (type === Type.SEEN) this.answers.seen(payload);
    else if (type === Type.REFUSE) this.events.refused(decodeRefused(payload));
    else if (type === Type.STATUS) this.status(decodeStatus(payload));
    else if (type === Type.CLOSE) {
      this.closing = true;
      this.settle();
    }
  }

  private status(status: JobStatus): void {
    if (this.ended) return;
    this.ended = true;
    this.input?.stop();
    this.events.status(status);
    this.settle();
  }

  private endOfOutput(fd: number): void {
    this.eof.add(fd);
    this.settle();
  }

  /** Goes as far as the caller has taken the output. */
  private settle(): void {
    if (this.outputs.some((output) => !(output?.idle ?? true))) return;
    if (this.ended && !this.told) {
      this.told = true;
      this.events.delivered();
    }
    // What the program left behind has closed these: so must we, for the caller's reader to see it.
    if (this.told) for (const fd of this.eof) this.descriptors.close(fd);
    if (!this.closing || this.over) return;
    this.finish();
    this.events.closed();
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.input?.stop();
    for (const output of this.outputs) output?.stop();
    this.answers.end();
    this.link.jobs--;
    this.link.idleSince = performance.now();
  }
}
