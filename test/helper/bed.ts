/** A home host and its far hosts on this machine: a runtime directory, and a remote command that drops the host. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askPrexd } from "../../src/io/control-client.js";
import { native } from "../../src/io/native.js";
import { until } from "../../src/lab/wait.js";

const root = join(import.meta.dirname, "..", "..");
const prex = join(root, "build", "Release", "prex");
const uid = process.getuid?.() ?? 0;

/** What the remote command does with hosts of certain names. */
const RSH = `#!/bin/sh
host=$1; shift
case $host in
noisy*) echo "Welcome to $host"; echo "PANTS1 of another kind";;
refuses*) echo "Permission denied (publickey)." >&2; exit 255;;
babbles*) printf 'PANTS1 %s\\n' "\${1##* }"; echo "this is not a frame at all"; exec sleep 5;;
fish*) exec fish -c "$*";;
csh*) exec csh -c "$*";;
lacks*) exec sh -c "/nonexistent$*";;
few*) ulimit -n 56;;
small*) ulimit -v 200000;;
crowded*) exec unshare -m sh -c 'mount -t tmpfs -o size=4k,nr_inodes=2 none "$PANTS_RUNTIME_DIR/users" && mkdir -m 700 "$PANTS_RUNTIME_DIR/users/$(id -u)" && exec sh -c "$1"' sh "$*";;
wire*) while [ -e "$PANTS_RUNTIME_DIR/hold" ]; do sleep 0.02; done; cat | sh -c "$*" | cat; exit;;
hostile*) printf 'PANTS1 %s\\n' "\${1##* }"; sleep 0.2; cat "$PANTS_RUNTIME_DIR/hostile"; exec sleep 3;;
mute*) exec sleep 1000;;
apart*) exec unshare -m sh -c 'mount -t tmpfs none "$HIDDEN" && exec sh -c "$1"' sh "$*";;
served*) exec unshare -m sh -c 'mount --bind "$HIDDEN.served" "$HIDDEN" && exec sh -c "$1"' sh "$*";;
direct*) exec unshare -m sh -c 'mount --bind "$HIDDEN.src" "$HIDDEN" && exec sh -c "$1"' sh "$*";;
esac
exec sh -c "$*"
`;

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface PrexdAnswer {
  readonly pid: number;
  readonly jobs: { pid: number; program: string; host: string; state: string }[];
  readonly links: { host: string; link: string; state: string; jobs: number }[];
}

export interface Start {
  /** Beside the bed's own. */
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

export class Bed {
  readonly directory = mkdtempSync(join(tmpdir(), "pants-bed-"));
  readonly runtime = join(this.directory, "run");
  /** Working directory of what is run. */
  readonly work = join(this.directory, "work");
  readonly env: NodeJS.ProcessEnv;
  private readonly users = join(this.runtime, "users", String(uid));
  private pantsd: Server | undefined;

  /** @param slots - in this host's table; 0 = no table */
  constructor(slots = 64) {
    mkdirSync(this.work);
    mkdirSync(this.runtime);
    const rsh = join(this.directory, "rsh");
    writeFileSync(rsh, RSH);
    chmodSync(rsh, 0o755);
    const config = join(this.directory, "pants.toml");
    // What is sent is what is tested, however short it is.
    writeFileSync(config, "[placement]\nshort_ms = 0\n");
    this.env = {
      ...process.env,
      SHLVL: "2", // in a first shell whose stdin is a socket bash reads start files, as if it had come by rsh
      PANTS_RUNTIME_DIR: this.runtime,
      PANTS_RSH: rsh,
      PANTS_CONFIG: config,
    };
    if (slots > 0) {
      native.tableOpen(join(this.runtime, "slots"), slots, 0o666);
      native.tableClose();
    }
  }

  /** `prex --on HOST` a shell script, unless the command is given as words. */
  on(host: string, command: string | readonly string[], stdin: string | Buffer = ""): Promise<Ended> {
    const words = typeof command === "string" ? ["/bin/sh", "-c", command] : command;
    return this.finish(this.start([prex, "--on", host, ...words]), stdin);
  }

  /** A shell script at home, with $PREX. */
  shell(script: string, stdin: string | Buffer = ""): Promise<Ended> {
    return this.finish(this.start(["/bin/bash", "-c", script]), stdin);
  }

  start(command: readonly string[], { env = {}, cwd = this.work }: Start = {}): ChildProcess {
    const [program = "", ...args] = command;
    return spawn(program, args, { cwd, env: { ...this.env, PREX: prex, ...env }, stdio: "pipe" });
  }

  finish(child: ChildProcess, stdin: string | Buffer = ""): Promise<Ended> {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(stdin);
    return new Promise((resolve) => {
      child.on("close", (code, signal) => {
        resolve({
          code,
          signal,
          stdout: Buffer.concat(out).toString(),
          stderr: Buffer.concat(err).toString(),
        });
      });
    });
  }

  /** A copy of a program with a mark of its own. */
  marked(program: string, bits: number): string {
    const copy = join(this.work, "marked");
    copyFileSync(program, copy);
    const bytes = readFileSync(copy);
    bytes.writeUInt32LE((bytes.readUInt32LE(48) | 0x50000000 | bits) >>> 0, 48);
    writeFileSync(copy, bytes);
    return copy;
  }

  /** Hosts called `apart` see another, empty directory at this path, those called `direct` the one at PATH.src, `served` that at PATH.served. */
  hide(path: string): void {
    this.env["HIDDEN"] = path;
    this.env["PANTS_RSH"] = `env HIDDEN=${path} ${this.env["PANTS_RSH"] ?? ""}`; // prexd keeps little of the environment
  }

  async prexd(): Promise<PrexdAnswer> {
    return (await askPrexd(join(this.users, "prexd.sock"))) as PrexdAnswer;
  }

  /** Why the host of the last job could not be reached, in the words of prexd's log, and that the job ran here. */
  noLink(): string {
    native.tableOpen(join(this.runtime, "slots"), 0, 0);
    const [latest] = native.whyRead(1);
    native.tableClose();
    if (latest?.where !== 0) return "";
    const lines = this.log()
      .split("\n")
      .filter((line) => line.includes('"msg":"no link"'));
    return (JSON.parse(lines.at(-1) ?? "{}") as { why?: string }).why ?? "";
  }

  /** What prexd wrote. */
  log(): string {
    return readFileSync(join(this.users, "prexd.log"), "utf8");
  }

  /** Pids of this bed's processes whose command line has a word. */
  processes(word: string): number[] {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          const command = readFileSync(`/proc/${pid}/cmdline`, "latin1");
          const mine = readFileSync(`/proc/${pid}/environ`, "latin1").includes(
            `PANTS_RUNTIME_DIR=${this.runtime}\0`,
          );
          return mine && command.includes(word);
        } catch {
          return false;
        }
      });
  }

  /** Plays pantsd: grants `leases` of a host in turn, denies when all are out. */
  grant(host: string, leases: number): Promise<void> {
    let out = 0;
    let next = 0;
    const server = createServer((socket: Socket) => {
      socket.on("error", () => undefined);
      socket.setEncoding("utf8");
      socket.on("data", (text: string) => {
        for (const line of text.split("\n").filter((l) => l !== "")) {
          const message = JSON.parse(line) as {
            t: string;
            id: number;
            count: number;
            leases: string[];
            exclude: string[];
          };
          if (message.t === "release") out -= message.leases.length;
          if (message.t !== "request") continue;
          const count = message.exclude.includes(host) ? 0 : Math.min(message.count, leases - out);
          out += count;
          const granted = Array.from({ length: count }, () => ({ id: `l${++next}`, host, lifeMs: 5000 }));
          const deny = { t: "deny", id: message.id, retryMs: 100, why: "no free host" };
          const reply = count > 0 ? { t: "grant", id: message.id, leases: granted } : deny;
          socket.write(`${JSON.stringify(reply)}\n`);
        }
      });
    });
    this.pantsd = server;
    return new Promise((resolve) => server.listen(join(this.runtime, "pantsd.sock"), resolve));
  }

  /** Ends everything, and makes sure of it. */
  async end(): Promise<void> {
    this.pantsd?.close();
    const prexd = await this.prexd().catch(() => undefined);
    if (prexd !== undefined) process.kill(prexd.pid, "SIGINT");
    await until("the bed's processes to end", () => this.processes("").length === 0, { ms: 20_000 });
    rmSync(this.directory, { recursive: true });
  }
}
