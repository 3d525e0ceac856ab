/** Messages and answers in words, for transcripts. */
import type { Datagram } from "../../src/wire/envelope.js";
import type { Answer } from "./host.js";

export function describe(message: Datagram): string {
  switch (message.type) {
    case "advert":
      return `ADVERT epoch ${message.epoch}, ${message.free} slots of ${message.hosts} hosts`;
    case "available":
      return `AVAILABLE ${message.free} of ${message.total}, ${message.guests} guests`;
    case "unavailable":
      return "UNAVAILABLE";
    case "request":
      return `REQUEST ${message.count}${message.exclude.length ? ` not ${message.exclude.join(", ")}` : ""}`;
    case "grant":
      return `GRANT ${message.leases.map(({ host }) => host).join(", ")}`;
    case "deny":
      return `DENY for ${message.retryMs} ms: ${message.why}`;
    case "renew":
      return `RENEW ${message.leases.map(({ host }) => host).join(", ")}`;
    case "leases":
      return `LEASES ${message.valid.length} valid, ${message.lost.length} lost`;
    case "release":
      return `RELEASE ${message.leases.length}`;
    case "claim":
      return `CLAIM epoch ${message.epoch}${message.resigned ? `, ${message.resigned} resigned` : ""}`;
    case "hold":
      return message.leader ? `HOLD ${message.leader} leads` : `HOLD epoch ${message.epoch} is used up`;
    case "resign":
      return `RESIGN epoch ${message.epoch}`;
    case "vote":
      return `VOTE epoch ${message.epoch}`;
    case "namesake":
      return `NAMESAKE ${message.address || "me"}`;
    case "query":
      return "QUERY";
    case "join":
      return `JOIN${message.need ? ", multicast does not reach me" : ""}`;
    case "joined":
      return `JOINED ${message.members} hosts, ${message.needing} without multicast`;
    case "relay":
      return `RELAY to the ${message.group} group`;
    case "relayed":
      return `RELAYED from ${message.origin}`;
    case "rows":
      return `ROWS ${message.rows.map(({ host }) => host).join(", ")} of ${message.total}`;
  }
}

export function describeAnswer(effect: Answer): string {
  switch (effect.kind) {
    case "grant":
      return `* client may use ${effect.leases.map(({ host }) => host).join(", ")}`;
    case "deny":
      return `* client denied for ${effect.retryMs} ms: ${effect.why}`;
    case "lost":
      return `* client lost ${effect.leases.length}`;
    case "hosts":
      return `* client sees ${effect.rows.map(({ host, free, total }) => `${host} ${free}/${total}`).join(", ")}`;
  }
}
