/** The command that reaches another host: PANTS_RSH, the host, and the agent's command. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { native } from "./native.js";
import { packageRoot } from "./paths.js";

function set(...options: readonly string[]): string[] {
  return options.flatMap((option) => ["-o", option]);
}

/**
 * For ssh itself: never ask, give up soon, and carry nothing but our bytes. The cipher is the one that costs least
 * where processors have AES.
 */
const SSH_OPTIONS = [
  ...set("BatchMode=yes", "ConnectTimeout=5", "ServerAliveInterval=5", "ServerAliveCountMax=2"),
  ...["-x", "-a", "-T", "-e", "none"],
  ...set(
    "ClearAllForwardings=yes",
    "ControlMaster=no",
    "ControlPath=none",
    "Ciphers=^aes128-gcm@openssh.com",
  ),
  // What ~/.ssh/config may say for logins by hand; the last three are of OpenSSH 8.7 and later.
  ...set("RemoteCommand=none", "PermitLocalCommand=no"),
  ...set("IgnoreUnknown=StdinNull,ForkAfterAuthentication,SessionType"),
  ...set("StdinNull=no", "ForkAfterAuthentication=no", "SessionType=default"),
];

export type Remote = ChildProcessByStdio<Writable, Readable, Readable>;

/** One word to every shell, with nothing in it that means something to it. */
const WORD = /^[A-Za-z0-9_./@%+=:,-]+$/;

/** A name for a link that never comes again. */
export const newLinkId = (): string => randomBytes(12).toString("hex");

/** A host name as it may be given to a remote shell command: never an option, never a word of a shell. */
export const isHostName = (host: string): boolean => /^[A-Za-z0-9_[][A-Za-z0-9._:@%[\]-]{0,254}$/.test(host);

/** The whole command line of the agent. @param command - empty = where it is on this host */
export function rshCommand(rsh: string, host: string, command: string, link: string): string[] {
  const agent = command === "" ? quote(join(packageRoot, "bin", "prex-agent")) : command;
  // Some login shells would stay beside it as long as the link does. What is more than one word is not ours to change.
  const exec = command === "" || WORD.test(command) ? "exec " : "";
  return [...reach(rsh, host), `${exec}${agent} --link ${link}`];
}

/** The whole command line of another program of ours, where it is on this host. */
export function rshRun(rsh: string, host: string, program: string, args: readonly string[]): string[] {
  return rshProgram(rsh, host, [join(packageRoot, "bin", program), ...args]);
}

/** The whole command line of any program, with variables of its own if need be. */
export function rshProgram(
  rsh: string,
  host: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string[] {
  const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  const prefix = variables.length > 0 ? ["env", ...variables] : [];
  return [...reach(rsh, host), [...prefix, ...argv].map(quote).join(" ")];
}

function reach(rsh: string, host: string): string[] {
  const words = rsh.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) words.push("ssh");
  // The user's own options come first, since ssh takes the first that it is given.
  const options = /(^|\/)ssh$/.test(words[0] ?? "") ? SSH_OPTIONS : [];
  return [...words, ...options, host];
}

/** Starts it with pipes; what is PANTS's own in the environment stays here. */
export function startRemote(command: readonly string[]): Remote {
  const [program = "ssh", ...args] = command;
  return spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: ownEnv(), detached: true });
}

/** A remote command whose bytes go past Node: its stdin and stdout are descriptors of ours, non-blocking. */
export interface RemoteLink {
  readonly child: ChildProcess;
  readonly input: number;
  readonly output: number;
}

/** The same for a link, with these variables over our own. */
export function startLink(command: readonly string[], more: NodeJS.ProcessEnv): RemoteLink {
  const [program = "ssh", ...args] = command;
  const [stdin, output] = native.pipe();
  const [input, stdout] = native.pipe();
  for (const theirs of [stdin, stdout]) native.setBlocking(theirs, true);
  try {
    const env = { ...ownEnv(), ...more };
    const child = spawn(program, args, { stdio: [stdin, stdout, "pipe"], env, detached: true });
    return { child, input, output };
  } finally {
    for (const theirs of [stdin, stdout]) native.close(theirs);
  }
}

function ownEnv(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  delete env["LD_PRELOAD"];
  delete env["PANTS_STANDIN"];
  return env;
}

/** One word for any shell. */
function quote(path: string): string {
  return WORD.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
