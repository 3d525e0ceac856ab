/** UDP addresses as text: `10.0.0.1:7717`, `[fd00::1]:7717`, `[fe80::1%eth0]:7717`. */
import { isIPv6 } from "node:net";

export type Family = "IPv4" | "IPv6";

export function familyOf(address: string): Family {
  return isIPv6(address) ? "IPv6" : "IPv4";
}

export function addressText(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Address and port of a text that `addressText` made. */
export function splitAddress(text: string): [address: string, port: number] {
  const colon = text.lastIndexOf(":");
  return [hostPart(text.slice(0, colon)), Number(text.slice(colon + 1))];
}

/** Without the brackets. */
export function hostPart(text: string): string {
  return text.startsWith("[") ? text.slice(1, -1) : text;
}

export function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(address);
}

/**
 * A link-local address as this host must name it: by its own interface, whatever the one is called on the host that
 * said it. Others stay as they are.
 */
export function scopedTo(address: string, interfaceName: string): string {
  return isLinkLocal(address) ? `${address.replace(/%.*/, "")}%${interfaceName}` : address;
}
