import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../io/paths.js";
import { Unavailable } from "./experiment.js";

/** Where `make`, or `make install`, has put libprex.so. @throws {Unavailable} */
export function shim(): string {
  const folders = [join(packageRoot, "build", "Release"), join(packageRoot, "..")];
  const places = folders.map((folder) => join(folder, "libprex.so"));
  const found = places.find(existsSync);
  if (found === undefined) throw new Unavailable(`no libprex.so: looked for ${places.join(" and ")}`);
  return found;
}
