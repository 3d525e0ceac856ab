/** Owner first: a host whose owner starts a load lends nothing more; its own programs run there, and jobs there go on. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prex } from "../../src/cli/demo/build.js";
import { statusOf } from "../../src/cli/demo/ready.js";
import type { LoadEntry } from "../../src/io/load-record.js";
import type { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { cluster, FREE_GROUP, joined, missing, pants } from "./cluster.js";
import { Guest } from "./guest.js";

/** Percent of n1's CPUs: less than the one CPU that its owner's program takes, and too little to be busy. */
const OWNER_CPU = 30;

describe.skipIf(missing !== "" || cpus().length < 2)("a host that runs a job for another", () => {
  let lab: Lab;
  let guest: Guest;
  beforeAll(async () => {
    guest = new Guest();
    lab = await cluster({ hosts: 2, cpus: 2, settings: { load: { policy: "cpu", owner_cpu: OWNER_CPU } } });
  });
  afterAll(async () => {
    await lab.down();
    guest.remove();
  });

  it("lends nothing from the interval on in which its owner starts a load, and goes on with the job", async () => {
    const [n1, n2] = [lab.host("n1"), lab.host("n2")];
    const ending = join(guest.folder, "end");
    const wait = `read name </proc/sys/kernel/hostname; while [ ! -e ${ending} ]; do sleep 0.1; done; echo $name`;
    const job = n2.start([prex, "--on", "n1", "/bin/sh", "-c", wait], { cwd: guest.folder });
    await until("the job to run on n1", async () => (await statusOf(n1))?.slotsTaken === 1, { ms: 20_000 });
    await until("n1 to lend", () => joined(n1, FREE_GROUP), { ms: 20_000 });

    const began = Date.now();
    const owner = n1.start(["/bin/sh", "-c", "while :; do :; done"]);
    const status = await until("n1 to lend nothing", async () => {
      const now = await statusOf(n1);
      return now && !now.lends ? now : false;
    });
    expect(status).toMatchObject({ busy: false, slotsTaken: 1 });
    expect(status.why).toMatch(/^owner: \d+ % of the CPUs \(threshold 30 % of the CPUs\)$/);
    await until("n1 to leave the free group", () => !joined(n1, FREE_GROUP));

    // Its own programs run here as ever, in the slot that is left.
    const tried = await guest.try(lab);
    expect(tried).toMatchObject({ on: "n1", status: 42 });
    expect(tried.debug).toContain("here: ");

    // Of the intervals on record none that the owner's own work filled lends, the first one neither.
    const record = (await pants(n1, "log", "--since", new Date(began).toISOString())) as LoadEntry[];
    const own = ({ sample }: LoadEntry) => (sample.cpu ?? 0) - (sample.guestsCpu ?? 0);
    const first = record.findIndex((entry) => own(entry) >= OWNER_CPU);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(record.slice(first).map(({ busy, lends }) => [busy, lends])).not.toContainEqual([false, true]);
    expect(record[first]).toMatchObject({ busy: false, lends: false, cause: "owner" });

    writeFileSync(ending, "");
    expect(await job.done).toMatchObject({ status: 0, stdout: "n1\n", stderr: "" });
    await owner.kill("SIGKILL");
    await until("n1 to lend again", () => joined(n1, FREE_GROUP), { ms: 20_000 });
  });
});
