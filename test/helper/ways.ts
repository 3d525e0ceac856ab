/** A script three ways: without the shim, with it on an idle host, and with it on a busy one that sends programs away. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { encodeState, Where, Why } from "../../src/io/layout.js";
import { native, type WhyRecord } from "../../src/io/native.js";
import { Bed, type Ended } from "./bed.js";

const shim = join(import.meta.dirname, "..", "..", "build", "Release", "libprex.so");
const MIGRATABLE = 0x01000000;
const JOBS = 16;

export class Ways extends Bed {
  /** `$P COMMAND...` in a script: COMMAND by a marked program, which short runs of it do not keep here. */
  private readonly launcher = this.marked("/usr/bin/env", MIGRATABLE);

  /** A host called far is there, and its link is up. */
  async ready(): Promise<void> {
    await this.grant("far", JOBS);
    await this.on("far", "true");
  }

  /** This host is over a threshold, or idle, from now on. */
  state(busy: boolean): void {
    const writtenNs = native.bootTimeNs();
    const index = { index: 1, indexValue: 9900, indexThreshold: 8000, availableMb: 0, place: 0 };
    const record = {
      seq: 2,
      intervalMs: 3_600_000,
      writtenNs,
      busy,
      remote: true,
      sleeping: 0,
      slotsTotal: 64,
    };
    writeFileSync(
      join(this.runtime, "state"),
      encodeState({ ...record, ...index, remoteAfterNs: 0n, pid: 1 }),
    );
  }

  /** The latest decisions, newest first. */
  decisions(count = 500): (WhyRecord & { readonly seq: number })[] {
    native.tableOpen(join(this.runtime, "slots"), 0, 0);
    const records = native.whyRead(count);
    native.tableClose();
    return records;
  }

  /** A script under the shim. */
  shimmed(script: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const assignments = Object.entries({ LD_PRELOAD: shim, ...env }).map(
      ([name, value]) => `${name}=${value}`,
    );
    const words = [`P=${this.launcher}`, ...assignments, "/bin/bash", "-c", script];
    return this.finish(this.start(["/usr/bin/env", ...words]));
  }

  /**
   * Runs a script without the shim, with it and local, and with it and migrated, and wants all alike.
   * @param jobs - programs that must have run elsewhere the third time
   * @returns what all of them gave
   */
  async same(script: string, jobs = 1): Promise<Ended> {
    const plain = await this.finish(
      this.start(["/usr/bin/env", `P=${this.launcher}`, "/bin/bash", "-c", script]),
    );
    this.state(false);
    expect(await this.shimmed(script), "with the shim, local").toEqual(plain);
    this.state(true);
    const [before] = this.decisions(1);
    const always = { P: `/usr/bin/env PANTS_POLICY=always /usr/bin/env ${this.launcher}` };
    expect(await this.shimmed(script, always), "with the shim, migrated").toEqual(plain);
    const since = this.decisions().filter(({ seq }) => seq > (before?.seq ?? 0));
    const made = since.filter(({ reason }) => reason !== Why.GUEST);
    const here = made.filter(({ where }) => where !== Where.REMOTE);
    expect(here.map(({ program, detail }) => `${program} ran here: ${detail}`)).toEqual([]);
    expect(made, "programs that ran elsewhere").toHaveLength(jobs);
    return plain;
  }
}
