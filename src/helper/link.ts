/** The way to one host: the remote command, the agent's first line, then frames. */
import { BytePipe } from "../io/byte-pipe.js";
import { LINK_DEAD_MS } from "../io/layout.js";
import { Looks } from "../io/looks.js";
import { IN, native } from "../io/native.js";
import { newLinkId, type RemoteLink, rshCommand, startLink } from "../io/rsh.js";
import { type Frame, Type } from "../mux/frame.js";
import { PreambleFinder } from "../mux/preamble.js";

export interface LinkEvents {
  up(link: Link): void;
  /** The link is over, or never came to be; called once. */
  down(link: Link, why: string): void;
}

/** A host that has not answered by then is left out for a while, ms. */
const CONNECT_MS = 8000;
const STDERR_MAX = 4096;
const EAGAIN = -11;
const scratch = Buffer.allocUnsafe(64 * 1024);

export class Link {
  readonly id = newLinkId();
  pipe: BytePipe | undefined;
  /** Jobs whose stream is open. */
  jobs = 0;
  idleSince = performance.now();
  private readonly remote: RemoteLink;
  private readonly bornAt = performance.now();
  private readonly looks = new Looks();
  private readonly finder = new PreambleFinder(this.id);
  private errors = "";
  private over = false;
  private readonly questions = new Map<string, (dead: boolean) => void>();

  constructor(
    readonly host: string,
    rsh: string,
    agentCommand: string,
    variables: NodeJS.ProcessEnv,
    private readonly events: LinkEvents,
  ) {
    this.remote = startLink(rshCommand(rsh, host, agentCommand, this.id), variables);
    const { child, input } = this.remote;
    child.on("error", (error) => this.end(error.message));
    child.on("exit", (code, signal) => {
      // What ssh said is still in the pipe; closing of stdout ends the link in any case.
      if (this.pipe === undefined)
        setImmediate(() => this.end(this.said(`ended with ${signal ?? code ?? "?"}`)));
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString("utf8")).slice(-STDERR_MAX);
    });
    native.watch(input, IN, () => this.noise());
  }

  /** performance.now() when the host was last heard; when it never was, now: nothing is running there then. */
  get heardAt(): number {
    return this.pipe?.heardAt ?? this.bornAt;
  }

  /** Call about every second. */
  beat(now: number): void {
    this.pipe?.beat();
    if (this.looks.late(now)) return;
    if (this.pipe === undefined && now - this.bornAt > CONNECT_MS)
      this.end(this.said("did not answer in 8 s"));
    else if (this.pipe !== undefined && now - this.heardAt > LINK_DEAD_MS) this.end("silent for 12 s");
  }

  /** Asks whether another link's agent, on the same host, is gone with all it started. */
  isDead(linkId: string, answer: (dead: boolean) => void): void {
    this.questions.set(linkId, answer);
    this.pipe?.mux.sendLink(Type.DEAD, Buffer.from(linkId, "latin1"));
  }

  /** Ends the link because nobody needs it. */
  close(): void {
    if (this.over) return;
    this.over = true;
    this.pipe?.mux.sendLink(Type.BYE);
    this.clear();
  }

  /** What comes before the agent's first line. */
  private noise(): void {
    const n = native.readOwn(this.remote.input, scratch);
    if (n === EAGAIN) return;
    if (n <= 0) {
      native.unwatch(this.remote.input);
      setTimeout(() => this.end(this.said("closed the connection")), 20);
      return;
    }
    try {
      const rest = this.finder.push(scratch.subarray(0, n));
      if (rest !== undefined) this.begin(rest);
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
  }

  private begin(first: Buffer): void {
    const { input, output } = this.remote;
    this.pipe = new BytePipe("home", input, output, {
      link: (frame) => this.linkFrame(frame),
      opened: () => undefined,
      lost: (why) => this.end(this.said(why)),
    });
    this.events.up(this);
    this.pipe.start(first);
  }

  private linkFrame(frame: Frame): void {
    if (frame.type !== Type.DEAD_ANSWER) return;
    const id = frame.payload.toString("latin1", 1);
    const answer = this.questions.get(id);
    this.questions.delete(id);
    answer?.(frame.payload[0] === 1);
  }

  /** The last line on stderr says more than we could. */
  private said(otherwise: string): string {
    const line = this.errors.trimEnd().split("\n").at(-1)?.trim() ?? "";
    const noise = this.pipe === undefined ? this.finder.noise : "";
    return (line || (noise === "" ? otherwise : `${otherwise}, having said: ${noise}`)).slice(0, 200);
  }

  private end(why: string): void {
    if (this.over) return;
    this.over = true;
    this.clear();
    this.events.down(this, why);
  }

  private clear(): void {
    const { child, input, output } = this.remote;
    if (this.pipe === undefined) for (const fd of [input, output]) native.close(fd);
    else this.pipe.close();
    child.stderr?.destroy();
    child.unref();
    // A remote command that does not see the end of its stdin must not stay; one that reached nobody goes at once.
    const end = (): void => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    };
    if (this.pipe === undefined) end();
    else setTimeout(end, 1000).unref();
  }
}
