/** Which processes run a command of this package. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, describe as group, it } from "vitest";
import { children, describe, running } from "../../src/lab/processes.js";
import { until } from "../../src/lab/wait.js";

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
