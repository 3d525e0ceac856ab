/** What must be true again when nothing is wrong any more, and how soon. */
import { defaultTuning, refreshFor } from "../../../src/core/tuning.js";
import { timeWindowMs } from "../../../src/wire/dates.js";
import { joinMs } from "../../../src/wire/seeds.js";
import type { Machine } from "./machine.js";
import type { Soak } from "./soak.js";
import { Violation } from "./violation.js";

const agreeMs = 5000;
/** Without multicast need is found by two probes that are missed, 3 s apart, before anything else. */
const findSeedsMs = 7000;
/** A host that restarted as its clock was set back is not heard until that has caught up; further off it was not heard before. */
const catchUpMs = timeWindowMs;
/** Jobs, patience of those that wait, links that are given up. */
const finishMs = 20_000;

export function checkHealed(soak: Soak): void {
  const { scenario, world, ledger } = soak;
  const lossless = soak.network.worsen("loss", scenario.lossAfter);
  const clocksMs = soak.timeWasRight ? 0 : catchUpMs;
  const seedsMs = scenario.seeds.length > 0 ? findSeedsMs : 0;
  const limitMs = agreeMs + seedsMs + clocksMs;
  if (!soak.passUntil(() => agreed(soak), limitMs))
    throw new Violation("one agreed leader after healing", views(soak));

  soak.working = false;
  const machines = [...soak.machines.values()];
  if (!soak.passUntil(() => ledger.open.size === 0 && machines.every(({ idle }) => idle), finishMs)) {
    const stories = [...ledger.open.values()].map((job) => ledger.story(job));
    throw new Violation("every request is resolved", stories.join("; ") || "a lease is never given back");
  }

  // What a slow host has yet to read, it reads at its old pace: requests and renewals among it.
  soak.passUntil(() => machines.every(({ host }) => host.workUntil <= world.now), finishMs);
  lossless();
  // A RENEW that a RELEASE has overtaken starts a lease anew; leases are swept when the leader wakes to advertise.
  const leakMs = defaultTuning.leaseMs + defaultTuning.advertMs + 500;
  const granted = () => machines.filter(({ host }) => host.node.leasesGranted + host.node.leasesHeld > 0);
  if (!soak.passUntil(() => granted().length === 0, leakMs)) {
    const words = granted().map(
      ({ address, host }) => `${address} ${host.node.leasesGranted} granted, ${host.node.leasesHeld} held`,
    );
    throw new Violation("leaked slots come back", words.join(", "));
  }
  const refreshMs = 1.1 * refreshFor(machines.length, defaultTuning);
  // A seed that restarted, or was cut off, passes on again what it is sent once it has been joined again.
  const rejoinMs = scenario.seeds.length > 0 ? joinMs : 0;
  let said = "";
  const right = () => {
    said = wrongRows(soak);
    return said === "";
  };
  if (!soak.passUntil(right, Math.max(refreshMs + rejoinMs, leakMs) + clocksMs + 500, 250))
    throw new Violation("leaked slots come back", said);
  // A host that turned free just now has yet to hear who leads.
  if (!soak.passUntil(() => agreed(soak), 1000))
    throw new Violation("one agreed leader after healing", `later, at ${world.now}: ${views(soak)}`);
}

function agreed(soak: Soak): boolean {
  const [leader, ...others] = soak.leaders();
  if (!leader || others.length > 0) return false;
  const { name, node } = leader.host;
  return takingPart(soak).every(({ host }) => host.node.leader === name && host.node.epoch === node.epoch);
}

function takingPart(soak: Soak): Machine[] {
  return [...soak.machines.values()].filter(({ host }) => host.alive && host.node.role !== "busy");
}

function views(soak: Soak): string {
  return takingPart(soak)
    .map(
      ({ address, host }) =>
        `${address} ${host.node.role} of epoch ${host.node.epoch}, leader ${host.node.leader || "unknown"}`,
    )
    .join("; ");
}

/** What is wrong about the leader's table; empty when nothing is. */
function wrongRows(soak: Soak): string {
  const [leader] = soak.leaders();
  if (!leader) return "no leader";
  const { host } = leader;
  soak.world.step(host, { kind: "hosts", client: 0, id: 0 });
  const answer = host.answers.findLast(({ kind }) => kind === "hosts");
  if (answer?.kind !== "hosts") return "the leader does not show its table";
  const rows = new Map(answer.rows.map((row) => [row.host, row.free]));
  const expected = new Map(takingPart(soak).map((machine) => [machine.host.name, machine.host.slots]));
  for (const [name, slots] of expected) {
    // The table is shown in part when it is long.
    if (expected.size > defaultTuning.rowsMax && !rows.has(name)) continue;
    if (rows.get(name) !== slots)
      return `${name} offers ${rows.get(name) ?? "nothing"} of ${slots} at ${leader.address}`;
  }
  return "";
}
