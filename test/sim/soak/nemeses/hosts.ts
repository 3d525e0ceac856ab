/** Hosts that fail, sleep, flap, come and go. */
import { Draw } from "../draw.js";
import type { Maker } from "../fault.js";
import { target } from "../fault.js";

const bootWords = (same: boolean) => (same ? "with the boot id that it had" : "with a new boot id");

const powerCut: Maker = (draw, hosts) => {
  const { name, find } = target(draw, hosts);
  const same = draw.chance(0.3);
  return {
    what: `${name} is without power, and comes back ${bootWords(same)}`,
    begin: (soak) => {
      const machine = soak.machine(find(soak));
      machine.powerOff();
      return () => machine.powerOn(same && soak.keepsTime(machine.address));
    },
  };
};

const pantsdKilled: Maker = (draw, hosts) => {
  const { name, find } = target(draw, hosts);
  return {
    what: `pantsd of ${name} is dead`,
    begin: (soak) => {
      const machine = soak.machine(find(soak));
      machine.pantsdCrash();
      return () => machine.pantsdStart(false);
    },
  };
};

const prexdKilled: Maker = (draw, hosts) => {
  const name = draw.one(hosts);
  return {
    what: `prexd of ${name} dies`,
    begin: (soak) => {
      soak.machine(name).prexdCrash();
      return null;
    },
  };
};

const stopped: Maker = (draw, hosts) => {
  const { name, find } = target(draw, hosts);
  return {
    what: `pantsd of ${name} is stopped by a signal`,
    begin: (soak) => {
      const machine = soak.machine(find(soak));
      machine.stopped = true;
      return () => {
        machine.stopped = false;
      };
    },
  };
};

const suspended: Maker = (draw, hosts) => {
  const { name, find } = target(draw, hosts);
  return {
    what: `${name} is suspended`,
    begin: (soak) => {
      const machine = soak.machine(find(soak));
      machine.suspend();
      return () => machine.wake();
    },
  };
};

const slow: Maker = (draw, hosts) => {
  const { name, find } = target(draw, hosts);
  const ms = draw.magnitude(0.5, 40);
  return {
    what: `${name} takes ${ms.toFixed(1)} ms for each datagram`,
    begin: (soak) => {
      const { host } = soak.machine(find(soak));
      host.lagMs = ms;
      return () => {
        host.lagMs = 0;
      };
    },
  };
};

const busy: Maker = (draw, hosts) => {
  const names = draw.some(hosts, hosts.length);
  return {
    what: `${names.join(" ")} ${names.length === 1 ? "is" : "are"} busy`,
    begin: (soak) => {
      for (const name of names) soak.machine(name).background = 100;
      return () => {
        for (const name of names) soak.machine(name).background = 0;
      };
    },
  };
};

const flapping: Maker = (draw, hosts) => {
  const names = draw.some(hosts, 4);
  const meanMs = draw.magnitude(60, 1500);
  const seed = draw.seed();
  return {
    what: `load of ${names.join(" ")} comes and goes every ${meanMs.toFixed(0)} ms or so`,
    begin: (soak) => {
      const live = new Draw(seed);
      let on = true;
      for (const name of names) {
        const flip = (): void => {
          if (!on) return;
          soak.machine(name).background = live.chance(0.5) ? 100 : 0;
          soak.world.at(2 * meanMs * live.next(), flip);
        };
        flip();
      }
      return () => {
        on = false;
        for (const name of names) soak.machine(name).background = 0;
      };
    },
  };
};

const exodus: Maker = (draw, hosts) => {
  const names = draw.some(hosts, hosts.length);
  const politely = draw.chance(0.5);
  return {
    what: `${names.join(" ")} leave at once, ${politely ? "and say so" : "and say nothing"}, then join at once`,
    begin: (soak) => {
      for (const name of names) {
        const machine = soak.machine(name);
        if (politely) soak.world.step(machine.host, { kind: "stop" });
        machine.powerOff();
      }
      return () => {
        for (const name of names) soak.machine(name).powerOn(false);
      };
    },
  };
};

export const hosts: readonly Maker[] = [
  powerCut,
  powerCut,
  pantsdKilled,
  prexdKilled,
  stopped,
  suspended,
  slow,
  busy,
  flapping,
  exodus,
];
