/** Lines of the control protocol, checked: what a client sends is never trusted. */
import * as v from "valibot";
import type { ControlRequest } from "../wire/control.js";

const id = v.pipe(v.number(), v.safeInteger());
const name = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._][A-Za-z0-9._-]{0,62}$/));
const leaseId = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/));

const schema = v.variant("t", [
  v.object({
    t: v.literal("request"),
    id,
    count: v.pipe(v.number(), v.integer(), v.minValue(1)),
    compat: name,
    exclude: v.pipe(v.array(name), v.maxLength(256)),
    wanted: v.optional(
      v.object({
        io: v.boolean(),
        memoryMb: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff)),
        prefer: v.pipe(v.array(name), v.maxLength(64)),
      }),
    ),
  }),
  v.object({ t: v.literal("release"), leases: v.pipe(v.array(leaseId), v.maxLength(4096)) }),
  v.object({
    t: v.literal("outcome"),
    host: name,
    ok: v.boolean(),
    why: v.pipe(v.string(), v.maxLength(1000)),
  }),
  v.object({ t: v.literal("slots") }),
  v.object({ t: v.literal("reload"), id }),
  v.object({ t: v.literal("status"), id }),
  v.object({ t: v.literal("hosts"), id }),
]);

/** The request, or why it is none, with the id to answer to (0 if it has none). */
export function parseRequest(value: unknown): ControlRequest | { id: number; problem: string } {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const given = v.safeParse(v.object({ id }), value);
  const [issue] = result.issues;
  const key = issue.path?.map((part) => String(part.key)).join(".") ?? "";
  return {
    id: given.success ? given.output.id : 0,
    problem: key ? `${key}: ${issue.message}` : issue.message,
  };
}
