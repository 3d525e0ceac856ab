/** When V8 optimises our code, and cleans up behind it. */
import { setFlagsFromString } from "node:v8";

/** Bytes of a function's bytecode that have run before; V8's own figure is 67,584. */
const AFTER = 1_000_000;
/** The last V8 with such a flag, that of Node 20 and 21; newer ones complain of it on stderr. */
const LAST_MAJOR = 11;

/**
 * Much of prexd runs a few times for each job: a build of hundreds of jobs is over before optimising that has paid, at the
 * cost of the very host that is busy. With this the first 600 jobs cost a tenth less CPU time, and so do the first 3,000.
 * A pantsd whose host is busy runs its code once a second: compiling that costs more in the first minutes than it saves in
 * an hour; a leader's under load is soon hot.
 */
export function optimiseLate(): void {
  if (Number.parseInt(process.versions.v8, 10) <= LAST_MAJOR)
    setFlagsFromString(`--interrupt-budget=${AFTER}`);
}

/**
 * V8 begins to collect all garbage, step by step, whenever a process has become quiet: three times in the first minute of a
 * pantsd, some 30 ms of CPU time each, to save 3 MB. Without steps it does so once there is much, all at once.
 */
export function collectInOne(): void {
  setFlagsFromString("--no-incremental-marking");
}
