/** I/O classes and levels as the kernel has them: the class above 13 bits of level (linux/ioprio.h). */

export const ioClassShift = 13;
const bestEffort = 2;
const idle = 3;

/** `as-is` (0: whatever it was), `idle`, or `best-effort:0` to `best-effort:7`; null: none of them. */
export function parseIoPriority(text: string): number | null {
  if (text === "as-is") return 0;
  if (text === "idle") return idle << ioClassShift;
  const level = /^best-effort:([0-7])$/.exec(text)?.[1];
  return level === undefined ? null : (bestEffort << ioClassShift) | Number(level);
}
