/** The paper's default policy, for machines whose CPUs alone are simulated. */
import { makePolicy } from "../../src/core/policy/make.js";
import type { Policy } from "../../src/core/policy/policy.js";

export function cpuPolicy(): Policy {
  return makePolicy({ policy: "cpu", cpus: 1, thresholds: {}, ownerCpu: 0, roomMb: null });
}
