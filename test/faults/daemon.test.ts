/**
 * pantsd killed or stopped, at home and on the far host, and a cable pulled, at every moment of a job on real hosts.
 * `make faults` prints it as a table, too.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ready } from "../../src/cli/demo/ready.js";
import type { Settings } from "../../src/lab/files.js";
import { Lab } from "../../src/lab/lab.js";
import { missing } from "../cluster/cluster.js";
import { type DaemonCell, type DaemonSeen, OF, playDaemon, wrongDaemon } from "./daemon.js";
import { MOMENTS } from "./matrix.js";

const wanted = process.env["FAULTS"] === "all";

describe.skipIf(missing !== "")("faults of pantsd and of the cable", () => {
  let lab: Lab;
  beforeAll(async () => {
    // n1 and n2 are a cluster; of the others each loses its cable once, under a job that names it.
    const settings = (host: string): Settings => ({
      placement: { short_ms: 0 },
      load: { policy: "cpu", cpu: 100 },
      slots: { total: 4 },
      ...(/^n[12]$/.test(host) ? {} : { cluster: { name: "others" } }),
    });
    lab = await Lab.up({ hosts: 6, settings });
    await ready({ hosts: lab.hosts.slice(0, 2) });
  });
  afterAll(() => lab.down());

  const faults: string[] = [];
  const table: string[] = [];
  async function row(of: DaemonCell["of"], fault: DaemonCell["fault"], together: boolean): Promise<void> {
    const cells = MOMENTS.map((moment): DaemonCell => ({ of, fault, moment }));
    const play = (cell: DaemonCell, far: string): Promise<DaemonSeen | string> =>
      playDaemon(lab, lab.host(far), cell).catch(String);
    const seen: (DaemonSeen | string)[] = [];
    if (together) seen.push(...(await Promise.all(cells.map((cell, i) => play(cell, `n${3 + i}`)))));
    else for (const cell of cells) seen.push(await play(cell, "n2"));
    const texts = seen.map((one) =>
      typeof one === "string"
        ? one
        : `${one.end}${one.end === "SIGKILL" ? ", a line" : ""}; ${one.runs} ${one.on}; ${one.seconds.toFixed(1)} s`,
    );
    table.push(`| ${fault} ${of} | ${texts.join(" | ")} |`);
    cells.forEach((cell, i) => {
      const one = seen[i] ?? "not played";
      const why = typeof one === "string" ? one : wrongDaemon(cell, one);
      if (why !== "") faults.push(`${fault} ${of} ${cell.moment}: ${why}`);
    });
  }

  it("end as they should", { timeout: 280_000 }, async () => {
    for (const of of OF) {
      if (of === "cable") await row(of, "cut", true);
      else for (const fault of ["kill", "stop"] as const) await row(of, fault, false);
    }
    if (wanted) console.log(`| | ${MOMENTS.join(" | ")} |\n|---|---|---|---|---|\n${table.join("\n")}`);
    expect(faults).toEqual([]);
  });
});
