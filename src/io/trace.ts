/** Time stamps of a job's stations, for benches: appended to the file that PANTS_TRACE names. Without it nothing is gathered. */
import { appendFileSync } from "node:fs";

const FLUSH_MS = 100;
const file = process.env["PANTS_TRACE"] ?? "";
let lines = "";

/** Notes that a job has come to a station, on CLOCK_MONOTONIC; undefined: nobody wants to know. */
export const trace =
  file === ""
    ? undefined
    : (station: string): void => void (lines += `${station} ${process.hrtime.bigint()}\n`);

if (trace !== undefined)
  setInterval(() => {
    if (lines !== "") appendFileSync(file, lines);
    lines = "";
  }, FLUSH_MS).unref();
