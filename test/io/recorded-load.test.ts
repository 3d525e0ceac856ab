import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { recordedLoad } from "../../src/io/load-record.js";
import { temporary } from "../cli/support.js";

const ROOTS = "/var/lib/pants/load";

describe("the record of load that a user reads", () => {
  const ordinary = (): void => {
    const uid = vi.spyOn(process, "getuid").mockReturnValue(1000);
    onTestFinished(() => uid.mockRestore());
  };

  it("is the one of the daemon that the environment names", () => {
    expect(recordedLoad({ PANTS_RUNTIME_DIR: "/r" })).toBe("/r/kept/load");
    expect(recordedLoad({ PANTS_RUNTIME_DIR: "/r", PANTS_STATE_DIR: "/s" })).toBe("/s/load");
  });

  it("is root's where this user's own daemon has kept none", () => {
    ordinary();
    expect(recordedLoad({ XDG_STATE_HOME: temporary() })).toBe(ROOTS);
  });

  it("is the user's own where there is one and root's daemon does not run", (context) => {
    context.skip(existsSync("/run/pants/state"), "root's pantsd runs here");
    ordinary();
    const state = temporary();
    const kept = join(state, "pants", hostname());
    mkdirSync(kept, { recursive: true });
    writeFileSync(join(kept, "load"), "");
    expect(recordedLoad({ XDG_STATE_HOME: state })).toBe(join(kept, "load"));
  });

  it("is not another host's, whose home is the same", (context) => {
    context.skip(existsSync("/run/pants/state"), "root's pantsd runs here");
    ordinary();
    const state = temporary();
    mkdirSync(join(state, "pants", "another"), { recursive: true });
    writeFileSync(join(state, "pants", "another", "load"), "");
    expect(recordedLoad({ XDG_STATE_HOME: state })).toBe(ROOTS);
  });
});
