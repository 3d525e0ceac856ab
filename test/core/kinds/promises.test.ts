import { describe, expect, it } from "vitest";
import { Promises, type Takes } from "../../../src/core/kinds/promises.js";

const memory = (memoryMb: number): Takes => ({ memoryMb, io: false });
const disk: Takes = { memoryMb: 0, io: true };

describe("what jobs on a host take", () => {
  it("is memory beside those that may not have taken theirs yet", () => {
    const host = new Promises();
    expect(host.fits(memory(600), 900, 0)).toBe(true);
    host.begun(1, memory(600), 0);
    expect(host.fits(memory(600), 900, 1000)).toBe(false);
    expect(host.fits(memory(300), 900, 1000)).toBe(true);
    // By then it has, and the measure shows it.
    expect(host.fits(memory(600), 900, 10_000)).toBe(true);
    expect(host.fits(memory(600), 300, 10_000)).toBe(false);
  });

  it("is counted once, as far as the measure has fallen since a young one began", () => {
    const host = new Promises();
    expect(host.leftMb(900, 0)).toBe(900);
    host.begun(1, memory(600), 0);
    expect(host.leftMb(900, 1000)).toBe(300);
    expect(host.leftMb(500, 2000)).toBe(300);
    expect(host.leftMb(250, 3000)).toBe(250);
    expect(host.leftMb(0, 3000)).toBe(Number.POSITIVE_INFINITY);
  });

  it("comes back when one has ended, before it is measured again, and once", () => {
    const host = new Promises();
    expect(host.fits(memory(600), 900, 0)).toBe(true);
    host.begun(1, memory(600), 0);
    host.ended(1, 300);
    expect(host.fits(memory(600), 300, 20_000)).toBe(true);
    host.begun(2, memory(600), 20_000);
    expect(host.fits(memory(600), 300, 20_001)).toBe(false);
    expect(host.fits(memory(600), 310, 20_002)).toBe(false);
  });

  it("comes back to each in a row of jobs, though no measure falls between one and the next", () => {
    const host = new Promises();
    let availableMb = 900;
    for (let job = 1; job <= 4; job += 1) {
      expect(host.fits(memory(600), availableMb, 20_000 * job), `job ${job}`).toBe(true);
      host.begun(job, memory(600), 20_000 * job);
      // As measured while it runs.
      availableMb = 300 + job;
      host.ended(job, availableMb);
    }
  });

  it("does not come back when it was never taken, as far as was measured", () => {
    const host = new Promises();
    expect(host.fits(memory(600), 900, 0)).toBe(true);
    host.begun(1, memory(600), 0);
    host.ended(1, 900);
    expect(host.fits(memory(600), 900, 100)).toBe(true);
    host.begun(2, memory(600), 100);
    expect(host.fits(memory(600), 900, 100)).toBe(false);
  });

  it("is the disk for as long as one that lives by it runs", () => {
    const host = new Promises();
    host.begun(1, disk, 0);
    expect(host.fits(disk, 0, 60_000)).toBe(false);
    expect(host.fits(memory(600), 900, 60_000)).toBe(true);
    host.ended(1, 0);
    expect(host.fits(disk, 0, 60_000)).toBe(true);
  });

  it("is nothing where nothing is known of the job or of the host", () => {
    const host = new Promises();
    host.begun(1, memory(600), 0);
    expect(host.fits(memory(0), 10, 0)).toBe(true);
    expect(host.fits(memory(600), 0, 0)).toBe(true);
  });
});
