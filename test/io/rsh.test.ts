import { expect, it } from "vitest";
import { rshCommand } from "../../src/io/rsh.js";

const asked = (command: string): string => rshCommand("ssh -q", "far", command, "ab12").at(-1) ?? "";

it("no login shell stays beside the agent, unless its command is more than a word", () => {
  expect(asked("")).toMatch(/^exec \/.*\/bin\/prex-agent --link ab12$/);
  expect(asked("/opt/pants/bin/prex-agent")).toBe("exec /opt/pants/bin/prex-agent --link ab12");
  expect(asked(". /etc/profile; prex-agent")).toBe(". /etc/profile; prex-agent --link ab12");
});
