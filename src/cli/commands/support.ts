/** What all commands share: a failure in one line, and the way out. */

/** A command that cannot do what was asked, in words for the user; exit status 1. */
export class CommandError extends Error {}

/** A command line that makes no sense; exit status 2. */
export class UsageError extends Error {}

/** Writes to stdout, with a newline. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes JSON to stdout, for programs. */
export function printJson(value: unknown): void {
  print(
    JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? part.toString() : part), 2),
  );
}

/**
 * Runs a command to its end: sets the exit status, and turns what is thrown into one line for the user.
 * @param name - what to put before a message
 */
export async function main(name: string, command: () => Promise<void> | void): Promise<void> {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.stdout.destroy();
    if (error.code === "EPIPE") return; // `pants why | head` ends when head does
    process.exitCode = 1;
    process.stderr.write(`${name}: cannot write: ${error.message}\n`);
  });
  try {
    await command();
  } catch (error) {
    const usage = error instanceof UsageError;
    process.exitCode = usage ? 2 : 1;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${name}: ${message}\n`);
    if (usage) process.stderr.write(`${name}: try '${name} --help'\n`);
    if (process.env["PANTS_DEBUG"] && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  }
}
