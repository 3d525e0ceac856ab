/** A host that lies: its own job is lost or misreported; the rest of prexd and of its links is as before. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeFrame, u32 } from "../../src/mux/encode.js";
import { type FrameType, Type } from "../../src/mux/frame.js";
import { encodeStatus } from "../../src/mux/status.js";
import { Bed } from "./bed.js";

let bed: Bed;
beforeAll(async () => {
  bed = new Bed();
  await bed.on("good", "true");
});
afterAll(() => bed.end());

const frame = (type: FrameType, stream: number, payload: Uint8Array = Buffer.alloc(0), fd = 0): Buffer =>
  encodeFrame(type, fd, stream, Buffer.from(payload));
const header = (type: number, fd: number, stream: number, length: number): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt8(fd, 1);
  bytes.writeUInt32LE(stream, 4);
  bytes.writeUInt32LE(length, 8);
  return bytes;
};
const status = { userUs: 0, systemUs: 0, maxRssKb: 0, inBlocks: 0, outBlocks: 0 };

/** What it sends, and how prexd calls that; the job is stream 1. */
const lies: [string, Buffer, RegExp][] = [
  ["a frame of 2 GiB", header(Type.DATA, 1, 1, 0x7fff_ffff), /malformed frame/],
  ["a frame of no known type", header(255, 0, 1, 0), /malformed frame/],
  ["a frame that only home sends", header(Type.OPEN, 0, 1, 4), /malformed frame/],
  [
    "a status of a job that it was never given",
    frame(Type.STATUS, 9, encodeStatus({ status: 0, consumed: 0, ...status })),
    /stream 9/,
  ],
  ["a status that is cut short", frame(Type.STATUS, 1, Buffer.from([1])), /./],
  ["output of a descriptor that does not go this way", frame(Type.DATA, 1, Buffer.from("x"), 0), /./],
  ["credit for what was never sent", frame(Type.CREDIT, 1, u32(0xffff_ffff), 0), /./],
];

it.each(lies)("sends %s", async (_, bytes, why) => {
  writeFileSync(join(bed.runtime, "hostile"), bytes);
  const { pid } = await bed.prexd();
  const other = bed.on("good", "sleep 0.6; echo fine");
  const before = bed.log().split("\n").length;
  const { signal, code, stdout, stderr } = await bed.on("hostile", "echo x");
  expect([signal, code]).toEqual(["SIGKILL", null]);
  expect(stderr).toBe("prex: lost hostile while running /bin/sh; it may or may not have completed\n");
  expect(stdout.replaceAll("\0", "")).toBe("");
  expect(await other).toMatchObject({ code: 0, stdout: "fine\n" });
  const lines = bed
    .log()
    .split("\n")
    .slice(before - 1)
    .filter((line) => line.includes("hostile"));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(why);
  expect((await bed.prexd()).pid).toBe(pid);
});

it("ends its job without a status", async () => {
  writeFileSync(join(bed.runtime, "hostile"), frame(Type.CLOSE, 1));
  expect((await bed.on("hostile", "echo x")).signal).toBe("SIGKILL");
});

it("lies about its own job: that is what it can do", async () => {
  const told = encodeStatus({ status: 5 << 8, consumed: 0, ...status });
  writeFileSync(
    join(bed.runtime, "hostile"),
    Buffer.concat([frame(Type.STATUS, 1, told), frame(Type.CLOSE, 1)]),
  );
  expect(await bed.on("hostile2", "echo x")).toMatchObject({ code: 5, stdout: "" });
});
