/** Where no other host can help, a marked program does not wait for those that run. */
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { cluster, missing } from "./cluster.js";
import { Guest, STATUS, type Tried } from "./guest.js";

/** Nothing ends, and nobody's patience either. */
const patience = { placement: { patience_ms: 600_000 } };

describe.skipIf(missing !== "")("a program that no other host can help", { timeout: 90_000 }, () => {
  const guest = new Guest();
  const hidden = new Guest();
  let lab: Lab | undefined;
  afterEach(async () => {
    await lab?.down();
    lab = undefined;
  });
  afterAll(() => {
    guest.remove();
    hidden.remove();
  });

  /** Programs of n1 sleep until one of them does so on n2; before, they have taken all slots of n1. */
  const fill = (up: Lab): Promise<true> =>
    until(
      "one to sleep on n2",
      () => {
        if (
          up
            .host("n2")
            .processes()
            .some(({ argv }) => argv[0] === guest.sleep)
        )
          return true;
        guest.sleeps(up);
        return undefined;
      },
      { ms: 30_000, every: 1000 },
    );
  /** What `debug` says, in one of the next tries. */
  const says = (up: Lab, program: Guest, words: string): Promise<Tried> =>
    until(
      words,
      async () => {
        const tried = await program.try(up);
        expect(tried).toMatchObject({ on: "n1", status: STATUS });
        return tried.debug.includes(words) ? tried : undefined;
      },
      { ms: 60_000, every: 200 },
    );

  it("runs here though others of the same user run there, when the only other host refuses it", async () => {
    const up = await cluster({
      hosts: 2,
      cpus: 0.5,
      settings: { ...patience, slots: { total: 2, beside: 4 } },
      privateDirs: { n2: [hidden.folder] },
    });
    lab = up;
    await fill(up);
    const { debug } = await says(up, hidden, "is not there");
    expect(debug).toContain("here: refused: program");
    // And what the other host said is remembered.
    await says(up, hidden, "is not there");
  });

  it("runs here when every place is taken by programs that only wait", async () => {
    const up = await cluster({ hosts: 2, cpus: 0.5, settings: { ...patience, slots: { total: 1 } } });
    lab = up;
    await fill(up);
    await says(up, guest, "a slot is free here");
  });
});
