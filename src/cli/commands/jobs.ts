/** pants jobs: what runs elsewhere for this user, and here for others. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { askPrexd, NoAnswer } from "../../io/control-client.js";
import { runtimeDir, slotsFile, userDir } from "../../io/paths.js";
import { CommandError, print, printJson } from "./support.js";
import { clean, span, table } from "./table.js";

/** A slot of this host taken by a job of another host. */
export interface Guest {
  readonly slot: number;
  readonly pid: number;
  readonly pending: boolean;
}

const answerSchema = v.object({
  jobs: v.array(
    v.object({
      pid: v.number(),
      program: v.string(),
      host: v.string(),
      state: v.string(),
      ageMs: v.number(),
    }),
  ),
  links: v.array(v.object({ host: v.string(), state: v.string(), jobs: v.number() })),
  leftOut: v.array(v.string()),
});
/** What prexd tells; what a newer one adds is passed over. */
export type PrexdAnswer = v.InferOutput<typeof answerSchema>;

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

async function prexdAnswer(socket: string): Promise<{ whole: unknown; known: PrexdAnswer | null }> {
  try {
    const whole = await askPrexd(socket);
    const known = v.safeParse(answerSchema, whole);
    if (!known.success)
      throw new CommandError(`${socket}: prexd is of another version: let it end, or kill it`);
    return { whole, known: known.output };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    if (["ENOENT", "ECONNREFUSED"].includes(error.code)) return { whole: null, known: null };
    throw new CommandError(`prexd does not answer on ${socket}: ${error.code}`);
  }
}

/** Lines for people. */
export function jobsText(answer: PrexdAnswer | null, guests: readonly Guest[]): string {
  const parts: string[] = [];
  if (answer === null) parts.push("No job of yours: prexd is not running (the first job starts it).");
  else if (answer.jobs.length === 0) parts.push("No job of yours.");
  else
    parts.push(
      table(
        [">PID", "PROGRAM", "STATE", "HOST", ">AGE"],
        answer.jobs.map((job) => [String(job.pid), job.program, job.state, job.host || "-", span(job.ageMs)]),
      ),
    );
  const connections = answer?.links.map((link) => `${link.host} (${link.state}, jobs: ${link.jobs})`) ?? [];
  if (connections.length > 0) parts.push(`Connections: ${clean(connections.join(", "))}`);
  if (answer && answer.leftOut.length > 0)
    parts.push(`Left out for a while, since they failed: ${clean(answer.leftOut.join(", "))}`);
  if (guests.length === 0) parts.push("No job of another host runs here.");
  else
    parts.push(
      `For other hosts:\n${table(
        [">SLOT", ">PID"],
        guests.map((guest) => [String(guest.slot), guest.pending ? "starting" : String(guest.pid)]),
      )}`,
    );
  return parts.join("\n");
}

/** Shows the jobs. A prexd that does not run has none. */
export async function jobs(options: { json?: boolean | undefined }): Promise<void> {
  const runtime = runtimeDir();
  const answer = await prexdAnswer(join(userDir(runtime, process.getuid?.() ?? 0), "prexd.sock"));
  const guests = await guestSlots(slotsFile(runtime));
  if (options.json) printJson({ prexd: answer.whole, guests });
  else print(jobsText(answer.known, guests));
}
