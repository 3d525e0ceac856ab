/** pants jobs: what runs elsewhere for this user, and here for others. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { askPrexd, NoAnswer } from "../../io/control-client.js";
import { runtimeDir, slotsFile, userDir } from "../../io/paths.js";
import { print, printJson } from "./support.js";
import { span, table } from "./table.js";

/** A job of this user, as prexd tells it. */
export interface JobRow {
  readonly pid: number;
  readonly program: string;
  readonly host: string;
  readonly state: string;
  readonly ageMs: number;
}

/** A slot of this host taken by a job of another host. */
export interface Guest {
  readonly slot: number;
  readonly pid: number;
  readonly pending: boolean;
}

/** Rows of prexd's answer; what a newer prexd adds is passed over. */
export function jobRows(answer: unknown): JobRow[] {
  const jobs = (answer as { jobs?: unknown } | null)?.jobs;
  if (!Array.isArray(jobs)) return [];
  return jobs.map((job: Partial<Record<string, unknown>>) => ({
    pid: Number(job["pid"] ?? 0),
    program: text(job["program"]),
    host: text(job["host"]),
    state: text(job["state"]),
    ageMs: Number(job["ageMs"] ?? 0),
  }));
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

async function guestSlots(path: string): Promise<Guest[]> {
  if (!existsSync(path)) return [];
  const { native } = await import("../../io/native.js");
  if (native.tableOpen(path, 0, 0) < 0) return [];
  const words = native.slotWords();
  native.tableClose();
  return words.flatMap(({ pid, pending, guest }, slot) =>
    guest && pid !== 0 ? [{ slot, pid, pending }] : [],
  );
}

/** Shows the jobs. A prexd that does not run has none. */
export async function jobs(options: { json?: boolean | undefined }): Promise<void> {
  const runtime = runtimeDir();
  const socket = join(userDir(runtime, process.getuid?.() ?? 0), "prexd.sock");
  let answer: unknown = null;
  try {
    answer = await askPrexd(socket);
  } catch (error) {
    if (!(error instanceof NoAnswer) || !["ENOENT", "ECONNREFUSED"].includes(error.code)) throw error;
  }
  const guests = await guestSlots(slotsFile(runtime));
  if (options.json) {
    printJson({ prexd: answer, guests });
    return;
  }
  const rows = jobRows(answer);
  if (answer === null) print("No job of yours: prexd is not running (the first job starts it).");
  else if (rows.length === 0) print("No job of yours.");
  else
    print(
      table(
        [">PID", "PROGRAM", "STATE", "HOST", ">AGE"],
        rows.map((job) => [String(job.pid), job.program, job.state, job.host, span(job.ageMs)]),
      ),
    );
  if (guests.length === 0) print("No job of another host runs here.");
  else
    print(
      `\nFor other hosts:\n${table(
        [">SLOT", ">PID"],
        guests.map((guest) => [String(guest.slot), guest.pending ? "starting" : String(guest.pid)]),
      )}`,
    );
}
