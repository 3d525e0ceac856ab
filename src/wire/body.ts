/** The body of each message, field by field; docs/protocol.md shows the same tables. */
import type { LeaseRef, Row } from "../core/messages.js";
import { perMessageMax, preferMax, rowsPerMessage } from "../core/tuning.js";
import { BoundsError, nameMax, type Reader, textMax, type Writer } from "./bytes.js";
import type { Datagram, Group } from "./envelope.js";

/** The number of a message type in the header. Numbers are never used again for something else. */
export const typeNumbers: Record<Datagram["type"], number> = {
  advert: 1,
  available: 2,
  unavailable: 3,
  request: 4,
  grant: 5,
  deny: 6,
  claim: 7,
  hold: 8,
  resign: 9,
  renew: 10,
  leases: 11,
  release: 12,
  query: 13,
  rows: 14,
  vote: 15,
  namesake: 16,
  join: 17,
  joined: 18,
  relay: 19,
  relayed: 20,
};

const typeNames = new Map(
  Object.entries(typeNumbers).map(([name, number]) => [number, name as Datagram["type"]]),
);

export function typeName(number: number): Datagram["type"] | undefined {
  return typeNames.get(number);
}

export function writeBody(to: Writer, m: Datagram): void {
  const ids = (list: readonly string[]) => to.list(list, (id) => to.id(id));
  const refs = (list: readonly LeaseRef[]) => to.list(list, ({ id, host }) => to.id(id).text(host, nameMax));
  switch (m.type) {
    case "advert":
      to.u48(m.epoch).u32(m.ballot).u8(m.votes).u32(m.hosts).u32(m.free).u32(m.refreshMs).u32(m.spreadMs);
      return;
    case "available":
      to.u48(m.epoch).u16(m.free).u16(m.total).u16(m.guests).u8(m.cpuPercent);
      to.u32(m.availableMb).u8(m.ioPercent).text(m.compat, nameMax);
      return;
    case "unavailable":
      return;
    case "request":
      to.u32(m.request).u8(m.count).text(m.compat, nameMax);
      to.list(m.exclude, (host) => to.text(host, nameMax));
      to.u8(m.wanted.io ? 1 : 0).u32(m.wanted.memoryMb);
      to.list(m.wanted.prefer, (host) => to.text(host, nameMax));
      return;
    case "grant":
      to.u32(m.request).u32(m.lifeMs);
      refs(m.leases);
      return;
    case "deny":
      to.u32(m.request).u32(m.retryMs).text(m.why, textMax);
      return;
    case "claim":
      to.u48(m.epoch).u32(m.ballot).u48(m.resigned);
      return;
    case "hold":
      to.u48(m.epoch).text(m.leader, nameMax).id(m.id);
      return;
    case "resign":
    case "vote":
      to.u48(m.epoch);
      return;
    case "namesake":
      to.text(m.host, nameMax).id(m.id).text(m.address, nameMax);
      return;
    case "join":
      to.id(m.seed).u8((m.free ? 1 : 0) | (m.leader ? 2 : 0) | (m.need ? 4 : 0));
      return;
    case "joined":
      to.u16(m.members).u16(m.needing);
      return;
    case "relay":
      to.u8(groupNumbers[m.group]).u16(m.data.length).raw(m.data);
      return;
    case "relayed":
      to.u8(groupNumbers[m.group]).text(m.origin, nameMax).u16(m.data.length).raw(m.data);
      return;
    case "renew":
      refs(m.leases);
      return;
    case "leases":
      ids(m.valid);
      ids(m.lost);
      return;
    case "release":
      ids(m.leases);
      return;
    case "query":
      to.u32(m.query);
      return;
    case "rows":
      to.u32(m.query).u16(m.total);
      to.list(m.rows, (row) => writeRow(to, row));
  }
}

const groupNumbers = { free: 1, leader: 2 } as const;

/** Longest datagram in an envelope: what a group is sent is no longer, and both envelopes fit a datagram with it. */
export const innerMax = 1000;

function readInner(from: Reader): Uint8Array {
  const length = from.u16();
  if (length > innerMax) throw new BoundsError("too long to be passed on");
  return from.raw(length);
}

function readGroup(from: Reader): Group {
  const number = from.u8();
  if (number !== 1 && number !== 2) throw new BoundsError("no such group");
  return number === 1 ? "free" : "leader";
}

function writeRow(to: Writer, row: Row): void {
  to.text(row.host, nameMax).text(row.address, nameMax).u16(row.free).u16(row.total).u8(row.cpuPercent);
  to.text(row.compat, nameMax).u32(row.ageMs);
}

/** Reads a body. @throws {BoundsError} when a field is missing or out of range. */
export function readBody(type: Datagram["type"], from: Reader): Datagram {
  const ref = (): LeaseRef => ({ id: from.id(), host: from.name() });
  const ids = () => from.list(perMessageMax, () => from.id());
  switch (type) {
    case "advert": {
      const [epoch, ballot, votes, hosts] = [from.u48(), from.u32(), from.u8(), from.u32()];
      const [free, refreshMs, spreadMs] = [from.u32(), from.u32(), from.u32()];
      return { type, epoch, ballot, votes, hosts, free, refreshMs, spreadMs };
    }
    case "available": {
      const epoch = from.u48();
      const [free, total, guests, cpuPercent] = [from.u16(), from.u16(), from.u16(), from.u8()];
      const [availableMb, ioPercent] = [from.u32(), from.u8()];
      if (free + guests > total || cpuPercent > 100) throw new BoundsError("slots do not add up");
      if (ioPercent > 100) throw new BoundsError("more than all of the time");
      const compat = from.name();
      return { type, epoch, free, total, guests, cpuPercent, availableMb, ioPercent, compat };
    }
    case "unavailable":
      return { type };
    case "request": {
      const [request, count, compat] = [from.u32(), from.u8(), from.name()];
      if (count < 1 || count > perMessageMax) throw new BoundsError("count");
      const exclude = from.list(perMessageMax, () => from.name());
      const [flags, memoryMb] = [from.u8(), from.u32()];
      if (flags > 1) throw new BoundsError("flags");
      const prefer = from.list(Math.min(preferMax, perMessageMax - exclude.length), () => from.name());
      return { type, request, count, compat, exclude, wanted: { io: flags === 1, memoryMb, prefer } };
    }
    case "grant":
      return { type, request: from.u32(), lifeMs: from.u32(), leases: from.list(perMessageMax, ref) };
    case "deny":
      return { type, request: from.u32(), retryMs: from.u32(), why: from.text(textMax) };
    case "claim":
      return { type, epoch: from.u48(), ballot: from.u32(), resigned: from.u48() };
    case "hold":
      return { type, epoch: from.u48(), leader: from.text(nameMax), id: from.id() };
    case "resign":
    case "vote":
      return { type, epoch: from.u48() };
    case "namesake":
      return { type, host: from.name(), id: from.id(), address: from.text(nameMax) };
    case "join": {
      const [seed, flags] = [from.id(), from.u8()];
      if (flags > 7) throw new BoundsError("flags");
      return { type, seed, free: (flags & 1) !== 0, leader: (flags & 2) !== 0, need: (flags & 4) !== 0 };
    }
    case "joined":
      return { type, members: from.u16(), needing: from.u16() };
    case "relay":
      return { type, group: readGroup(from), data: readInner(from) };
    case "relayed":
      return { type, group: readGroup(from), origin: from.text(nameMax), data: readInner(from) };
    case "renew":
      return { type, leases: from.list(perMessageMax, ref) };
    case "leases":
      return { type, valid: ids(), lost: ids() };
    case "release":
      return { type, leases: ids() };
    case "query":
      return { type, query: from.u32() };
    case "rows":
      return {
        type,
        query: from.u32(),
        total: from.u16(),
        rows: from.list(rowsPerMessage, () => readRow(from)),
      };
  }
}

function readRow(from: Reader): Row {
  const [host, address, free, total] = [from.name(), from.text(nameMax), from.u16(), from.u16()];
  return { host, address, free, total, cpuPercent: from.u8(), compat: from.name(), ageMs: from.u32() };
}
