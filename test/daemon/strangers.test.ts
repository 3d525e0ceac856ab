/** What pantsd makes of datagrams that it must refuse, sent to its socket: a count, and words for its user. */
import { createSocket, type Socket } from "node:dgram";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadKeys } from "../../src/io/key.js";
import { Codec, type CodecOptions, protocolVersion } from "../../src/wire/datagram.js";
import { Keyring } from "../../src/wire/keyring.js";
import { TestCluster, type TestHost, until } from "./hosts.js";

const cluster = new TestCluster();
let host: TestHost;
let socket: Socket;
let port = 0;
let name = "";

beforeAll(async () => {
  host = cluster.host("one");
  const config = readFileSync(host.configFile, "utf8");
  port = Number(/^port = (\d+)$/m.exec(config)?.[1]);
  name = /^name = "(test-.*)"$/m.exec(config)?.[1] ?? "";
  socket = createSocket("udp4");
  await host.start();
  await until("its network", async () => (await host.status()).role === "leader");
});

afterAll(async () => {
  socket.close();
  await cluster.close();
});

function stranger(keys = loadKeys(cluster.key), options: CodecOptions = {}): Codec {
  const identity = { host: "n4", id: "00000000000000f4", boot: "00000000000000b4" };
  return new Codec(name, identity, new Keyring(keys), options);
}

const seal = (codec: Codec, aheadMs = 0) => codec.seal({ type: "unavailable" }, Date.now() + aheadMs);

/** Sends until the counter shows it: a datagram may be lost, also here. */
async function counted(counter: string, make: () => Buffer): Promise<void> {
  const count = async () => (await host.status()).counters[counter] ?? 0;
  const before = await count();
  await until(counter, async () => {
    socket.send(make(), port, "127.0.0.1");
    return (await count()) > before;
  });
}

test("another version, another clock and another key are counted and named", async () => {
  await counted("received unavailable", () => seal(stranger()));
  await counted("rejected version", () =>
    seal(stranger(loadKeys(cluster.key), { version: protocolVersion + 1 })),
  );
  await counted("rejected time", () => seal(stranger(), 140_000));
  await counted("rejected key", () => seal(stranger([Buffer.alloc(32, 1)])));
  await counted("rejected magic", () => Buffer.alloc(200));
  const { warnings, role } = await host.status();
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toMatch(/^127\.0\.0\.1:\d+ speaks version 3 of the protocol, this host version 2: /);
  expect(warnings[1]).toMatch(/^the clock of n4 is 1(39|40) s ahead of this host's$/);
  expect(role).toBe("leader");
});

test("what was captured before a restart is not accepted after it", async () => {
  const captured = Array.from({ length: 20 }, () => seal(stranger()));
  const dated = Date.now();
  let next = 0;
  await counted("received unavailable", () => captured[next++] ?? Buffer.alloc(0));
  await host.kill("SIGKILL");
  await until("the datagrams to be 2 s older than the start", () => Date.now() > dated + 2100);
  await host.start();
  await until("its network", async () => (await host.status()).role === "leader");
  await counted("received unavailable", () => seal(stranger()));
  await counted("rejected time", () => captured.pop() ?? Buffer.alloc(0));
  expect((await host.status()).counters["received unavailable"]).toBe(1);
});
