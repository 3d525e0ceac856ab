/** The way of 2002: a script in the compiler's place that sends each call to the next host by ssh. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Peer, pathOf, type Setting, type Typed } from "./peer.js";

/** Whose turn it is stands in a file. Connections stay open: without that each call costs a login more. */
const SCRIPT = `#!/bin/bash
hosts=(HOSTS)
exec 9<>TURN; flock 9; read -r n <&9; echo $(( (n + 1) % \${#hosts[@]} )) >TURN; exec 9>&-
host=\${hosts[n]}
[ "$host" != "\${hosts[0]}" ] || exec COMPILER "$@"
exec ssh -F CONFIG -o ControlMaster=auto -o ControlPath=/run/pants-bench-%h -o ControlPersist=60 "$host" "cd \${PWD@Q} && exec COMPILER \${*@Q}"
`;

// eslint-disable-next-line @typescript-eslint/require-await -- as the others
async function setUp({ lab, compiler }: Setting): Promise<Typed> {
  const folder = join(lab.folder, "round-robin");
  mkdirSync(folder);
  const turn = join(folder, "turn");
  writeFileSync(turn, "0\n");
  const script = join(folder, "gcc");
  const names = lab.hosts.map(({ name }) => name).join(" ");
  const text = SCRIPT.replace("HOSTS", names)
    .replaceAll("TURN", turn)
    .replaceAll("COMPILER", join(compiler, "gcc"))
    .replace("CONFIG", join(lab.folder, "ssh_config"));
  writeFileSync(script, text);
  chmodSync(script, 0o755);
  return { before: [], env: { PATH: pathOf(folder, compiler) } };
}

export const sshRoundRobin: Peer = { name: "ssh round robin", needs: { ssh: "openssh-client" }, setUp };
