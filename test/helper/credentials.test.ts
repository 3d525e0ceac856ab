/** Whose key agent and tickets ssh is given. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { credentials } from "../../src/helper/credentials.js";
import { Environment } from "../../src/mux/environment.js";

let folder = "";
const agents: Server[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pants-credentials-"));
  for (const name of ["own", "theirs"]) {
    const agent = createServer();
    agents.push(agent);
    await new Promise<void>((resolve) => agent.listen(join(folder, name), resolve));
    writeFileSync(join(folder, `${name}-tickets`), "");
  }
});
afterAll(() => {
  for (const agent of agents) agent.close();
  rmSync(folder, { recursive: true });
});

/** With @ for the folder. */
const at = (value: string): string => value.replace("@", `${folder}/`);
const of = (name: string, value: string | undefined): Environment =>
  Environment.of(value === undefined ? [] : [Buffer.from(`${name}=${at(value)}`)]);

it.each<readonly [name: string, own: string | undefined, theirs: string | undefined, taken: boolean]>([
  ["SSH_AUTH_SOCK", "@own", "@theirs", false],
  ["SSH_AUTH_SOCK", "@gone", "@theirs", true],
  ["SSH_AUTH_SOCK", undefined, "@theirs", true],
  ["SSH_AUTH_SOCK", "@gone", "@theirs-tickets", false],
  ["SSH_AUTH_SOCK", "@gone", "@gone", false],
  ["SSH_AUTH_SOCK", "@gone", undefined, false],
  ["KRB5CCNAME", "@own-tickets", "FILE:@theirs-tickets", false],
  ["KRB5CCNAME", "FILE:@gone", "FILE:@theirs-tickets", true],
  ["KRB5CCNAME", "@gone", "KCM:0", true],
  ["KRB5CCNAME", "KEYRING:persistent:0", "@theirs-tickets", false],
  ["KRB5CCNAME", undefined, "@theirs-tickets", true],
  ["KRB5CCNAME", undefined, "@gone", false],
])("%s: ours is %s, the program's %s: taken %s", (name, own, theirs, taken) => {
  const variables = own === undefined ? {} : { [name]: at(own) };
  const expected = taken ? { [name]: at(theirs ?? "") } : {};
  expect(credentials(of(name, theirs), variables)).toEqual(expected);
});
