import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { libprex } from "../../src/cli/demo/build.js";
import { ready } from "../../src/cli/demo/ready.js";
import type { Running } from "../../src/lab/host.js";
import { Lab } from "../../src/lab/lab.js";
import { until } from "../../src/lab/wait.js";
import { cluster, missing, pants } from "./cluster.js";
import type { Tried } from "./guest.js";
import { Guest, STATUS } from "./guest.js";

const settings = { slots: { total: 1 }, placement: { patience_ms: 3000 } };
const here = { on: "n1", status: STATUS };

/** The reason that n1 recorded for the last marked program. */
async function lastReason(lab: Lab): Promise<string> {
  const records = (await pants(lab.host("n1"), "why")) as { reason: string; detail: string }[];
  return `${records[0]?.reason ?? ""} ${records[0]?.detail ?? ""}`;
}

describe.skipIf(missing !== "")("a marked program on a full host", () => {
  let guest: Guest;
  let lab: Lab;
  let holder: Running;
  beforeAll(async () => {
    guest = new Guest();
    lab = await cluster({ hosts: 3, cpus: 0.5, settings });
    holder = await guest.fill(lab);
  });
  afterAll(async () => {
    await holder.kill("SIGKILL").catch(() => undefined);
    await lab.down();
    guest.remove();
  });

  /** Tries until the program runs on another host: the first one only starts prexd. */
  const elsewhere = (): Promise<Tried> =>
    until(
      "the program to run on another host",
      async () => {
        const tried = await guest.try(lab);
        expect(tried.status).toBe(STATUS);
        return tried.on === "n1" ? undefined : tried;
      },
      { ms: 30_000, every: 200 },
    );

  it("runs on another host", async () => {
    expect((await elsewhere()).on).toMatch(/^n[23]$/);
  });

  it("runs here with PANTS_DISABLE=1", async () => {
    expect(await guest.try(lab, { PANTS_DISABLE: "1" })).toMatchObject({ ...here, debug: "" });
  });

  it("runs here when pantsd does not move", async () => {
    await elsewhere();
    const [pid = 0] = lab.host("n1").running("pantsd");
    process.kill(pid, "SIGSTOP");
    try {
      const tried = await until("the state to be stale", async () => {
        const one = await guest.try(lab);
        return one.on === "n1" && (await lastReason(lab)).includes("no-daemon") ? one : undefined;
      });
      expect(tried).toMatchObject(here);
      expect(tried.debug).toContain("here:");
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await elsewhere();
  });

  it("runs here without pantsd, and elsewhere again after it is back", async () => {
    for (const pid of lab.host("n1").running("pantsd")) process.kill(pid, "SIGKILL");
    const tried = await until("the program to run here", async () => {
      const one = await guest.try(lab);
      expect(one.status).toBe(STATUS);
      return one.on === "n1" ? one : undefined;
    });
    expect(tried.debug).toContain("here:");
    await lab.host("n1").startDaemon();
    await ready(lab);
    await elsewhere();
  });

  it("runs here when the stand-in is not beside libprex.so", async () => {
    const alone = join(guest.folder, "libprex.so");
    cpSync(libprex, alone);
    expect(await guest.try(lab, { LD_PRELOAD: alone })).toMatchObject(here);
    expect(await lastReason(lab)).toContain("no-standin");
  });

  it("runs here when prexd cannot be started", async () => {
    for (const pid of lab.host("n1").running("prexd")) process.kill(pid, "SIGKILL");
    const release = join(guest.folder, "build", "Release");
    mkdirSync(release, { recursive: true });
    for (const file of ["libprex.so", "prex"]) cpSync(join(libprex, "..", file), join(release, file));
    const tried = await guest.try(lab, { LD_PRELOAD: join(release, "libprex.so") });
    expect(tried).toMatchObject(here);
    expect(await lastReason(lab)).toContain("no-helper");
    await elsewhere();
  });

  it.each([
    [
      "prexd's folder belongs to somebody else",
      "chown 65534 /run/pants/users/0",
      "chown 0 /run/pants/users/0",
    ],
    [
      "the runtime directory cannot be written",
      "mount -t tmpfs -o ro tmpfs /run/pants/users",
      "umount /run/pants/users",
    ],
  ])("runs here when %s", async (_, spoil, mend) => {
    for (const pid of lab.host("n1").running("prexd")) process.kill(pid, "SIGKILL");
    expect((await lab.host("n1").run(["sh", "-c", spoil])).status).toBe(0);
    try {
      expect(await guest.try(lab)).toMatchObject(here);
      expect(await lastReason(lab)).toContain("no-helper");
    } finally {
      await lab.host("n1").run(["sh", "-c", mend]);
    }
    await elsewhere();
  });

  it("skips a host that turns ssh away, and runs here when all do", async () => {
    const kept = new Map(["n2", "n3"].map((name) => [name, join(lab.host(name).folder, "authorized_keys")]));
    const key = readFileSync(kept.get("n2") ?? "", "utf8");
    for (const pid of lab.host("n1").running("prexd")) process.kill(pid, "SIGKILL");
    try {
      rmSync(kept.get("n2") ?? "");
      const one = await elsewhere();
      expect(one.on).toBe("n3");
      for (const pid of lab.host("n1").running("prexd")) process.kill(pid, "SIGKILL");
      rmSync(kept.get("n3") ?? "");
      for (let i = 0; i < 3; i++) {
        const tried = await guest.try(lab);
        expect(tried).toMatchObject(here);
        expect(tried.ms).toBeLessThan(20_000);
      }
    } finally {
      for (const file of kept.values()) writeFileSync(file, key);
    }
  });
});

describe.skipIf(missing !== "")("a host that is not fit", () => {
  let guest: Guest;
  let lab: Lab | undefined;
  beforeAll(() => {
    guest = new Guest();
  });
  afterEach(async () => {
    await lab?.down();
    lab = undefined;
  });
  afterAll(() => guest.remove());

  it("without the shared folder is skipped", async () => {
    const up = await cluster({ hosts: 3, cpus: 0.5, settings, privateDirs: { n2: [guest.folder] } });
    lab = up;
    await guest.fill(up);
    const seen: string[] = [];
    await until(
      "ten runs, some of them elsewhere",
      async () => {
        const tried = await guest.try(up);
        expect(tried.status).toBe(STATUS);
        seen.push(tried.on);
        return seen.length >= 10 && seen.includes("n3");
      },
      { ms: 40_000 },
    );
    expect(seen).not.toContain("n2");
  });

  it("with another key is not heard", async () => {
    const other = join(guest.folder, "key");
    writeFileSync(other, "0".repeat(64), { mode: 0o600 });
    lab = await Lab.up({
      hosts: 2,
      cpus: 0.5,
      settings: (name) => (name === "n2" ? { ...settings, cluster: { key_file: other } } : settings),
    });
    await guest.fill(lab);
    for (let i = 0; i < 5; i++) expect(await guest.try(lab)).toMatchObject(here);
  });
});
