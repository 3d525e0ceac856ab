/** Plain text for terminals and for grep: no colour, columns as wide as they need to be. */

/** Text of other people's making, made harmless for a terminal. */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}

/** Rows under a heading, columns aligned; columns whose heading begins with ">" are flushed right. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const right = heading.map((title) => title.startsWith(">"));
  const lines = [heading.map((title) => title.replace(/^>/, "")), ...rows.map((row) => row.map(clean))];
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map((line) =>
      widths
        .map((width, column) =>
          right[column] ? (line[column] ?? "").padStart(width) : (line[column] ?? "").padEnd(width),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Label and value, one pair a line. */
export function pairs(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `${label.padEnd(width)}  ${clean(value)}`).join("\n");
}

/** A span of time in its one or two largest units: `850 ms`, `12 s`, `3 min 5 s`, `2 h 5 min`, `4 d 1 h`. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const s = Math.floor(ms / 1000);
  if (s < 60) return s < 10 ? `${(Math.floor(ms / 100) / 10).toFixed(1)} s` : `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return min < 10 ? `${min} min ${s % 60} s` : `${min} min`;
  const h = Math.floor(min / 60);
  return h < 24 ? `${h} h ${min % 60} min` : `${Math.floor(h / 24)} d ${h % 24} h`;
}
