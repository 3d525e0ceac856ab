/** How pantsd starts, and how it says that it cannot: one line, exit status 1. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isFresh } from "../../src/io/layout.js";
import { native } from "../../src/io/native.js";
import { TestCluster, until } from "./hosts.js";

const cluster = new TestCluster();
afterAll(() => cluster.close());

describe("refuses to start", () => {
  const hex = "ab".repeat(32);
  const keys = [
    {
      what: "a missing key",
      name: "none",
      text: null,
      says: /key file .*none does not exist: .*pants key new/,
    },
    { what: "a short key", name: "short", text: "abcd", says: /the key has 2 bytes, 32 are needed/ },
    { what: "a key that is not hex", name: "words", text: "correct horse", says: /not hex digits/ },
    {
      what: "a key that others can read",
      name: "open",
      text: hex,
      mode: 0o644,
      says: /open to others: chmod 600/,
    },
  ];
  test.each(keys)("with $what", async ({ name, text, mode, says }) => {
    if (text !== null) chmodSync(cluster.writeKey(name, text), mode ?? 0o600);
    const host = cluster.host(`with-${name}`, { key: join(cluster.folder, name) });
    expect(await host.start()).toBe(1);
    expect(host.stderr).toMatch(says);
    expect(host.stderr.trim().split("\n")).toHaveLength(1);
  });

  test.each(["--foreground", "--detached-by-default"])("with a wrong configuration, %s", async (mode) => {
    const host = cluster.host("wrong");
    host.configure("[slots]\ntotal = 'many'\n");
    expect(await host.start(...(mode === "--foreground" ? [mode] : ["--no-foreground"]))).toBe(1);
    expect(host.stderr).toMatch(/^pantsd: .*pants\.toml:2: slots\.total: /);
  });

  test("twice in one runtime directory", async () => {
    const host = cluster.host("twice");
    await host.start();
    const { child } = host;
    expect(await host.start()).toBe(1);
    expect(host.stderr).toContain(`pantsd: another pantsd runs in ${host.runtime}\n`);
    await host.kill("SIGKILL");
    host.child = child;
    expect((await host.status()).host).toBe("twice");
  });

  test("where it may not make its directory", async () => {
    const host = cluster.host("nowhere");
    mkdirSync(join(host.folder, "blocked"));
    Object.assign(host, { runtime: join(host.configFile, "run") });
    expect(await host.start()).toBe(1);
    expect(host.stderr).toMatch(/^pantsd: runtime directory .*ENOTDIR/);
  });
});

test("makes its files with the modes that their readers need", async () => {
  const host = cluster.host("modes");
  await host.start();
  const mode = (name: string) => statSync(join(host.runtime, name)).mode & 0o7777;
  const root = process.getuid?.() === 0;
  expect(mode("users")).toBe(root ? 0o1777 : 0o700);
  expect(mode("state")).toBe(0o644);
  expect(mode("slots")).toBe(root ? 0o666 : 0o600);
  expect(mode("pantsd.sock")).toBe(root ? 0o666 : 0o600);
  expect(await host.kill("SIGINT")).toBe(0);
  expect(existsSync(join(host.runtime, "state"))).toBe(false);
  expect(existsSync(join(host.runtime, "pantsd.sock"))).toBe(false);
});

test("told to end while it starts, it ends in order", async () => {
  const host = cluster.host("early");
  const started = host.start();
  // Its directory is made early in its start.
  await until("its start", () => existsSync(host.runtime));
  const ended = host.kill("SIGTERM");
  await started;
  expect(await ended).toBe(0);
  expect(existsSync(join(host.runtime, "pantsd.sock"))).toBe(false);
});

test("after SIGKILL it starts again where it was", async () => {
  const host = cluster.host("again");
  await host.start();
  await host.kill("SIGKILL");
  expect(await host.start()).toBe(0);
  expect((await host.status()).pid).toBe(host.child?.pid);
});

test("without an interface it serves this host, and says what it waits for", async () => {
  const host = cluster.host("cable");
  host.configure(cluster.config("cable", {}).replace('"lo"', '"no-such0"'));
  await host.start();
  expect(host.stderr).toContain("no network: interface no-such0: no IPv4 address");
  const state = await until("a record", () => host.state());
  expect(isFresh(state, native.bootTimeNs())).toBe(true);
});

test("goes into the background once it serves", async () => {
  const host = cluster.host("background");
  expect(await host.start("--no-foreground")).toBe(0);
  const { pid } = await host.status();
  try {
    expect(pid).not.toBe(host.child?.pid);
    expect(readFileSync(join(host.runtime, "pantsd.log"), "utf8")).toContain('"msg":"started"');
  } finally {
    process.kill(pid, "SIGTERM");
  }
  await until("the end", () => !existsSync(join(host.runtime, "state")));
});
