/** The cluster's key on running hosts: changed in three steps under load, and files that are no key. */
import { chmodSync, copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadKeys } from "../../src/io/key.js";
import type { HostStatus } from "../../src/wire/control.js";
import { keyId, keyIdWords } from "../../src/wire/keyring.js";
import { command } from "../cli/support.js";
import { Client, compatHere, TestCluster, type TestHost, until } from "./hosts.js";

const cluster = new TestCluster();
afterAll(() => cluster.close());

const names = ["one", "two", "three"];
const idsOf = (file: string) => loadKeys(file).map((secret) => keyIdWords(keyId(secret)));
const keysOf = (status: HostStatus) => status.keys.map(({ id }) => id);
const keyOf = (host: TestHost) => join(host.folder, "key");

/** A host with a key file of its own, as on a machine of its own. */
function hostWithKey(name: string): TestHost {
  const host = cluster.host(name, { key: join(cluster.folder, name, "key"), slots: 8 });
  copyFileSync(cluster.key, keyOf(host));
  chmodSync(keyOf(host), 0o600);
  return host;
}

/** Asks for a slot elsewhere again and again, and keeps count of what comes. */
class Load {
  granted = 0;
  denied: string[] = [];
  #running = true;
  readonly #done: Promise<void>;

  constructor(private readonly client: Client) {
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
    this.client.close();
  }

  async #run(): Promise<void> {
    for (let id = 1; this.#running; id++) {
      const reply = await this.client.ask({ t: "request", id, count: 1, compat: compatHere, exclude: [] });
      if (reply.t === "grant") {
        this.granted += 1;
        this.client.send({ t: "release", leases: reply.leases.map((lease) => lease.id) });
      } else this.denied.push(JSON.stringify(reply));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

describe("on three hosts", () => {
  const hosts = names.map(hostWithKey);
  const statuses = () => Promise.all(hosts.map((host) => host.status()));
  const env = (host: TestHost) => ({ PANTS_RUNTIME_DIR: host.runtime, PANTS_CONFIG: host.configFile });

  test("the key is rotated while requests flow", async () => {
    await Promise.all(hosts.map((host) => host.start()));
    const rotator = hosts[0] as TestHost;
    const name = await until("one leader with every host in its table", async () => {
      const client = await Client.connect(rotator);
      const reply = await client.ask({ t: "hosts", id: 1 });
      client.close();
      const leaders = (await statuses()).map(({ leader: of }) => of);
      const agreed = reply.t === "hosts" && leaders.every((of) => of === reply.leader);
      return agreed && reply.hosts.length === 3 && reply.leader;
    });
    const leader = hosts.find((host) => host.name === name) as TestHost;
    const before = idsOf(cluster.key);
    const loads = await Promise.all(hosts.map(async (host) => new Load(await Client.connect(host))));
    try {
      for (const step of [1, 2, 3]) {
        const ran = command("pants", ["key", "rotate"], env(rotator));
        expect(ran, ran.stderr).toMatchObject({ status: 0 });
        expect(ran.stdout).toContain(`Step ${step} of 3`);
        const wanted = idsOf(keyOf(rotator));
        await until(`the first host's keys of step ${step}`, async () => {
          return keysOf(await rotator.status()).join() === wanted.join();
        });
        for (const host of hosts.slice(1)) {
          copyFileSync(keyOf(rotator), keyOf(host));
          const granted = loads.map((load) => load.granted);
          await until(`keys of step ${step} on ${host.name}`, async () => {
            return keysOf(await host.status()).join() === wanted.join();
          });
          await until("more grants", () => loads.every((load, i) => load.granted > (granted[i] ?? 0) + 20));
        }
        if (step === 2) {
          await until(
            "every host heard under the new key",
            async () => {
              const [signs, old] = (await leader.status()).keys;
              return signs?.hosts === 2 && old?.hosts === 0;
            },
            20_000,
          );
        }
      }
    } finally {
      await Promise.all(loads.map((load) => load.stop()));
    }
    const after = await statuses();
    for (const { counters, warnings, keys } of after) {
      expect(Object.keys(counters).filter((name) => name.startsWith("rejected"))).toEqual([]);
      expect(warnings).toEqual([]);
      expect(keys).toHaveLength(1);
      expect(keys[0]?.id).not.toBe(before[0]);
    }
    expect(loads.flatMap((load) => load.denied)).toEqual([]);
    expect(new Set(after.map(({ epoch, leader: name }) => `${name} ${epoch}`)).size).toBe(1);
  }, 120_000);

  test("the old key is not dropped while a host signs with it", async () => {
    const name = (await statuses())[0]?.leader;
    const leader = hosts.find((host) => host.name === name) as TestHost;
    for (const step of [1, 2]) {
      expect(command("pants", ["key", "rotate"], env(leader)).stdout).toContain(`Step ${step} of 3`);
      const wanted = idsOf(keyOf(leader));
      await until("its keys", async () => keysOf(await leader.status()).join() === wanted.join());
      if (step === 1) for (const host of hosts) if (host !== leader) copyFileSync(keyOf(leader), keyOf(host));
    }
    await until("others heard under the old key", async () => (await leader.status()).keys[1]?.hosts === 2);
    const shown = command("pants", ["key", "show"], env(leader)).stdout;
    expect(shown).toMatch(/signs +0\n.*accepted \(old\) +2\n/);
    const refused = command("pants", ["key", "rotate"], env(leader));
    expect(refused).toMatchObject({ status: 1, stdout: "" });
    expect(refused.stderr).toContain("2 hosts signed with the old key");
    expect(command("pants", ["key", "rotate", "--force"], env(leader)).stdout).toContain("Step 3 of 3");
  }, 60_000);
});

describe("a key file that is changed to one that cannot be used", () => {
  test.each<[string, string, (file: string) => void]>([
    ["missing", "does not exist", (file) => rmSync(file)],
    ["short", "the key has 2 bytes, 32 are needed", (file) => writeFileSync(file, "abcd\n")],
    ["open", "is open to others", (file) => chmodSync(file, 0o644)],
    ["words", "not hex digits", (file) => writeFileSync(file, "correct horse\n")],
  ])("%s is refused, and said until it is mended", async (name, says, spoil) => {
    const host = hostWithKey(`bad-${name}`);
    await host.start();
    const file = keyOf(host);
    const [id] = idsOf(file);
    copyFileSync(file, `${file}.kept`);
    spoil(file);
    const { warnings, keys } = await until("a warning", async () => {
      const status = await host.status();
      return status.warnings.length > 0 ? status : null;
    });
    expect(warnings).toEqual([expect.stringContaining(says)]);
    expect(warnings[0]).toContain("the keys read before stay in force");
    expect(keys.map((key) => key.id)).toEqual([id]);
    expect(host.stderr.split("\n").filter((line) => line.includes(says))).toHaveLength(1);
    const env = { PANTS_RUNTIME_DIR: host.runtime, PANTS_CONFIG: host.configFile };
    const shown = command("pants", ["status"], env).stderr.trim().split("\n");
    expect(shown).toEqual([expect.stringContaining("stay in force")]);
    renameSync(`${file}.kept`, file);
    await until("no warning", async () => (await host.status()).warnings.length === 0);
    await host.kill("SIGTERM");
  });

  test("is read at once on SIGHUP", async () => {
    const host = hostWithKey("hup");
    await host.start();
    const more = `${readFileSync(keyOf(host), "utf8")}\n${"ef".repeat(32)} # next\n`;
    writeFileSync(keyOf(host), more);
    host.child?.kill("SIGHUP");
    await until("two keys", async () => (await host.status()).keys.length === 2, 900);
    await host.kill("SIGTERM");
  });
});
