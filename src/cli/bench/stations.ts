/** From the time stamps of many jobs, one after the other, to what each station of their way took. */

export interface Stamp {
  readonly station: string;
  /** CLOCK_MONOTONIC. */
  readonly ns: number;
}

/** A part of the way: until the first stamp of that name. */
export interface Part {
  readonly until: string;
  readonly words: string;
}

/** Lines of `station ns`; a station may be several words. */
export function parseStamps(text: string): Stamp[] {
  return text.split("\n").flatMap((line) => {
    const at = line.lastIndexOf(" ");
    return at > 0 ? [{ station: line.slice(0, at), ns: Number(line.slice(at + 1)) }] : [];
  });
}

/** All stamps in order, job by job: each begins with `first`. */
export function jobsOf(stamps: readonly Stamp[], first: string): Stamp[][] {
  const jobs: Stamp[][] = [];
  for (const stamp of [...stamps].sort((a, b) => a.ns - b.ns)) {
    if (stamp.station === first) jobs.push([]);
    jobs.at(-1)?.push(stamp);
  }
  return jobs;
}

/** Median of each part over jobs that have all the stations, µs; parts of a job add up to the whole of its way. */
export function medians(jobs: readonly (readonly Stamp[])[], parts: readonly Part[]): number[] {
  const rows = jobs.map((job) => {
    const at = (station: string): number => job.find((one) => one.station === station)?.ns ?? Number.NaN;
    let before = job[0]?.ns ?? Number.NaN;
    return parts.map(({ until }) => {
      const took = (at(until) - before) / 1000;
      before = at(until);
      return took;
    });
  });
  const whole = rows.filter((row) => row.every((us) => !Number.isNaN(us)));
  return parts.map((_, i) => {
    const column = whole.map((row) => row[i] ?? Number.NaN).sort((a, b) => a - b);
    return column[column.length >> 1] ?? Number.NaN;
  });
}
