/** Hosts on loopback: real pantsd processes, each with a runtime directory and a name of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostCompat } from "../../src/io/compat.js";
import { decodeState, type State } from "../../src/io/layout.js";
import type { ControlReply, ControlRequest, HostStatus, Lease } from "../../src/wire/control.js";

const pantsd = join(import.meta.dirname, "..", "..", "bin", "pantsd");

/** What hosts of this machine can run. */
export const compatHere = hostCompat();

/** Waits until `probe` gives something; says what it waited for. The limit is for what never comes: healing by seeds
 * alone may take 12 s (docs/protocol.md), and a busy machine takes its time. */
export async function until<T>(
  what: string,
  probe: () => Promise<T> | T,
  limitMs = 30_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface HostSettings {
  readonly cpu?: number;
  readonly slots?: number;
  readonly key?: string;
  readonly cluster?: string;
  readonly interface?: string;
  /** More lines of [network]. */
  readonly network?: string;
  /** A command to start pantsd by: in a namespace. */
  readonly by?: readonly string[];
}

export class TestCluster {
  readonly folder = mkdtempSync(join(tmpdir(), "pants-daemon-"));
  readonly key = join(this.folder, "key");
  readonly port = randomInt(20_000, 30_000);
  readonly #hosts: TestHost[] = [];

  constructor() {
    this.writeKey("key", randomBytes(32).toString("hex"));
  }

  writeKey(name: string, text: string, mode = 0o600): string {
    const file = join(this.folder, name);
    writeFileSync(file, text, { mode });
    return file;
  }

  host(name: string, settings: HostSettings = {}): TestHost {
    const host = new TestHost(name, join(this.folder, name), settings.by);
    this.#hosts.push(host);
    host.configure(this.config(name, settings));
    return host;
  }

  /** An empty name: the host's own. */
  config(name: string, settings: HostSettings): string {
    const { cpu = 100, slots = 2, key = this.key, cluster = `test-${this.port}`, network = "" } = settings;
    return [
      `[cluster]\nname = "${cluster}"\nkey_file = "${key}"`,
      `[network]\ninterface = "${settings.interface ?? "lo"}"\nport = ${this.port}\nttl = 0`,
      name && `name = "${name}"`,
      network,
      `[load]\npolicy = "cpu"\ninterval_ms = 200\ncpu = ${cpu}`,
      `[slots]\ntotal = ${slots}\n`,
    ].join("\n");
  }

  async close(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.kill("SIGKILL")));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class TestHost {
  readonly runtime: string;
  child: ChildProcess | undefined;
  stderr = "";

  constructor(
    readonly name: string,
    readonly folder: string,
    private readonly by: readonly string[] = [],
  ) {
    mkdirSync(folder, { recursive: true });
    this.runtime = join(folder, "run");
  }

  get configFile(): string {
    return join(this.folder, "pants.toml");
  }

  configure(text: string): void {
    writeFileSync(this.configFile, text);
  }

  /** Starts pantsd; resolves when it serves, or with its exit status when it ended before. */
  async start(...args: string[]): Promise<number> {
    const env = { ...process.env, PANTS_RUNTIME_DIR: this.runtime, PANTS_NODE: process.execPath };
    const mode = args.length > 0 ? args : ["--foreground"];
    const [command, ...argv] = [...this.by, pantsd, "--config", this.configFile, ...mode];
    const child = spawn(command ?? pantsd, argv, { env, stdio: ["ignore", "ignore", "pipe"] });
    this.child = child;
    this.stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    const serves = () => this.stderr.includes('"msg":"started"');
    await until(`pantsd on ${this.name}`, () => child.exitCode !== null || serves(), 20_000);
    return child.exitCode ?? 0;
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once("exit", (status) => resolve(status)));
    child.kill(signal);
    return ended;
  }

  state(): State | null {
    const file = join(this.runtime, "state");
    return existsSync(file) ? decodeState(readFileSync(file)) : null;
  }

  async status(): Promise<HostStatus> {
    const client = await Client.connect(this);
    const reply = await client.ask({ t: "status", id: 1 });
    client.close();
    if (reply.t !== "status") throw new Error(JSON.stringify(reply));
    return reply.status;
  }

  /** Resident memory, MB. */
  rssMb(): number {
    const text = readFileSync(`/proc/${this.child?.pid ?? 0}/status`, "latin1");
    return Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1]) / 1024;
  }
}

/** A client of one pantsd's control socket. */
export class Client {
  readonly received: ControlReply[] = [];
  #waiting: ((reply: ControlReply) => boolean)[] = [];
  #rest = "";
  #id = 0;

  private constructor(private readonly socket: Socket) {
    socket.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
    socket.on("error", () => undefined);
  }

  static connect(host: TestHost): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect(join(host.runtime, "pantsd.sock"));
      socket.once("error", reject);
      socket.once("connect", () => resolve(new Client(socket)));
    });
  }

  send(message: ControlRequest): void {
    this.raw(JSON.stringify(message));
  }

  raw(line: string): void {
    this.socket.write(`${line}\n`);
  }

  ask(message: Extract<ControlRequest, { id: number }>): Promise<ControlReply> {
    const reply = this.next((candidate) => "id" in candidate && candidate.id === message.id);
    this.send(message);
    return reply;
  }

  /** The next reply that fits. */
  next(fits: (reply: ControlReply) => boolean): Promise<ControlReply> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no reply for 5 s")), 5000);
      this.#waiting.push((reply) => {
        if (!fits(reply)) return false;
        clearTimeout(timer);
        resolve(reply);
        return true;
      });
    });
  }

  /** Asks for slots; the leases, or none when denied. */
  async request(count: number, exclude: string[] = [], wants = compatHere): Promise<Lease[]> {
    this.#id += 1;
    const reply = await this.ask({ t: "request", id: 1000 + this.#id, count, compat: wants, exclude });
    return reply.t === "grant" ? reply.leases : [];
  }

  close(): void {
    this.socket.destroy();
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const reply = JSON.parse(line) as ControlReply;
      this.received.push(reply);
      const index = this.#waiting.findIndex((waiting) => waiting(reply));
      if (index >= 0) this.#waiting.splice(index, 1);
    }
  }
}
