/** A far host with file systems of its own (a mount namespace; needs root): what is not the same stays at home. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Bed } from "../helper/bed.js";

let bed: Bed;
afterEach(() => bed.end());

describe.runIf(process.getuid?.() === 0)("a far host", () => {
  it("without the working directory refuses, and the program runs here", async () => {
    bed = new Bed();
    bed.hide(bed.work);
    const { stdout, code } = await bed.on("apart", "echo x > made; echo here");
    expect([stdout, code]).toEqual(["here\n", 0]);
    expect(existsSync(join(bed.work, "made"))).toBe(true);
  });

  it("with another directory at a path in the arguments refuses", async () => {
    bed = new Bed();
    const other = join(bed.directory, "other");
    mkdirSync(other);
    bed.hide(other);
    const { stdout } = await bed.on("apart", ["/usr/bin/touch", join(other, "made"), "relative"]);
    expect([stdout, existsSync(join(other, "made")), existsSync(join(bed.work, "relative"))]).toEqual([
      "",
      true,
      true,
    ]);
    expect(await bed.on("apart", `echo fine > there`)).toMatchObject({ code: 0 });
    expect(existsSync(join(bed.work, "there"))).toBe(true);
  });
});
