/** An hour's worth of samples back to back, as pantsd takes them: what they cost, and whether anything stays. Run with --expose-gc. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { makePolicy } from "../../core/policy/make.js";
import { entryOf, LoadLog } from "../../daemon/load-log.js";
import { LoadWatch } from "../../daemon/load-watch.js";
import { monotonicMs } from "../../io/clock.js";
import { loadSettings, parseConfig } from "../../io/config.js";
import { Sampler } from "../../io/indices/sampler.js";
import { loadFile } from "../../io/load-record.js";

export interface Cost {
  readonly world: string;
  readonly samples: number;
  /** CPU time of one, µs. */
  readonly userUs: number;
  readonly systemUs: number;
  /** By how much they grew from the first collection to the last, bytes. */
  readonly heapGrown: number;
  readonly externalGrown: number;
}

/** Until everything is compiled as it will stay. */
const WARM_UP = 3600;

/** @param samples - how many are measured, after some that are not */
export function cost(samples: number): Cost {
  const collect = globalThis.gc;
  if (!collect) throw new Error("node --expose-gc is needed");
  const folder = mkdtempSync(join(tmpdir(), "pants-cost-"));
  const log = new LoadLog(loadFile(folder), pino({ level: "silent" }));
  try {
    // A clock of its own: a second goes by from one to the next.
    let now = monotonicMs();
    const sampler = new Sampler({ now: () => now });
    const settings = loadSettings(parseConfig("", ""), sampler.world.cpus);
    const source = {
      sample: () => sampler.sample(),
      cpuSoFar: () => sampler.cpuSoFar(),
      slots: () => ({ taken: 0, guests: 0 }),
    };
    const watch = new LoadWatch(source, makePolicy(settings), { intervalMs: 1000, slotsTotal: 2 }, now);
    const one = (): void => {
      now += 1000;
      watch.tick(now, false);
      const entry = entryOf(watch, "free", now);
      if (entry) log.append(entry, now);
    };
    for (let n = 0; n < WARM_UP; n += 1) one();
    collect();
    const before = process.memoryUsage();
    const used = process.cpuUsage();
    for (let n = 0; n < samples; n += 1) one();
    const { user, system } = process.cpuUsage(used);
    collect();
    const after = process.memoryUsage();
    return {
      world: sampler.world.words,
      samples,
      userUs: user / samples,
      systemUs: system / samples,
      heapGrown: after.heapUsed - before.heapUsed,
      externalGrown: after.external - before.external,
    };
  } finally {
    log.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(cost(Number(process.argv[2] ?? "3600"))));
