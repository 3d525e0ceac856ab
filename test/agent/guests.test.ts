/** Owner first: a job of another host runs at the nice value and in the I/O class that this host's configuration says. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/io/config.js";
import { until } from "../../src/lab/wait.js";
import { Bed } from "../helper/bed.js";

const SHOW = "nice; ionice -p $$";
const autogroup = "/proc/self/autogroup";

describe("a job of another host", () => {
  let bed: Bed;
  let config = "";
  let niceHere = 0;
  beforeAll(async () => {
    bed = new Bed();
    config = join(bed.directory, "pants.toml");
    bed.env["PANTS_CONFIG"] = config;
    niceHere = Number((await bed.shell("nice")).stdout);
  });
  afterAll(() => bed.end());

  /** Its nice value, beside that of this test, and its I/O class, when it is started like this. */
  const run = async (before = ""): Promise<[number, string]> => {
    const { stdout } = await bed.shell(`${before} $PREX --on far /bin/sh -c '${SHOW}'`);
    const [nice = "", io = ""] = stdout.split("\n");
    return [Number(nice) - niceHere, io];
  };

  it("has what it has at home, as long as nothing is said", async () => {
    const [nice, io] = await run();
    expect([nice, io]).toEqual([0, (await bed.shell("ionice -p $$")).stdout.trim()]);
    expect(await run("ionice -c 2 -n 6 nice -n 3")).toEqual([3, "best-effort: prio 6"]);
    expect(await run("ionice -c 3")).toEqual([0, "idle"]);
  });

  it("gets what the configuration says from its next start on, added to its own", async () => {
    writeFileSync(config, '[guests]\nnice = 4\nio = "idle"\n');
    // The first that finds such a file has it looked into, and does not wait for it.
    await until("the file to be in force", async () => (await run())[0] === 4);
    expect(await run()).toEqual([4, "idle"]);
    expect(await run("ionice -c 2 -n 6 nice -n 3")).toEqual([7, "idle"]);
    writeFileSync(config, '[guests]\nnice = 19\nio = "best-effort:7"\n');
    expect(await run("nice -n 3")).toEqual([19 - niceHere, "best-effort: prio 7"]);
  });

  it.runIf(existsSync(autogroup))(
    "has its session lowered too, where sessions share the CPUs out",
    async () => {
      writeFileSync(config, "[guests]\nnice = 6\n");
      const ended = bed.on("far", "while [ ! -e go ]; do sleep 0.02; done");
      await until("the job's session to be lowered", () =>
        bed
          .processes("! -e go")
          .some((pid) => readFileSync(`/proc/${pid}/autogroup`, "utf8").includes("nice 6")),
      );
      await bed.shell("touch go");
      expect(await ended).toMatchObject({ code: 0 });
    },
  );

  it("keeps what was in force while the file is wrong, and takes the next one that is right", async () => {
    writeFileSync(config, "[guests]\nnice = 5\n");
    const [, own] = await run();
    for (const wrong of ["nice = 20", "nice = -1", "nice = 1.5", 'io = "fast"', "polite = 1", "nice ="]) {
      writeFileSync(config, `[guests]\n${wrong}\n`);
      expect(await run(), wrong).toEqual([5, own]);
    }
    writeFileSync(config, "[guests]\nnice = 2\n");
    expect(await run()).toEqual([2, own]);
  });
});

describe("[guests]", () => {
  it("is refused with its line when it is wrong", () => {
    const refused = (line: string) => () => parseConfig(`[slots]\n[guests]\n${line}\n`, "pants.toml");
    expect(refused('io = "best-effort:8"')).toThrow(
      'pants.toml:3: guests.io: "as-is", "idle", or "best-effort:0" to "best-effort:7"',
    );
    expect(refused("nice = 20")).toThrow("pants.toml:3: guests.nice: ");
    expect(parseConfig("", "pants.toml").guests).toEqual({ nice: 0, io: "as-is" });
  });
});
