/** PANTS_POLICY=always, through the real stand-in, prexd and agent. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Where, Why } from "../../src/io/layout.js";
import { Ways } from "./ways.js";

let bed: Ways;
beforeAll(async () => {
  bed = new Ways();
  await bed.ready();
  bed.state(false);
});
afterAll(() => bed.end());

it("sends unmarked programs of an idle host that has free slots, and nothing of theirs again", async () => {
  const script =
    "/bin/echo one; /bin/sh -c '/bin/echo two; setsid -w /bin/echo three; exec /bin/echo four'; :";
  const always = { PANTS_POLICY: "always" };
  expect(await bed.shimmed(script, always)).toMatchObject({ code: 0, stdout: "one\ntwo\nthree\nfour\n" });
  const made = bed.decisions().filter(({ reason }) => reason !== Why.BY_HAND);
  const remote = made.filter(({ where }) => where === Where.REMOTE);
  expect(remote.map(({ program, reason, host }) => [program, reason, host])).toEqual([
    ["/bin/sh", Why.ALWAYS, "far"],
    ["/bin/echo", Why.ALWAYS, "far"],
  ]);
  const inside = made.filter(({ where }) => where === Where.HERE);
  expect(inside.map(({ program, reason }) => [program, reason])).toEqual([
    ["/bin/echo", Why.GUEST],
    ["/bin/echo", Why.GUEST],
    [expect.stringMatching(/setsid$/), Why.GUEST],
    ["/bin/echo", Why.GUEST],
  ]);
});

it("leaves here what acts on this host: it would hit another process, or lock nothing", async () => {
  const script =
    "sleep 9 & /bin/kill -TERM $!; wait $!; echo $?; exec 9>lock; flock 9; flock -n lock true; echo $?; :";
  const before = bed.decisions(1)[0]?.seq ?? 0;
  expect(await bed.shimmed(script, { PANTS_POLICY: "always" })).toMatchObject({ stdout: "143\n1\n" });
  const made = bed.decisions().filter(({ seq, program }) => seq > before && !program.endsWith("sleep"));
  const here = [Where.HERE, expect.stringContaining("it acts on the host")];
  expect(made.map(({ where, detail }) => [where, detail])).toEqual([here, here, here]);
});
