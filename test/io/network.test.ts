/** The [network] table, which interface and addresses follow from it, and what seeds are called. */
import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, test } from "vitest";
import { addressText, scopedTo, splitAddress } from "../../src/io/address.js";
import { parseConfig } from "../../src/io/config.js";
import { chooseInterface } from "../../src/io/interfaces.js";
import { parseSeed, resolveSeeds } from "../../src/io/seed-names.js";

describe("the configuration is refused, with the line,", () => {
  const refusals = [
    [
      "groups of two families",
      'leader_group = "ff15::7717:1"',
      /:1: network\.free_group: both groups must be IPv4, or both/,
    ],
    [
      "one group twice",
      'free_group = "239.255.77.1"',
      /:2: network\.free_group: must not be the leader group too/,
    ],
    ["no multicast address", 'free_group = "10.0.0.1"', /:2: network\.free_group: a multicast address/],
    ["nor one of IPv6", 'free_group = "fd00::1"', /:2: network\.free_group: a multicast address/],
    [
      "an interface of another family",
      'interface = "fd00::1"',
      /:2: network\.interface: an address of another family/,
    ],
    ["a seed that is none", 'seeds = ["ok", "no such"]', /:2: network\.seeds\.1: a host, "host:port"/],
    ["too many seeds", `seeds = [${'"x", '.repeat(17)}]`, /:2: network\.seeds: /],
    ["a name with - first", 'name = "-x"', /:2: network\.name: /],
  ] as const;
  test.each(refusals)("for %s", (_what, line, says) => {
    expect(() => parseConfig(`[network]\n${line}\n`, "f")).toThrow(says);
  });

  test("and taken when both groups are IPv6", () => {
    const text =
      '[network]\nleader_group = "ff15::7717:1"\nfree_group = "ff15::7717:2"\ninterface = "fd00::1"\n';
    expect(parseConfig(text, "f").network).toMatchObject({ free_group: "ff15::7717:2", seeds: [] });
  });
});

describe("an interface is chosen", () => {
  const entry = (address: string, family: "IPv4" | "IPv6", internal = false) =>
    ({ address, family, internal }) as NetworkInterfaceInfo;
  const all = {
    lo: [entry("127.0.0.1", "IPv4", true), entry("::1", "IPv6", true)],
    only6: [entry("fe80::1", "IPv6")],
    both: [entry("10.0.0.1", "IPv4"), entry("fe80::2", "IPv6"), entry("fd00::2", "IPv6")],
  };

  test("by name, with its best address of the family", () => {
    expect(chooseInterface("both", "IPv4", all)).toEqual({ name: "both", address: "10.0.0.1" });
    expect(chooseInterface("both", "IPv6", all)).toEqual({ name: "both", address: "fd00::2" });
    expect(chooseInterface("only6", "IPv6", all)).toEqual({ name: "only6", address: "fe80::1%only6" });
    expect(chooseInterface("only6", "IPv4", all)).toBeNull();
    expect(chooseInterface("gone", "IPv4", all)).toBeNull();
  });

  test("by address, also with its scope", () => {
    expect(chooseInterface("10.0.0.1", "IPv4", all)).toEqual({ name: "both", address: "10.0.0.1" });
    expect(chooseInterface("fe80::2%both", "IPv6", all)).toEqual({ name: "both", address: "fe80::2%both" });
    expect(chooseInterface("fe80::2%only6", "IPv6", all)).toBeNull();
    expect(chooseInterface("127.0.0.9", "IPv4", all)).toEqual({ name: "lo", address: "127.0.0.9" });
    expect(chooseInterface("10.0.0.2", "IPv4", all)).toBeNull();
  });
});

test("addresses as text and back; a link-local one gets this host's scope", () => {
  for (const [address, text] of [
    ["10.0.0.1", "10.0.0.1:7717"],
    ["fd00::1", "[fd00::1]:7717"],
    ["fe80::1%eth0", "[fe80::1%eth0]:7717"],
  ] as const) {
    expect(addressText(address, 7717)).toBe(text);
    expect(splitAddress(text)).toEqual([address, 7717]);
  }
  expect(scopedTo("fe80::1%eth0", "lan")).toBe("fe80::1%lan");
  expect(scopedTo("fd00::1", "lan")).toBe("fd00::1");
});

describe("seeds", () => {
  test("are named in five ways", () => {
    expect(parseSeed("build1")).toEqual({ host: "build1", port: 0 });
    expect(parseSeed("build1.example:7718")).toEqual({ host: "build1.example", port: 7718 });
    expect(parseSeed("10.0.0.7")).toEqual({ host: "10.0.0.7", port: 0 });
    expect(parseSeed("fd00::1")).toEqual({ host: "fd00::1", port: 0 });
    expect(parseSeed("[fd00::1]:7717")).toEqual({ host: "fd00::1", port: 7717 });
  });

  test.each(["", "a b", "a:", "a:0", "a:65536", "1.2.3", "[10.0.0.1]:1", "[x]", "-x", "fd00::1:x"])(
    "%j is none",
    (text) => {
      expect(parseSeed(text)).toBeNull();
    },
  );

  test("are looked up in the groups' family, each address once; what cannot be is said", async () => {
    const seeds = ["10.0.0.7", "10.0.0.7:7717", "localhost:1", "fd00::1", "no-such-host.invalid"];
    const { addresses, problems } = await resolveSeeds(seeds, "IPv4", 7717);
    expect(addresses).toEqual(["10.0.0.7:7717", "127.0.0.1:1"]);
    expect([...problems].sort()).toEqual([
      "seed fd00::1: not an IPv4 address, as the groups are",
      expect.stringMatching(/^seed no-such-host\.invalid: /),
    ]);
  });
});
