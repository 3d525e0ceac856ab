/** The cluster's key is rotated, host by host, while everything goes on. */
import { Keyring } from "../../../../src/wire/keyring.js";
import { ByteStation } from "../../station.js";
import type { Maker } from "../fault.js";
import type { Soak } from "../soak.js";

/** The steps of `pants key rotate`: the new key is accepted, then signs, then is the only one. */
const steps = (old: Buffer, next: Buffer) => [[old, next], [next, old], [next]];

const rotation: Maker = (draw, hosts) => {
  const stepMs = draw.between(500, 3000);
  const order = draw.some(hosts, hosts.length);
  return {
    what: `the key is rotated, host by host, a step every ${(stepMs / 1000).toFixed(1)} s`,
    begin: (soak) => {
      const [old] = soak.keys;
      const next = Buffer.alloc(32, (old?.[0] ?? 0) + 1);
      if (soak.rotating || !old) return null;
      soak.rotating = true;
      const rest = [...soak.machines.keys()].filter((host) => !order.includes(host));
      for (const [index, keys] of steps(old, next).entries()) {
        for (const [turn, name] of [...order, ...rest].entries()) {
          // All hosts have taken a step before the first takes the next one, as the command says.
          const at = index * stepMs + (0.9 * stepMs * turn) / soak.machines.size;
          soak.world.at(at, () => giveKeys(soak, name, keys));
        }
      }
      soak.world.at(3 * stepMs, () => {
        soak.rotating = false;
      });
      return null;
    },
  };
};

function giveKeys(soak: Soak, name: string, keys: readonly Buffer[]): void {
  soak.keysOf.set(name, keys);
  soak.keys = keys;
  const { station } = soak.world.host(name);
  if (station instanceof ByteStation) station.codec.useKeys(new Keyring(keys));
}

export const keys: readonly Maker[] = [rotation];
