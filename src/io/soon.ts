/**
 * Looking again after a moment that is shorter than Node's timers know. Where much flows through a pipe, whoever looks at
 * each change is woken for every few KiB; who waits a moment finds them together.
 */
import { EDGE, IN, native } from "./native.js";

const MOMENT_US = 400;
const waiting = new Set<() => void>();
let timer = -1;
let armed = false;

/** Calls `act` once after a moment, with all others that wait for it. */
export function soon(act: () => void): void {
  waiting.add(act);
  if (armed) return;
  if (timer < 0) {
    timer = native.timer();
    native.watch(timer, IN | EDGE, fire);
  }
  armed = native.arm(timer, MOMENT_US) === 0;
  if (!armed) setImmediate(fire);
}

/** Does not call it after all. */
export function notSoon(act: () => void): void {
  waiting.delete(act);
}

function fire(): void {
  armed = false;
  // One that asks again is served the next time; one that another calls off meanwhile is not served at all.
  for (let left = waiting.size; left > 0; left--) {
    const [act] = waiting;
    if (act === undefined) break;
    waiting.delete(act);
    act();
  }
}
