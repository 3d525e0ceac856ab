/** Verdicts in words. */
import { causeUnits, type Finding } from "./policy.js";

/** `cpu: 97 % (threshold 95 %)`. */
export function causeWords({ what, value, threshold }: Finding): string {
  const unit = causeUnits[what];
  return `${what}: ${short(value)} ${unit} (threshold ${short(threshold)} ${unit})`;
}

/** Three digits or more, as many as say something. */
function short(value: number): string {
  return value >= 10 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}
