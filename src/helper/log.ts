/** What prexd says on stderr: JSON lines as pino writes them, quiet unless PANTS_LOG asks for more. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

const none = (): void => undefined;
const silent: Log = { debug: none, info: none, warn: none };

/** A logger for a level; pino is loaded only when something can be said. */
export async function openLog(level: string): Promise<Log> {
  if (level === "silent") return silent;
  const { pino } = await import("pino");
  const log: Log = pino({ level, base: { pid: process.pid } }, pino.destination({ dest: 2, sync: true }));
  return log;
}
