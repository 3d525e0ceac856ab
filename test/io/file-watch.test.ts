/** A file that changes is noticed, however it changes. */
import { appendFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { FileWatch } from "../../src/io/file-watch.js";
import { scratch } from "./support.js";

const folder = scratch();
let watch: FileWatch;
let file = "";
let number = 0;
const told = vi.fn();

function begin(content: string | null): void {
  file = join(folder, `watched-${(number += 1)}`);
  if (content !== null) writeFileSync(file, content);
  told.mockClear();
  watch = new FileWatch(file);
  watch.start(told);
}
const times = (count: number) =>
  vi.waitFor(() => expect(told).toHaveBeenCalledTimes(count), { timeout: 10_000 });

afterEach(() => watch.stop());

it("when it is written in place, and again", async () => {
  begin("a");
  appendFileSync(file, "b");
  await times(1);
  appendFileSync(file, "c");
  await times(2);
});

it("when another one takes its place, and that one changes", async () => {
  begin("a");
  writeFileSync(`${file}.new`, "b");
  renameSync(`${file}.new`, file);
  await times(1);
  appendFileSync(file, "c");
  await times(2);
});

it("when it appears, goes and comes back", async () => {
  begin(null);
  writeFileSync(file, "a");
  await times(1);
  rmSync(file);
  await times(2);
  writeFileSync(file, "a");
  await times(3);
});

it("but not when whoever changed it has read it, nor after the end", async () => {
  begin("a");
  const other = new FileWatch(file);
  const also = vi.fn();
  other.start(also);
  appendFileSync(file, "b");
  watch.taken();
  await vi.waitFor(() => expect(also).toHaveBeenCalledTimes(1), { timeout: 10_000 });
  watch.stop();
  appendFileSync(file, "c");
  await vi.waitFor(() => expect(also).toHaveBeenCalledTimes(2), { timeout: 10_000 });
  other.stop();
  expect(told).not.toHaveBeenCalled();
});
