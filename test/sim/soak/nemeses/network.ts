/** A network that loses, doubles, delays and parts. */
import type { Draw } from "../draw.js";
import type { Maker } from "../fault.js";
import { target } from "../fault.js";
import type { Soak } from "../soak.js";

type Rule = (from: string, to: string, over: "group" | "unicast") => boolean;

const percent = (share: number) => `${Math.round(share * 100)} %`;

const loss: Maker = (draw) => {
  const share = draw.between(0.02, 0.3);
  return {
    what: `${percent(share)} of datagrams are lost`,
    begin: (soak) => soak.network.worsen("loss", share),
  };
};

const duplicate: Maker = (draw) => {
  const share = draw.between(0.05, 0.5);
  return {
    what: `${percent(share)} of datagrams arrive twice`,
    begin: (soak) => soak.network.worsen("duplicate", share),
  };
};

const delay: Maker = (draw) => {
  const ms = draw.magnitude(5, 400);
  return {
    what: `datagrams take up to ${ms.toFixed(0)} ms longer, and overtake each other`,
    begin: (soak) => soak.network.worsen("delay", ms),
  };
};

function cut(soak: Soak, rule: Rule): () => void {
  soak.network.cuts.add(rule);
  return () => soak.network.cuts.delete(rule);
}

/** Parts hosts in sides; those left out are on side 0. */
function sides(draw: Draw, hosts: readonly string[], count: number) {
  const side = new Map(hosts.map((host) => [host, draw.whole(0, count - 1)]));
  const of = (host: string) => side.get(host) ?? 0;
  const words = Array.from({ length: count }, (_, which) =>
    hosts.filter((host) => of(host) === which).join(" "),
  );
  return { of, words: words.map((some) => some || "nobody") };
}

const parted: Maker = (draw, hosts) => {
  const { of, words } = sides(draw, hosts, draw.chance(0.8) ? 2 : 3);
  return {
    what: `the network is parted: ${words.join(" | ")}`,
    begin: (soak) => cut(soak, (from, to) => of(from) !== of(to)),
  };
};

const bridged: Maker = (draw, hosts) => {
  const { of, words } = sides(draw, hosts, 2);
  const bridge = draw.one(hosts);
  return {
    what: `the network is parted but for ${bridge}: ${words.join(" | ")}`,
    begin: (soak) => cut(soak, (from, to) => of(from) !== of(to) && from !== bridge && to !== bridge),
  };
};

const oneWay: Maker = (draw, hosts) => {
  const { of, words } = sides(draw, hosts, 2);
  return {
    what: `nothing passes from ${words[0] ?? ""} to ${words[1] ?? ""}`,
    begin: (soak) => cut(soak, (from, to) => of(from) === 0 && of(to) === 1),
  };
};

const deaf: Maker = (draw, hosts) => {
  const { name, find } = target(draw, hosts);
  const only = draw.chance(0.5) ? "group" : null;
  const [hears, says] = draw.chance(0.7) ? [false, true] : [true, false];
  return {
    what: `${name} ${hears ? "is not heard" : "hears nothing"}${only ? " through groups" : ""}`,
    begin: (soak) => {
      const who = find(soak);
      return cut(soak, (from, to, over) => {
        if (only && over !== only) return false;
        return (!hears && to === who) || (!says && from === who);
      });
    },
  };
};

export const network: readonly Maker[] = [loss, duplicate, delay, parted, bridged, oneWay, deaf];
