// Specifiers of compiled files. Inside the published package our packages lie beside each other and
// name each other by path: no resolver, no map and no package manager has to know of them.

import { posix } from "node:path";

/** `import … from "x"`, `export … from "x"`, `import "x"` at the start of a line; `import("x")`. */
const specifierPattern =
  /(^(?:import|export)\b[^;"'`]*?\bfrom\s*|^import\s*|\bimport\s*\(\s*)(")([^"\n]+)"/gm;
const urlPattern = /(new URL\(")([^"]+)\.ts(", import\.meta\.url\))/g;

/** Public name of a source → its path from the root. */
export type Sources = ReadonlyMap<string, string>;

/**
 * The text of the file at `path` (from the root, with `/`), with our packages' names as relative
 * paths and endings as compiled. Throws for a name of ours that no package has.
 */
export function rewriteText(text: string, path: string, sources: Sources): string {
  const named = text.replaceAll(
    specifierPattern,
    (_whole, before: string, quote: string, specifier: string) =>
      `${before}${quote}${rewrite(specifier, path, sources)}${quote}`,
  );
  return named.replaceAll(urlPattern, "$1$2.js$3");
}

/** The packages outside of ours that a rewritten file needs. */
export function outsidePackages(text: string): readonly string[] {
  const specifiers = [...text.matchAll(specifierPattern)].map((match) => match[3] ?? "");
  const outside = specifiers.filter((name) => !/^(\.|node:)/.test(name));
  return [...new Set(outside.map((name) => packageOf(name)))];
}

function rewrite(specifier: string, path: string, sources: Sources): string {
  if (specifier.startsWith(".")) return specifier.replace(/\.ts$/, ".js");
  if (!specifier.startsWith("@loci/")) return specifier;
  const source = sources.get(specifier);
  if (source === undefined) throw new Error(`${path} imports ${specifier}, which nobody exports`);
  const target = posix.relative(posix.dirname(path), source).replace(/\.ts$/, ".js");
  return target.startsWith(".") ? target : `./${target}`;
}

function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
