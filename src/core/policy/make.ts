/** The policy that a configuration asks for. */
import { AdaptivePolicy } from "./adaptive.js";
import { CpuPolicy } from "./cpu.js";
import { MultiPolicy } from "./multi.js";
import { OwnerFirst } from "./owner.js";
import type { Policy } from "./policy.js";
import { cpuJudged, type LoadSettings } from "./settings.js";

/** @param learned - what `learned` of an earlier one gave; anything else is as good as nothing */
export function makePolicy(settings: LoadSettings, learned?: unknown): Policy {
  const policy = plain(settings, learned);
  const owner = settings.ownerCpu > 0 && cpuJudged(settings.thresholds.cpu ?? 0);
  return owner ? new OwnerFirst(policy, settings.ownerCpu) : policy;
}

function plain(settings: LoadSettings, learned: unknown): Policy {
  if (settings.policy === "cpu") return new CpuPolicy(settings);
  if (settings.policy === "multi") return new MultiPolicy(settings);
  return new AdaptivePolicy(settings, learned);
}
