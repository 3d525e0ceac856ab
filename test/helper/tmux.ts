/** A person at a terminal: a tmux server of its own, keys in, screen out. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { until } from "../../src/lab/wait.js";

let servers = 0;

export class Tmux {
  private readonly socket: string;

  /** Starts a shell in `folder`, 80 columns by 24 rows. */
  constructor(
    folder: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    this.socket = join(folder, `tmux${++servers}`);
    this.tmux(
      "-f",
      "/dev/null",
      "new-session",
      "-d",
      "-x",
      "80",
      "-y",
      "24",
      "-c",
      folder,
      "/bin/bash --norc",
    );
  }

  /** Types keys by tmux's names: `C-c`, `Enter`, or text. */
  keys(...keys: readonly string[]): void {
    this.tmux("send-keys", ...keys);
  }

  type(line: string): void {
    this.tmux("send-keys", "-l", line);
    this.keys("Enter");
  }

  get screen(): string {
    return this.tmux("capture-pane", "-p");
  }

  /** Waits until the screen shows it. */
  async shows(what: string | RegExp): Promise<void> {
    const seen = (): boolean =>
      typeof what === "string" ? this.screen.includes(what) : what.test(this.screen);
    try {
      await until(`the screen to show ${String(what)}`, seen, { ms: 10_000 });
    } catch (error) {
      throw new Error(`${String(error)}; it shows\n${this.screen}`, { cause: error });
    }
  }

  /** Waits for the shell's prompt: what is typed before a program has ended may be that program's. */
  async prompt(): Promise<void> {
    await this.shows(/[$#]\s*$/);
  }

  resize(columns: number, rows: number): void {
    this.tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  end(): void {
    this.tmux("kill-server");
  }

  private tmux(...args: readonly string[]): string {
    const env = { ...this.env, PS1: "$ ", TERM: "screen", LC_ALL: "C.UTF-8" };
    return execFileSync("tmux", ["-S", this.socket, ...args], { encoding: "utf8", env });
  }
}
