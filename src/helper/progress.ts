/** How far a job got before its link or its prexd was lost, as the stand-in keeps it for us. */

export interface Progress {
  /** Bytes of stdin that were taken from the caller. */
  readonly taken: number;
  /** Bytes delivered, by descriptor. */
  readonly delivered: readonly number[];
}

/** After so many changes a job's progress is told no more, and it cannot be repeated by another prexd. */
export const REPEATS_MAX = 16;

/** A lost run that the stand-in names in `after`. */
export interface After {
  readonly host: string;
  readonly link: string;
  /** Undefined: not known. */
  readonly progress: Progress | undefined;
}

/** `HOST LINK`, then `TAKEN OUT ERR` in bytes, or `-` when that is not known. */
export function afterString(host: string, link: string, progress: Progress | undefined): string {
  const rest = progress === undefined ? "-" : [progress.taken, ...progress.delivered.slice(1)].join(" ");
  return `${host} ${link} ${rest}`;
}

/** Null: not what `afterString` or a first STARTED says. */
export function parseAfter(text: string): After | null {
  const match = /^(\S+) ([0-9a-f]{1,64})(?: (?:(-)|(\d{1,15}) (\d{1,15}) (\d{1,15})))?$/.exec(text);
  if (match === null) return null;
  const [, host = "", link = "", unknown, taken, out, err] = match;
  if (unknown !== undefined) return { host, link, progress: undefined };
  const delivered = [0, Number(out ?? 0), Number(err ?? 0)];
  return { host, link, progress: { taken: Number(taken ?? 0), delivered } };
}
