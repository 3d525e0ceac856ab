/** Keys and configuration, so that ssh between hosts of a lab asks nothing and touches nobody's own files. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tool } from "./command.js";
import { which } from "./rights.js";

/** A host as ssh knows it. */
export interface Address {
  readonly name: string;
  readonly address: string;
}

const quoted = (value: string): string => `"${value.replaceAll('"', "")}"`;

/** One key pair for whoever logs in, one for each host; `ssh -F FOLDER/ssh_config HOST` then works from any host. */
export function writeSsh(folder: string, hosts: readonly Address[]): void {
  const user = join(folder, "id");
  makeKey(user);
  const known: string[] = [];
  for (const { name, address } of hosts) {
    const key = join(folder, name, "hostkey");
    makeKey(key);
    known.push(`${name},${address} ${readFileSync(`${key}.pub`, "utf8").trim()}`);
    writeFileSync(join(folder, name, "authorized_keys"), readFileSync(`${user}.pub`));
  }
  writeFileSync(join(folder, "known_hosts"), `${known.join("\n")}\n`);
  const each = hosts.map(({ name, address }) => `Host ${name}\n  HostName ${address}\n`);
  const all = {
    IdentityFile: user,
    IdentitiesOnly: "yes",
    UserKnownHostsFile: join(folder, "known_hosts"),
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "yes",
    BatchMode: "yes",
    LogLevel: "ERROR",
    ConnectTimeout: "5",
  };
  const lines = Object.entries(all).map(([key, value]) => `  ${key} ${value}\n`);
  writeFileSync(join(folder, "ssh_config"), `${each.join("")}Host *\n${lines.join("")}`);
}

/** Keys that open a user's account on every host, beside the lab's own. */
export const authorizedKeys = (folder: string, user: string): string =>
  join(folder, `authorized_keys.${user}`);

/** The command line of a host's sshd. `env` is what each login starts with. */
export function sshdCommand(folder: string, name: string, env: NodeJS.ProcessEnv): string[] {
  const dir = join(folder, name);
  const set = Object.entries(env).map(([key, value]) => quoted(`${key}=${value ?? ""}`));
  const lines = [
    `HostKey ${join(dir, "hostkey")}`,
    `AuthorizedKeysFile ${join(dir, "authorized_keys")} ${authorizedKeys(folder, "%u")}`,
    "AuthenticationMethods publickey",
    "PermitRootLogin yes",
    "UsePAM no",
    "StrictModes no",
    "UseDNS no",
    "PrintMotd no",
    "PidFile /run/sshd.pid",
    "MaxStartups 200",
    "MaxSessions 200",
    "LogLevel VERBOSE",
    "Subsystem sftp internal-sftp",
    `SetEnv ${set.join(" ")}`,
  ];
  const config = join(dir, "sshd_config");
  writeFileSync(config, `${lines.join("\n")}\n`);
  return [which("sshd"), "-f", config, "-E", join(dir, "sshd.log")];
}

/** A shadow file in which nobody is locked and nobody has a password: without PAM sshd turns locked users away. */
export function openShadow(passwd: string): string {
  const names = passwd.split("\n").map((line) => line.split(":")[0] ?? "");
  return names.map((name) => (name ? `${name}:*:19000:0:99999:7:::\n` : "")).join("");
}

/**
 * A passwd file in which whoever may log in has a shell that reads no start files: those of the user who runs the lab
 * may be slow, and one that was killed half-way may make the next ones wait for what it held (pyenv's do, for a minute).
 */
export function plainShells(passwd: string): string {
  return passwd.replace(/:[^:\n]*$/gm, (shell) =>
    /\/(nologin|false|sync)$/.test(shell) ? shell : ":/bin/sh",
  );
}

export function makeKey(file: string): void {
  tool("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", file]);
}
