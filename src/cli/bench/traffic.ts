/**
 * Datagrams of hosts that are not there, sealed ahead as pantsd seals them, and bench/leader/load.c that sends them:
 * so that what is timed is the daemon that answers, and not whoever asks.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anyHost } from "../../core/kinds/need.js";
import { hostCompat } from "../../io/compat.js";
import { packageRoot } from "../../io/paths.js";
import { LabError } from "../../lab/command.js";
import type { Host } from "../../lab/host.js";
import type { Lab } from "../../lab/lab.js";
import { Codec } from "../../wire/datagram.js";
import type { Datagram } from "../../wire/envelope.js";
import { Keyring } from "../../wire/keyring.js";

/** What load.c says. */
export interface Answers {
  readonly seconds: number;
  readonly sent: number;
  /** Not taken by the kernel. */
  readonly refused: number;
  readonly granted: number;
  readonly denied: number;
  readonly unanswered: number;
  readonly medianUs: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

export interface Sending {
  /** Where to: an address; the port is the cluster's. */
  readonly to: string;
  readonly seconds: number;
  /** So many requests under way at any time, or so many datagrams a second. */
  readonly pace: { readonly window: number } | { readonly rate: number };
  /** From the first again after the last. */
  readonly again?: boolean;
}

/** The lab's cluster key. */
export const secretOf = (lab: Lab): Buffer =>
  Buffer.from(readFileSync(join(lab.folder, "key"), "utf8"), "hex");

/** A host that is not there, but seals what it would send. */
export function phantom(lab: Lab, host: string, secret = secretOf(lab)): Codec {
  const identity = { host, id: randomBytes(8).toString("hex"), boot: randomBytes(8).toString("hex") };
  return new Codec(`lab-${lab.id}`, identity, new Keyring([secret]));
}

/** Sealed reports of so many hosts, each with as many free slots as a host can have. */
export function sealReports(lab: Lab, hosts: number, epoch: number): Buffer[] {
  const [free, total, compat] = [256, 256, hostCompat()];
  return Array.from({ length: hosts }, (_, i) =>
    phantom(lab, `phantom${i}`).seal(
      {
        type: "available",
        epoch,
        free,
        total,
        guests: 0,
        cpuPercent: 10,
        availableMb: 0,
        ioPercent: 0,
        compat,
      },
      Date.now(),
    ),
  );
}

/** Sealed requests for one slot each, numbered from 0, of so many hosts in turn. */
export function sealRequests(lab: Lab, hosts: number, count: number): Buffer[] {
  const askers = Array.from({ length: hosts }, (_, i) => phantom(lab, `asker${i}`));
  const compat = hostCompat();
  return Array.from({ length: count }, (_, request) => {
    const message: Datagram = { type: "request", request, count: 1, compat, exclude: [], wanted: anyHost };
    const sealed = askers[request % hosts]?.seal(message, Date.now());
    if (!sealed) throw new RangeError("no host to ask");
    return sealed;
  });
}

/** load.c, compiled, in a folder that lasts until `remove`. */
export class Sender {
  readonly #folder = mkdtempSync(join(tmpdir(), "pants-load-"));
  readonly #program = join(this.#folder, "load");
  #files = 0;

  constructor(private readonly port = 7717) {
    const source = join(packageRoot, "bench", "leader", "load.c");
    execFileSync("cc", ["-O2", "-o", this.#program, source], { stdio: "inherit" });
  }

  /** Sends from a host. @throws {LabError} */
  async send(
    host: Host,
    datagrams: readonly Buffer[],
    { to, seconds, pace, again }: Sending,
  ): Promise<Answers> {
    const file = join(this.#folder, String(++this.#files));
    writeFileSync(file, Buffer.concat(datagrams.flatMap((data) => [u16(data.length), data])));
    try {
      const how = "window" in pace ? ["window", String(pace.window)] : ["rate", String(pace.rate)];
      const args = [host.address, to, String(this.port), file, ...how, String(seconds)];
      const run = await host.run([this.#program, ...args, ...(again ? ["again"] : [])]);
      if (run.status !== 0) throw new LabError(`load on ${host.name}: ${run.stderr || String(run.signal)}`);
      return JSON.parse(run.stdout) as Answers;
    } finally {
      rmSync(file);
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}
