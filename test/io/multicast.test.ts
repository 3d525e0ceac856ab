/** Group membership on an interface that comes and goes; needs root for a network namespace. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const script = join(import.meta.dirname, "fixtures", "multicast_again.js");

test.skipIf(process.getuid?.() !== 0)(
  "an interface that is made again with its address is sent over and joined again",
  async () => {
    const inNamespace = ["-n", process.execPath, script];
    const { stdout } = await promisify(execFile)("unshare", inNamespace, { timeout: 10_000 });
    expect(stdout.trim().split("\n")).toEqual([
      "10.99.0.1:7717",
      "10.99.0.1: joined the leader group again",
      "10.99.0.1: joined the free group again",
    ]);
  },
);
