/** Ordinary users of a lab: on every host an account, the same home, and a login by a key of their own. */
import { appendFileSync, chownSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "./command.js";
import type { Env } from "./place.js";
import { authorizedKeys, makeKey, openShadow } from "./ssh.js";

export interface User {
  readonly name: string;
  readonly uid: number;
  /** Seen by all hosts. */
  readonly home: string;
}

/** Their numbers begin here; nobody's, on Debian and its like. */
const FIRST_UID = 61_101;

/** Makes accounts in the lab's files, before its hosts come up and after ssh's are written. @throws {LabError} */
export function addUsers(folder: string, names: readonly string[]): User[] {
  if (names.length === 0) return [];
  const passwd = join(folder, "passwd");
  const taken = readFileSync(passwd, "utf8").split("\n");
  mkdirSync(join(folder, "home"));
  return names.map((name, i) => {
    const user: User = { name, uid: FIRST_UID + i, home: join(folder, "home", name) };
    const clash = taken.find(
      (line) => line.startsWith(`${name}:`) || line.split(":")[2] === String(user.uid),
    );
    if (clash !== undefined) throw new LabError(`user ${name} (${user.uid}) is there already: ${clash}`);
    const line = `${name}:x:${user.uid}:${user.uid}::${user.home}:/bin/sh\n`;
    appendFileSync(passwd, line);
    appendFileSync(join(folder, "shadow"), openShadow(line));
    makeHome(folder, user);
    return user;
  });
}

/** With a key that opens this user's account on every host, and the hosts' keys. */
function makeHome(folder: string, { name, uid, home }: User): void {
  const ssh = join(home, ".ssh");
  mkdirSync(home, { mode: 0o700 });
  mkdirSync(ssh, { mode: 0o700 });
  const key = join(ssh, "id_ed25519");
  makeKey(key);
  copyFileSync(`${key}.pub`, authorizedKeys(folder, name));
  copyFileSync(join(folder, "known_hosts"), join(ssh, "known_hosts"));
  for (const one of [home, ssh, key, `${key}.pub`, join(ssh, "known_hosts")]) chownSync(one, uid, uid);
}

/** A command of this user's, from one of root's; groups are the user's own alone. */
export const asUser = ({ uid }: User, argv: readonly string[]): string[] => [
  ...["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"],
  ...argv,
];

/** What such a command finds otherwise than root's: its ssh has no options, only what is in its home. */
export const userEnv = ({ name, home }: User): Env => ({
  ...{ HOME: home, USER: name, LOGNAME: name },
  PANTS_RSH: undefined,
});
