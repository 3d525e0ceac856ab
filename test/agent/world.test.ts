/** What the agent takes for the same thing, given what home says of it. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { World } from "../../src/agent/world.js";
import { claimAt, claimsOf, pathStart } from "../../src/io/claims.js";
import { hashFile } from "../../src/io/identity.js";
import { Ask, Tell } from "../../src/mux/frame.js";
import type { Claim } from "../../src/mux/spec.js";

const directory = mkdtempSync(join(tmpdir(), "pants-world-"));
const shared = join(directory, "shared");
mkdirSync(shared);
afterAll(() => rmSync(directory, { recursive: true }));

/** What is at a path, as a home with other device numbers sees it. */
function claim(path: string, changes: Partial<Claim> = {}): Claim {
  const here = claimAt(Buffer.from(path));
  if (here === undefined) throw new Error(`${path} is not there`);
  return { ...here, dev: here.dev + 1000n, ...changes };
}

let world: World;
let now = 0;
beforeEach(() => {
  now = 0;
  world = new World(() => now);
});

describe("a working directory", () => {
  const token = ".pants-0123456789abcdef";
  const name = Buffer.from(token);
  const nothing = Buffer.alloc(0);
  /** Home puts a token there, sees what the agent writes to it, and writes to it. */
  const prove = (what: Claim, folder: string): void => {
    const path = join(folder, token);
    writeFileSync(path, "");
    const question = world.learn(what, Tell.TOKEN, name);
    expect(question?.what).toBe(Ask.WRITTEN);
    appendFileSync(path, "x");
    expect(statSync(path).size).toBe(2);
    expect(world.learn(what, Tell.LENGTH, Buffer.from([2]), question?.token)).toBeUndefined();
    rmSync(path);
  };

  it("is the same once a token was seen in it, and then others on that file system by inode", () => {
    const cwd = claim(shared);
    expect(world.check(cwd, true)).toMatchObject({ is: "ask", what: Ask.TOKEN });
    prove(cwd, shared);
    expect(world.check(cwd, true)).toEqual({ is: "same" });
    expect(world.check(claim(directory), true)).toEqual({ is: "same" });
  });

  it("is the same by its token alone where inodes are each host's own, and so is what is in it", () => {
    const unlike = { ino: 1n };
    const file = join(shared, "file");
    writeFileSync(file, "");
    expect(world.check(claim(file, unlike), false)).toMatchObject({ is: "ask", what: Ask.TOKEN });
    prove(claim(file, unlike), shared);
    for (const path of [shared, file]) expect(world.check(claim(path, unlike), true)).toEqual({ is: "same" });
    expect(world.check(claim(directory, unlike), true)).toMatchObject({ is: "ask", what: Ask.TOKEN });
  });

  it("is the same as far as can be told where home cannot write to its token", () => {
    const cwd = claim(shared);
    const path = join(shared, token);
    writeFileSync(path, "");
    const question = world.learn(cwd, Tell.TOKEN, name);
    world.learn(cwd, Tell.NOTHING, nothing, question?.token);
    rmSync(path);
    expect(world.check(cwd, true)).toEqual({ is: "same" });
  });

  it.each([
    ["there", Tell.LENGTH, Buffer.from([2])],
    ["here", Tell.LATE, Buffer.from("nfs4")],
  ])(
    "is not the same where one host does not see at once what the other one writes: %s",
    (where, tell, bytes) => {
      const cwd = claim(shared);
      const path = join(shared, token);
      writeFileSync(path, "");
      const question = world.learn(cwd, Tell.TOKEN, name);
      expect(question?.what).toBe(Ask.WRITTEN);
      expect(statSync(path).size).toBe(1);
      world.learn(cwd, tell, bytes, question?.token); // and home's byte is not in it
      rmSync(path);
      const why = expect.stringMatching(
        new RegExp(`^\\S+ ${where} caches what other hosts write$`),
      ) as string;
      expect(world.check(cwd, true)).toMatchObject({ is: "other", why });
      now = 6000;
      expect(world.check(cwd, true)).toMatchObject({ is: "ask", what: Ask.TOKEN });
    },
  );

  it("is not without, and is not asked about again for a while", () => {
    const cwd = claim(shared);
    world.learn(cwd, Tell.TOKEN, name);
    expect(world.check(cwd, true)).toMatchObject({ is: "other" });
    now = 6000;
    expect(world.check(cwd, true)).toMatchObject({ is: "ask" });
  });

  it("is not proved by a name that is no token's", () => {
    const cwd = claim(shared);
    writeFileSync(join(shared, "passwd"), "");
    world.learn(cwd, Tell.TOKEN, Buffer.from("passwd"));
    world.learn(cwd, Tell.TOKEN, Buffer.from("../shared/passwd"));
    expect(world.check(cwd, true)).toMatchObject({ is: "other" });
  });

  it("must exist and be a directory", () => {
    const gone = claim(shared, { path: Buffer.from(join(directory, "gone")) });
    expect(world.check(gone, true)).toMatchObject({
      is: "other",
      why: expect.stringContaining("does not exist") as string,
    });
    writeFileSync(join(directory, "file"), "");
    const file = claim(shared, { path: Buffer.from(join(directory, "file")) });
    expect(world.check(file, true)).toMatchObject({ is: "other" });
  });
});

describe("a path among the arguments", () => {
  it("below /usr is the same when it is there, a file when it is alike", () => {
    expect(world.check(claim("/usr/bin", { ino: 5n }), false)).toEqual({ is: "same" });
    expect(world.check(claim("/bin/sh", { ino: 5n }), false)).toEqual({ is: "same" });
    expect(world.check(claim("/bin/sh", { ino: 5n, size: 1n }), false)).toMatchObject({ is: "other" });
  });

  it("below /usr with another time is compared by content", () => {
    const sh = claim("/bin/sh", { ino: 5n, mtimeNs: 1n });
    expect(world.check(sh, false)).toMatchObject({ is: "ask", what: Ask.HASH });
    world.learn(sh, Tell.HASH, hashFile(Buffer.from("/bin/sh"), 1 << 22) ?? Buffer.alloc(32));
    expect(world.check(sh, false)).toEqual({ is: "same" });
    const other = claim("/bin/cat", { ino: 5n, mtimeNs: 1n });
    world.learn(other, Tell.HASH, Buffer.alloc(32));
    expect(world.check(other, false)).toMatchObject({ is: "other" });
  });

  it("that could be written there must lie on a shared file system, however alike it is", () => {
    const path = join(directory, "out.o");
    writeFileSync(path, "x");
    utimesSync(path, 1, 1);
    expect(world.check(claim(path, { ino: 5n }), false)).toMatchObject({ is: "ask", what: Ask.TOKEN });
  });
});

describe("paths in arguments", () => {
  it.each([
    ["/a/b", 0],
    ["-I/usr/include", 2],
    ["--sysroot=/opt/x", 10],
    ["-DX=/a", 4],
    ["a/b", -1],
    ["-O2", -1],
    ["", -1],
  ])("begin where a compiler would see them (%s)", (arg, at) => expect(pathStart(Buffer.from(arg))).toBe(at));

  it("are claimed as they are, or by their directory when they are yet to be made", () => {
    const args = ["cc", "/dev/null", `-o${directory}/new.o`, `-I${shared}`, "/no/such/place"].map((a) =>
      Buffer.from(a),
    );
    const paths = claimsOf(Buffer.from(shared), args)?.map((c) => c.path.toString());
    expect(paths).toEqual([shared, directory, shared]);
  });
});
