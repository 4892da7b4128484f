// A library that answers without HTTP must not load a web framework, a command line or a logger:
// everything that is imported when it starts is looked at.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

const importPattern = /^(?:import|export) (?!type )[^;]*?from "([^"]+)";/gm;
const bareImportPattern = /^import "([^"]+)";/gm;

/** Outside packages that the files behind `entry` load, dynamic imports apart. */
function loadedPackages(entry: string): ReadonlySet<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const text = readFileSync(path, "utf8");
    for (const pattern of [importPattern, bareImportPattern]) {
      for (const [, specifier = ""] of text.matchAll(pattern)) {
        const isOurs = specifier.startsWith(".") || specifier.startsWith("@loci/");
        if (isOurs) visit(fileURLToPath(resolved(specifier, path)));
        else if (!specifier.startsWith("node:")) packages.add(specifier);
      }
    }
  };
  visit(entry);
  return packages;
}

function resolved(specifier: string, from: string): string {
  if (specifier.startsWith(".")) return new URL(specifier, `file://${from}`).href;
  return import.meta.resolve(specifier);
}

test("the library loads neither a web framework nor a command line", () => {
  const packages = loadedPackages(fileURLToPath(new URL("index.ts", import.meta.url)));
  expect([...packages].toSorted()).toEqual(["koffi", "pg", "typebox", "typebox/compile"]);
});
