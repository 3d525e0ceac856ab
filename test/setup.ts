/** Once before all tests. */
import { existsSync } from "node:fs";
import { join } from "node:path";

export default function setup(): void {
  const root = join(import.meta.dirname, "..");
  for (const file of [
    "dist/cli/pantsd.js",
    "build/Release/pants.node",
    "build/Release/libprex.so",
    "build/Release/prex",
  ]) {
    if (!existsSync(join(root, file))) throw new Error(`${file} is missing: run \`make\` first`);
  }
}
