import { statSync } from "node:fs";
import { expect, test } from "vitest";
import { fileSystemType, missesWrites, mountOf } from "../../src/io/mounts.js";

test("a device's mount is found by its number", () => {
  const { dev } = statSync("/proc", { bigint: true });
  expect(mountOf(dev)).toMatchObject({ type: "proc" });
  expect(mountOf(dev).options).toMatch(/^r[ow]/);
  expect([fileSystemType(dev), fileSystemType(12345n)]).toEqual(["proc", "a file system"]);
});

test.each([
  ["cifs", "rw,vers=3.1.1,cache=strict,username=x", "ext4", true],
  ["smb3", "rw,vers=3.1.1", "xfs", true],
  ["cifs", "rw,vers=3.1.1,cache=none,username=x", "ext4", false],
  ["cifs", "rw,vers=3.1.1,cache=strict", "cifs", false],
  ["nfs4", "rw,vers=4.2", "ext4", false],
  ["fuse.sshfs", "rw,user_id=0", "ext4", false],
])("leases of %s (%s) do not tell of what a home with %s writes: %s", (type, options, home, missed) => {
  expect(missesWrites({ type, options, source: "n1:/x" }, home)).toBe(missed);
});
