/** A check that cannot fail is a defect: each invariant is broken on purpose, and must be found broken. */
import { expect, test } from "vitest";
import { defaultTuning } from "../../src/core/tuning.js";
import { Executor } from "./soak/executor.js";
import type { Ledger } from "./soak/ledger.js";
import { run } from "./soak/run.js";
import type { Soak, SoakOptions } from "./soak/soak.js";
import type { Invariant } from "./soak/violation.js";

/** A seed without attackers, of a few hosts that have much to do. */
const plainSeed = 10;

function broken(invariant: Invariant, prepare: (soak: Soak) => void, options: SoakOptions = {}): void {
  const outcome = run(plainSeed, options, prepare);
  expect(outcome.ok ? "nothing found" : outcome.failure).toContain(invariant);
}

const ledgerOf = (executor: Executor): Ledger => Reflect.get(executor, "ledger") as Ledger;

test("nothing is found where nothing is broken", () => {
  expect(run(plainSeed).ok).toBe(true);
});

test("an executor that overbooks", () => {
  class Overbooks extends Executor {
    protected override full(): boolean {
      return false;
    }
  }
  broken("slots are never exceeded at an executor", (soak) => {
    for (const machine of soak.machines.values())
      Object.assign(machine, {
        executor: new Overbooks(
          machine.address,
          machine.host.slots,
          ledgerOf(machine.executor),
          () => undefined,
        ),
      });
  });
});

test("a home that starts again what it lost", () => {
  broken("no job starts twice", (soak) => {
    const over = soak.ledger.over.bind(soak.ledger);
    soak.ledger.over = (job, why) => {
      if (why === "its caller knows" && !job.over) soak.machine(job.home).runHere(job, "lost");
      over(job, why);
    };
  });
});

test("a job that starts elsewhere after it fell back", () => {
  broken("no job starts after its local fallback", (soak) => {
    for (const machine of soak.machines.values()) {
      const runHere = machine.runHere.bind(machine);
      machine.runHere = (job, why) => {
        runHere(job, why);
        for (const other of soak.machines.values()) if (other !== machine) other.executor.beside(job);
      };
    }
  });
});

test("a busy host that stays in its group", () => {
  broken("nothing unsolicited reaches a busy host", (soak) => {
    const { afterStep } = soak.world;
    soak.world.afterStep = (host) => {
      host.groups = { ...host.groups, free: true };
      afterStep?.(host);
    };
  });
});

test("a host that writes to a busy one of its own accord", () => {
  broken("nothing unsolicited reaches a busy host", (soak) => {
    const { world } = soak;
    const [from, to] = [...soak.machines.values()];
    const write = (): void => {
      if (!from || !to) return;
      world.step(to.host, { kind: "load", load: { ...to.load, busy: true } });
      world.transmit(from.host, { address: to.address }, Buffer.alloc(80), { type: "resign", epoch: 1 });
      world.at(100, write);
    };
    world.at(533, write);
  });
});

test("a host that acts on what it rejected", () => {
  broken("rejected input changes only counters", (soak) => {
    soak.world.duplicate = 1;
    for (const { host } of soak.machines.values()) {
      const { station } = host;
      const receive = station.receive.bind(station);
      station.receive = (payload, from, over, now, wall) => {
        const taken = receive(payload, from, over, now, wall);
        if (!taken) station.step({ kind: "hosts", client: 9, id: 9 }, now, wall);
        return taken;
      };
    }
  });
});

test("a host that takes what is forged", () => {
  broken("rejected input changes only counters", (soak) => {
    const { world } = soak;
    world.at(1000, () => {
      const [target] = soak.machines.values();
      if (!target) return;
      target.host.station.receive = () => true;
      const way = { from: "nobody", to: target.address, over: "unicast" } as const;
      world.inject({ ...way, payload: Buffer.from("forged"), sent: null }, { address: target.address });
    });
  });
});

test("an epoch that falls", () => {
  broken("the epoch of a host never falls", (soak) => {
    const [machine] = soak.machines.values();
    let epoch = 1_000_000;
    Object.defineProperty(machine?.host.node, "epoch", { get: () => epoch-- });
  });
});

test("a free host in the leader group", () => {
  broken("only a leader or candidate is in the leader group", (soak) => {
    const { afterStep } = soak.world;
    soak.world.afterStep = (host) => {
      host.groups = { ...host.groups, leader: true };
      afterStep?.(host);
    };
  });
});

test("a table without a bound", () => {
  broken("every table is bounded", (soak) => {
    for (const { host } of soak.machines.values()) host.node.tables = () => ({ hosts: [17, 16] });
  });
});

test("a cluster that stays parted", () => {
  broken("one agreed leader after healing", (soak) => {
    soak.network.cuts.add((from, to) => Number(from.slice(1)) % 2 !== Number(to.slice(1)) % 2);
  });
});

test("clients that give nothing back", () => {
  broken("leaked slots come back", (soak) => {
    const { world } = soak;
    const step = world.step.bind(world);
    world.step = (host, event) => {
      if (event.kind !== "release") step(host, event);
    };
  });
});

test("an answer that never comes", () => {
  broken("every request is resolved", (soak) => {
    for (const { host } of soak.machines.values()) {
      const { station } = host;
      const ready = station.ready.bind(station);
      station.ready = () => ready().filter(({ kind }) => kind !== "grant" && kind !== "deny");
    }
  });
});

test("a request that waits long for a leader", () => {
  broken("a request costs little without a leader", () => undefined, {
    tuning: { ...defaultTuning, giveUpMs: 300, retryMs: [20] },
  });
});
