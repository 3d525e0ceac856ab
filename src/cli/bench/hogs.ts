/** One program on one host that uses up one resource: how soon that host takes no more work, and whether the others mind. */
import { rmSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import type { Host } from "../../lab/host.js";
import { Lab, type LabOptions } from "../../lab/lab.js";
import { until } from "../../lab/wait.js";
import { ready, statusOf } from "../demo/ready.js";
import { markdown, type Section } from "./section.js";

/** Every host may use the whole machine's CPUs, so that a hog of something else does not use them up. */
export const HOG_LAB: LabOptions = { hosts: 3, cpus: cpus().length, memoryMb: 1024 };

const FREE_GROUP = "239.255.77.2";
const GATEWAY = "10.77.255.254";
/** Left of a host's memory by its hog, MiB: less than it must have to be free. */
const LEFT_MB = 30;

interface Hog {
  readonly name: string;
  readonly argv: (host: Host, availableMb: number) => readonly string[];
}

const SPIN = "while :; do :; done";
const SWITCH = `pipe(A, B); pipe(C, D); my $x;
if (fork) { syswrite(B, "x"); while (sysread(C, $x, 1)) { syswrite(B, "x") } }
else { while (sysread(A, $x, 1)) { syswrite(D, "x") } }`;
const SEND = `use Socket; socket(S, PF_INET, SOCK_DGRAM, 0); my $to = sockaddr_in(9, inet_aton($ARGV[0]));
my $data = "x" x 60000; while (1) { send(S, $data, 0, $to) }`;

const TAKE = `open(Z, "<", "/dev/zero"); sysread(Z, my $x, $ARGV[0] << 20); sleep 1000`;

const diskFile = (host: Host): string => join(host.folder, "hog");

export const HOGS: readonly Hog[] = [
  { name: "CPU", argv: () => ["sh", "-c", `${`sh -c '${SPIN}' & `.repeat(cpus().length)} wait`] },
  {
    name: "disk",
    argv: (host) => [
      "sh",
      "-c",
      'while :; do dd if=/dev/zero of="$1" bs=64k count=4096 oflag=direct conv=notrunc 2>/dev/null; done',
      "sh",
      diskFile(host),
    ],
  },
  {
    name: "memory",
    argv: (_, availableMb) => ["perl", "-e", TAKE, String(Math.round(availableMb - LEFT_MB))],
  },
  { name: "context switches", argv: () => ["perl", "-e", SWITCH] },
  { name: "network", argv: () => ["perl", "-e", SEND, GATEWAY] },
];

export interface Hogged {
  /** From the hog's start until its host has left the free group, and from its end until it is back, ms. */
  readonly leftMs: number;
  readonly backMs: number;
  /** pantsd's words. */
  readonly why: string;
  /** Looks at which another host was not in the free group, of all. */
  readonly others: number;
  readonly looks: number;
}

/** Whether each host is in the free group. */
function free(hosts: readonly Host[]): boolean[] {
  return hosts.map((host) => host.joinedOn(FREE_GROUP).length > 0);
}

/** Runs a hog on a host for so long that it is seen to stay away. */
export async function hogged(lab: Pick<Lab, "hosts">, host: Host, hog: Hog): Promise<Hogged> {
  const { hosts } = lab;
  const at = hosts.indexOf(host);
  await until("all hosts to be free", () => free(hosts).every(Boolean), { ms: 60_000, every: 50 });
  const availableMb = (await statusOf(host))?.indices.availableMb ?? 0;
  let others = 0;
  let looks = 0;
  const look = (): boolean => {
    const now = free(hosts);
    looks += 1;
    if (now.some((one, n) => n !== at && !one)) others += 1;
    return now[at] ?? false;
  };
  const began = performance.now();
  const running = host.start(hog.argv(host, availableMb));
  try {
    await until(`${host.name} to leave`, () => !look(), { ms: 30_000, every: 25 });
    const leftMs = performance.now() - began;
    const status = await until("its reason", () => statusOf(host));
    const stays = performance.now() + 3000;
    await until("3 s", () => look() || performance.now() > stays, { ms: 10_000, every: 50 });
    await running.kill("SIGKILL");
    for (const { pid, argv } of host.processes()) if (isHog(argv)) process.kill(pid, "SIGKILL");
    const ended = performance.now();
    await until(`${host.name} to be back`, look, { ms: 60_000, every: 25 });
    return { leftMs, backMs: performance.now() - ended, why: status.why, others, looks };
  } finally {
    rmSync(diskFile(host), { force: true });
  }
}

const isHog = (argv: readonly string[]): boolean =>
  argv.some((word) => word === SPIN || word === SWITCH || word === SEND) || argv[0] === "dd";

async function run(): Promise<string> {
  const lab = await Lab.up(HOG_LAB);
  try {
    await ready(lab);
    const rows: (readonly string[])[] = [];
    for (const hog of HOGS) {
      // Long enough apart that one does not count as the last one's return.
      await until("a while", pause(30_000), { ms: 60_000, every: 500 });
      const { leftMs, backMs, why, others, looks } = await hogged(lab, lab.host("n2"), hog);
      const seconds = [leftMs, backMs].map((ms) => (ms / 1000).toFixed(1));
      rows.push([hog.name, ...seconds, why, `${others} of ${looks}`]);
    }
    return `Three hosts, each a control group of ${cpus().length} CPUs and 1 GiB, policy adaptive, a sample a second. One program on n2 uses up one
resource; it is watched whether n2 is a member of the free group.

${markdown(["hog", "left after s", "back after s", "by", "looks at which another host was not free"], rows)}`;
  } finally {
    await lab.down();
  }
}

function pause(ms: number): () => boolean {
  const end = performance.now() + ms;
  return () => performance.now() > end;
}

export const hogs: Section = { name: "hogs", title: "One hog per resource", run };
