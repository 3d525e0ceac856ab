/** Unix sockets with descriptors in them. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { IN, native } from "../../src/io/native.js";
import { b, EAGAIN, openDescriptors, openPty, scratch, socketPair, until } from "./support.js";

const dir = scratch();

test("listen, connect, accept; the peer is known", async () => {
  const path = join(dir, "sock");
  const listener = native.listenUnix(path, 0o600);
  expect(listener).toBeGreaterThan(0);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(native.listenUnix(path, 0o600)).toBe(-98);
  expect(native.accept(listener)).toBe(EAGAIN);
  const client = native.connectUnix(path);
  await new Promise((resolve) => native.watch(listener, IN, resolve));
  const server = native.accept(listener);
  const { groups, ...peer } = native.peerCred(server) ?? { groups: [] };
  const [pid, uid, gid] = [process.pid, process.getuid?.(), process.getgid?.()];
  expect(peer).toEqual({ pid, uid, gid });
  expect(new Set([gid, ...groups])).toEqual(new Set(process.getgroups?.()));
  expect(native.send(client, b("hello"))).toBe(5);
  const into = Buffer.alloc(10);
  expect(native.receive(server, into)).toEqual({ n: 5, fds: [] });
  expect(native.receive(server, into)).toEqual({ n: EAGAIN, fds: [] });
  native.close(client);
  expect(native.receive(server, into)).toEqual({ n: 0, fds: [] });
  expect(native.send(server, b("x"))).toBe(-32);
  native.close(server);
  native.close(listener);
});

test("a socket for everybody has its mode in spite of the umask", () => {
  const before = process.umask(0o77);
  const path = join(dir, "open");
  const listener = native.listenUnix(path, 0o666);
  process.umask(before);
  expect(statSync(path).mode & 0o777).toBe(0o666);
  native.close(listener);
});

test("nobody there: -errno", () => {
  expect(native.connectUnix(join(dir, "nothing"))).toBe(-2);
  expect(native.connectUnix(`/${"x".repeat(200)}`)).toBe(-36);
  expect(native.listenUnix(join(dir, "no", "such"), 0o600)).toBe(-2);
  expect(native.peerCred(9999)).toBe(null);
});

test("descriptors arrive in order, and close-on-exec", async () => {
  const before = openDescriptors();
  const [master, slave] = await openPty(dir);
  expect(native.examine(master).kind).toBe("other");
  expect(native.examine(slave).kind).toBe("tty");
  native.close(master);
  native.close(slave);
  expect(openDescriptors()).toEqual(before);
});

test("a peer that goes while much is under way is an error, never a signal", async () => {
  const [near, far] = socketPair(dir);
  let sent = 0;
  for (let n = 0; n >= 0; n = native.send(near, Buffer.alloc(65536))) sent += n;
  expect(sent).toBeGreaterThan(0);
  native.close(far);
  const error = await until("an error", () => {
    const n = native.send(near, b("x"));
    return n < 0 && n !== EAGAIN && n;
  });
  expect([-32, -104]).toContain(error);
  native.close(near);
});
