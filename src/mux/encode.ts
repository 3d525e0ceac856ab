/** Frames to bytes. */
import { Buffer } from "node:buffer";
import { type FrameType, HEADER_SIZE } from "./frame.js";

/** The header alone: the payload follows from where it lies. */
export function encodeHeader(type: FrameType, flags: number, stream: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_SIZE);
  writeHeader(header, type, flags, stream, length);
  return header;
}

/** A whole frame in one buffer. */
export function encodeFrame(type: FrameType, flags: number, stream: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_SIZE + payload.length);
  writeHeader(frame, type, flags, stream, payload.length);
  frame.set(payload, HEADER_SIZE);
  return frame;
}

/** Four bytes, as CREDIT, SIGNAL and STOPPED carry. */
export function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value >>> 0, 0);
  return bytes;
}

/** Eight bytes, as OFFSET carries. */
export function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64LE(BigInt(value), 0);
  return bytes;
}

function writeHeader(into: Buffer, type: FrameType, flags: number, stream: number, length: number): void {
  into[0] = type;
  into[1] = flags;
  into[2] = 0;
  into[3] = 0;
  into.writeUInt32LE(stream, 4);
  into.writeUInt32LE(length, 8);
}
