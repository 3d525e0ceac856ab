/** pants why: what was decided about the last marked programs, and the reason. */
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { basename } from "node:path";
import { getSystemErrorName } from "node:util";
import { indexName, WHY_CAPACITY, Where, Why, whyWords } from "../../io/layout.js";
import type { WhyRecord } from "../../io/native.js";
import { runtimeDir, slotsFile } from "../../io/paths.js";
import { CommandError, print, printJson, UsageError } from "./support.js";
import { span, table } from "./table.js";

/** A decision as the ring holds it. */
export type Decision = WhyRecord & { readonly seq: number; readonly timeNs: bigint };

const NO_STATUS = -1;
/** Words for programs: `remote-busy`, by number. */
const reasonKeys = new Map<number, string>(
  Object.entries(Why).map(([key, number]) => [number, key.toLowerCase().replaceAll("_", "-")]),
);

/** Why a program ran where it ran, in words. */
export function reasonWords(decision: WhyRecord): string {
  let words = whyWords(decision.reason) || "no reason given";
  const index = indexName(decision.index);
  if (decision.reason === Why.REMOTE_BUSY && index !== "" && decision.detail === "")
    words += `: ${index} over its threshold`;
  if (decision.detail.startsWith(words)) return decision.detail;
  return decision.detail === "" ? words : `${words} (${decision.detail})`;
}

/** How a program ended, from a raw wait status: `0`, `2`, `SIGSEGV`; empty when unknown. */
export function statusWords(status: number): string {
  if (status === NO_STATUS) return "";
  const signal = status & 0x7f;
  if (signal === 0) return String((status >> 8) & 0xff);
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `signal ${signal}`;
}

/** Rows for people, newest first. */
export function whyTable(decisions: readonly Decision[], nowNs: bigint): string {
  return table(
    [">AGE", ">PID", "PROGRAM", "RAN", "WHY", ">TOOK", "STATUS"],
    decisions.map((one) => [
      span(Number(nowNs - one.timeNs) / 1e6),
      String(one.pid),
      basename(one.program) || one.program,
      one.where === Where.HERE ? "here" : one.host,
      reasonWords(one),
      one.where === Where.HERE ? "" : span(one.durationMs),
      statusWords(one.status),
    ]),
  );
}

/** The same for programs. */
export function whyJson(decisions: readonly Decision[], nowNs: bigint): object[] {
  return decisions.map((one) => ({
    seq: one.seq,
    ageMs: Number((nowNs - one.timeNs) / 1_000_000n),
    pid: one.pid,
    uid: one.uid,
    program: one.program,
    where: one.where === Where.HERE ? "here" : "remote",
    host: one.host,
    reason: reasonKeys.get(one.reason) ?? String(one.reason),
    index: indexName(one.index),
    detail: one.detail,
    why: reasonWords(one),
    durationMs: one.where === Where.HERE ? null : one.durationMs,
    status: one.status === NO_STATUS ? null : one.status,
  }));
}

/** Shows the newest `count` decisions, of one program when it is named (by path or by its last part). */
export async function why(options: {
  n: number;
  program?: string | undefined;
  json?: boolean | undefined;
}): Promise<void> {
  if (!Number.isInteger(options.n) || options.n < 1)
    throw new UsageError("-n: say how many decisions, 1 or more");
  const path = slotsFile(runtimeDir());
  if (!existsSync(path))
    throw new CommandError(`no decisions: ${path} does not exist (pantsd makes it; see 'pants status')`);
  const { native } = await import("../../io/native.js");
  const opened = native.tableOpen(path, 0, 0);
  if (opened < 0) throw new CommandError(`${path}: cannot be used: ${getSystemErrorName(opened)}`);
  const wanted = options.program;
  const decisions = native
    .whyRead(WHY_CAPACITY)
    .filter(({ program }) => wanted === undefined || program === wanted || basename(program) === wanted)
    .slice(0, options.n);
  const now = native.bootTimeNs();
  native.tableClose();
  if (options.json) printJson(whyJson(decisions, now));
  else if (decisions.length > 0) print(whyTable(decisions, now));
  else
    print(
      wanted === undefined ? "No marked program has run yet." : `No decision about ${wanted} is on record.`,
    );
}
