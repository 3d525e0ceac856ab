/** Real ssh to a real sshd on loopback: whatever it is asked, it never asks back, and nothing but our bytes is carried. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { plainShells } from "../../src/lab/ssh.js";
import { until } from "../../src/lab/wait.js";
import { Bed } from "./bed.js";

const sshd = "/usr/sbin/sshd";
const missing = !existsSync(sshd) ? "no sshd" : process.getuid?.() !== 0 ? "not root" : "";
if (missing !== "") console.warn(`tests of real logins are skipped: ${missing}`);

let bed: Bed;
let server: ChildProcess | undefined;
let folder = "";
beforeEach(() => {
  bed = new Bed();
  folder = join(bed.directory, "ssh");
  mkdirSync(folder, { mode: 0o700 });
});
afterEach(async () => {
  await bed.end();
  server?.kill("SIGKILL");
});

const key = (name: string): string => {
  const file = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
  return readFileSync(`${file}.pub`, "utf8").trim();
};

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });

/** Starts sshd; `ssh far` reaches it with the user's key, and knows its host key. */
async function login(...more: string[]): Promise<void> {
  const port = await freePort();
  const host = key("hostkey");
  writeFileSync(join(folder, "authorized"), `${key("id")}\n`);
  const config = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${join(folder, "hostkey")}`,
    `AuthorizedKeysFile ${join(folder, "authorized")}`,
    "UsePAM no",
    "StrictModes no",
    "PermitRootLogin yes",
    "PidFile none",
    `SetEnv PANTS_RUNTIME_DIR=${bed.runtime} PANTS_CONFIG=/nonexistent`,
    ...more,
  ];
  writeFileSync(join(folder, "sshd_config"), `${config.join("\n")}\n`);
  writeFileSync(join(folder, "known"), `[127.0.0.1]:${port} ${host}\n`);
  const client = [
    "Host *",
    "HostName 127.0.0.1",
    `Port ${port}`,
    "User root",
    `IdentityFile ${join(folder, "id")}`,
    "IdentitiesOnly yes",
    `UserKnownHostsFile ${join(folder, "known")}`,
    "GlobalKnownHostsFile /dev/null",
    "ForwardAgent yes",
    "ForwardX11 yes",
    "RemoteForward 127.0.0.1:0 127.0.0.1:9",
  ];
  writeFileSync(join(folder, "config"), `${client.join("\n")}\n`);
  // sshd wants /run/sshd, which is not everywhere; a /run of its own leaves nothing behind. Start files of root's are not ours to test.
  const command =
    'mount -t tmpfs none /run && mkdir -m 755 /run/sshd && mount --bind "$3" /etc/passwd && ' +
    `exec ${sshd} -D -f "$1" -E "$2"`;
  writeFileSync(join(folder, "passwd"), plainShells(readFileSync("/etc/passwd", "utf8")));
  const files = [join(folder, "sshd_config"), join(folder, "log"), join(folder, "passwd")];
  server = spawn("unshare", ["-m", "sh", "-c", command, "sh", ...files], { stdio: "ignore" });
  await until(
    "sshd to listen",
    () => existsSync(join(folder, "log")) && readFileSync(join(folder, "log"), "utf8").includes("listening"),
  );
  bed.env["PANTS_RSH"] = `ssh -F ${join(folder, "config")}`;
}

const local = { code: 0, stdout: "here\n" };

it.skipIf(missing !== "")(
  "carries nothing but our bytes: no agent, no X11, no port, whatever the user's settings",
  async () => {
    bed.env["SSH_AUTH_SOCK"] = join(folder, "agent.sock");
    bed.env["DISPLAY"] = "localhost:10.0";
    await login("X11Forwarding yes", "AllowAgentForwarding yes", "AllowTcpForwarding yes");
    expect(await bed.on("far", "echo there")).toMatchObject({ code: 0, stdout: "there\n" });
    const [agent] = bed.processes("cli/prex-agent.js");
    const environment = readFileSync(`/proc/${agent}/environ`, "latin1");
    expect(environment).toContain("SSH_CONNECTION=");
    expect(environment).not.toMatch(/SSH_AUTH_SOCK|DISPLAY/);
    expect(readFileSync(join(folder, "log"), "utf8")).not.toMatch(/forward/i);
  },
);

it.skipIf(missing !== "")(
  "is one session, and one connection: MaxSessions 1 and MaxStartups 1 are enough for many jobs",
  async () => {
    await login("MaxSessions 1", "MaxStartups 1");
    const { stdout } = await bed.shell(
      "seq 20 | xargs -P 20 -I N $PREX --on far /bin/sh -c 'echo N' | sort -n | tail -1",
    );
    expect(stdout).toBe("20\n");
    expect((await bed.prexd()).links).toHaveLength(1);
  },
);

it.skipIf(missing !== "")(
  "where too many are logging in already, is refused, and the program runs here",
  async () => {
    await login("MaxStartups 1:100:1", "LoginGraceTime 30");
    const port = Number(/^Port (\d+)/m.exec(readFileSync(join(folder, "config"), "utf8"))?.[1]);
    const { connect } = await import("node:net");
    const others = connect(port, "127.0.0.1");
    await new Promise((resolve) => others.once("data", resolve)); // its banner: one that has not logged in
    expect(await bed.on("far", "echo here")).toMatchObject(local);
    expect(bed.noLink()).toMatch(/./);
    others.destroy();
  },
);

it.skipIf(missing !== "")("where only a password would do, is refused without a question", async () => {
  await login("AuthenticationMethods password");
  expect(await bed.on("far", "echo here")).toMatchObject(local);
  expect(bed.noLink()).toContain("Permission denied");
});

it.skipIf(missing !== "")("whose host key has changed, is refused, and said", async () => {
  await login();
  key("other");
  const known = readFileSync(join(folder, "known"), "utf8").split(" ")[0] ?? "";
  writeFileSync(join(folder, "known"), `${known} ${readFileSync(join(folder, "other.pub"), "utf8")}`);
  expect(await bed.on("far", "echo here")).toMatchObject(local);
  expect(bed.noLink()).toContain("Host key verification failed");
});

it.skipIf(missing !== "")(
  "with a key that asks for its passphrase, is refused without a question",
  async () => {
    await login();
    execFileSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", "secret", "-f", join(folder, "id")]);
    copyFileSync("/bin/false", join(folder, "askpass"));
    bed.env["SSH_ASKPASS"] = join(folder, "askpass");
    bed.env["SSH_ASKPASS_REQUIRE"] = "force";
    expect(await bed.on("far", "echo here")).toMatchObject(local);
    expect(bed.noLink()).toContain("Permission denied");
  },
);

it.skipIf(missing !== "")(
  "finds the key agent of the program that needs it, once that of the login in which prexd started is gone",
  async () => {
    await login();
    const agents: ChildProcess[] = [];
    /** The only place where the key is. */
    const agent = async (name: string): Promise<string> => {
      const socket = join(folder, name);
      const one = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
      agents.push(one);
      await until("the key agent", () => existsSync(socket));
      execFileSync("ssh-add", ["-q", kept], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
      return socket;
    };
    const kept = join(folder, "kept");
    copyFileSync(join(folder, "id"), kept);
    rmSync(join(folder, "id")); // Only id.pub is left: it names the key that the agent is asked for.
    const far = (socket: string) => bed.shell(`SSH_AUTH_SOCK=${socket} $PREX --on far /bin/true`);
    const there = { code: 0, stderr: "" };
    try {
      const first = await agent("first");
      expect(await far(first)).toMatchObject(there);
      const [{ link: old } = { link: "" }] = (await bed.prexd()).links;
      // That login ends, and its link with it.
      agents[0]?.kill();
      await until("the key agent to be gone", () => !existsSync(first));
      for (const pid of bed.processes("cli/prex-agent.js")) process.kill(pid, "SIGKILL");
      await until("the link to be gone", async () => (await bed.prexd()).links.length === 0);
      expect(await far(await agent("second"))).toMatchObject(there);
      const [{ link } = { link: "" }] = (await bed.prexd()).links;
      expect(link).not.toBe(old);
    } finally {
      for (const one of agents) one.kill();
    }
  },
);
