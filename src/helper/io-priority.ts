/** The I/O class and level of a stand-in, which its program is to have too. */
import { ioClassShift } from "../io/io-priority.js";
import { native } from "../io/native.js";

/** 0 when nobody has set one, so that it follows the nice value, or when it is not to be known. */
export function ioPriorityOf(pid: number): number {
  const priority = native.ioPriority(pid);
  return priority >> ioClassShift > 0 && priority <= 0xffff ? priority : 0;
}
