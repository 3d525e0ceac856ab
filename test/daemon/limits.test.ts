/** Limits of a container that change while pantsd runs: slots and measures follow. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cgroupTrouble, makeCgroup, removeCgroups } from "../../src/lab/cgroup.js";
import { TestCluster, until } from "./hosts.js";

const trouble = process.getuid?.() === 0 ? cgroupTrouble(0.5) : "not root";
if (trouble !== undefined) console.warn(`limits that change are not tested: ${trouble}`);

const id = randomBytes(4).toString("hex");
const JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; exec "$@"';
const cluster = new TestCluster();

beforeAll(() => {
  if (trouble === undefined) makeCgroup(id, "host", { cpus: 0.5 });
});
afterAll(async () => {
  await cluster.close();
  if (trouble === undefined) await until("the groups to be gone", () => removeCgroups(id));
});

test.skipIf(trouble !== undefined)(
  "a quota that is raised, lowered and joined by a limit of memory",
  async () => {
    const groups = makeCgroup(id, "host", { cpus: 0.5 });
    const host = cluster.host("a", { slots: 0, by: ["sh", "-c", JOIN, "sh", ...groups, "--"] });
    await host.start();
    const words = (cpus: number, more = ""): string =>
      `control group /pants-lab-${id}/host: ${cpus} CPUs${more}`;
    expect(await host.status()).toMatchObject({ slotsTotal: 1, world: words(0.5) });
    const { pid } = await host.status();
    const follows = (slotsTotal: number, world: string): Promise<boolean> =>
      until(`${slotsTotal} slots, ${world}`, async () => {
        const status = await host.status();
        return (
          status.slotsTotal === slotsTotal &&
          status.world === world &&
          host.state()?.slotsTotal === slotsTotal
        );
      });
    makeCgroup(id, "host", { cpus: 1.5 });
    await follows(2, words(1.5));
    makeCgroup(id, "host", { cpus: 0.25, memoryMb: 512 });
    await follows(1, words(0.25, ", 512 MiB"));
    const { indices, pid: same } = await host.status();
    expect(same).toBe(pid);
    expect(indices.totalMb).toBe(512);
  },
);
