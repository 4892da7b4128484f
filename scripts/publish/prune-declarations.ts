// Declarations are for whoever imports the library; those that its own do not lead to stay behind.

import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join, normalize } from "node:path";

const specifierPattern = /(?:\bfrom\s*|\bimport\s*\(\s*|^import\s*)"(\.[^"\n]+)"/gm;

/** Removes declarations that cannot be reached from `entry`, a path within `output`. */
export function pruneDeclarations(output: string, entry: string): void {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    const text = readFileSync(join(output, path), "utf8");
    for (const match of text.matchAll(specifierPattern)) {
      visit(normalize(join(path, "..", (match[1] ?? "").replace(/\.js$/, ".d.ts"))));
    }
  };
  visit(normalize(entry));
  for (const path of readdirSync(output, { recursive: true, encoding: "utf8" })) {
    if (path.endsWith(".d.ts") && !reached.has(path)) rmSync(join(output, path));
  }
}
