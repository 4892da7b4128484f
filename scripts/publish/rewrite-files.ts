// Rewrites every compiled file in place and says which outside packages the JavaScript loads.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";

import { outsidePackages, rewriteText } from "./rewrite-text.ts";
import type { Workspace } from "./workspace.ts";

export function rewriteFiles(output: string, { sources }: Workspace): ReadonlySet<string> {
  const outside = new Set<string>();
  for (const name of readdirSync(output, { recursive: true, encoding: "utf8" })) {
    if (!/\.(js|d\.ts)$/.test(name)) continue;
    const path = join(output, name);
    const text = rewriteText(readFileSync(path, "utf8"), name.replaceAll(sep, "/"), sources);
    writeFileSync(path, text);
    if (!name.endsWith(".js")) continue;
    for (const one of outsidePackages(text)) outside.add(one);
  }
  return outside;
}
