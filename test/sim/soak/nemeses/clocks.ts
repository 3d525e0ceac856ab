/** Clocks that are wrong. */
import type { Maker } from "../fault.js";

const wallJumps: Maker = (draw, hosts) => {
  const name = draw.one(hosts);
  const ms = draw.between(-262_000, 262_000) * (draw.chance(0.5) ? 1 : 0.1);
  return {
    what: `the wall clock of ${name} jumps by ${(ms / 1000).toFixed(1)} s`,
    begin: (soak) => {
      const { host } = soak.machine(name);
      soak.timeIsWrong(name);
      host.wallOffset += ms;
      return () => {
        host.wallOffset -= ms;
      };
    },
  };
};

const drift: Maker = (draw, hosts) => {
  const names = draw.some(hosts, 5);
  const rates = names.map(() => draw.between(0.95, 1.05));
  const words = names.map((name, index) => `${name} at ${((rates[index] ?? 1) * 100).toFixed(1)} %`);
  return {
    what: `clocks run at another speed: ${words.join(", ")}`,
    begin: (soak) => {
      const all = names.map((name) => soak.machine(name).host);
      for (const [index, host] of all.entries()) host.drift(rates[index] ?? 1, soak.world.now);
      return () => {
        for (const host of all) host.drift(1, soak.world.now);
      };
    },
  };
};

export const clocks: readonly Maker[] = [wallJumps, drift];
