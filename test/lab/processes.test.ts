/** Which processes run a command of this package. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, describe as group, it } from "vitest";
import { children, describe, endAll, isMarked, MARK, running } from "../../src/lab/processes.js";
import { until } from "../../src/lab/wait.js";

group("ending processes by their mark", () => {
  it("ends one that executes something all the time, and so is not seen at times", async () => {
    const again = 'exec bash -c "$AGAIN"';
    const shell = spawn("bash", ["-c", again], {
      env: { ...process.env, AGAIN: again, [MARK]: "nowhere/n1" },
    });
    const ended = once(shell, "close");
    const { pid = 0 } = shell;
    try {
      await until("the shell", () => isMarked(pid, "nowhere/n1"));
      // As if it was looked at in such a moment.
      const looks = [[], [pid], [], [], [pid]];
      await endAll("the shell", () => looks.shift() ?? []);
      expect(looks).toEqual([[pid]]);
      expect(await ended).toEqual([null, "SIGKILL"]);
    } finally {
      shell.kill("SIGKILL");
    }
  });
});

group("processes that run a command", () => {
  it("are not those that one of them has forked and that have not executed anything yet", async () => {
    // A subshell is such a child: it has its parent's name and words.
    const shell = spawn("bash", ["-c", "printf prex-agent > /proc/$$/comm; (read wait; :); :"]);
    try {
      const { pid = 0 } = shell;
      const all = () => [pid, ...children(pid)].flatMap((one) => describe(one) ?? []);
      await until("the subshell", () => all().length === 2);
      expect(all().map(({ name }) => name)).toEqual(["prex-agent", "prex-agent"]);
      expect(running(all(), "prex-agent").map((one) => one.pid)).toEqual([pid]);
      expect(running(all(), "prexd")).toEqual([]);
    } finally {
      shell.stdin.end();
      await once(shell, "close");
    }
  });
});
