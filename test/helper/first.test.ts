/** prexd asks that newcomers come to it while its jobs run elsewhere; once none does, an idle host is used at once. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { ThreeWays } from "./three-ways.js";

let ways: ThreeWays;
/** A shell that starts a marked program, which sleeps. */
const sleep = (seconds: number): string[] => ["sh", "-c", `${ways.bin}/sleeper ${seconds}; :`];
beforeAll(async () => {
  ways = new ThreeWays();
  await ways.up();
  ways.marked("/bin/sleep", "sleeper");
});
afterAll(() => ways.end());

it("a program stays on an idle host as soon as the last one elsewhere has ended", async () => {
  // `all` throws when the second way, which has its host free, sends anything elsewhere. Each is over 50 ms, so that
  // prexd wants to be asked while it runs.
  for (let i = 0; i < 5; i++) expect(await ways.all(sleep(0.2))).toMatchObject({ code: 0, migrated: 1 });
});
