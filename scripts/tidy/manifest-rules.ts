// Rules about dependencies: exact versions, and a reason for each in docs/dependencies.md.

import type { Problem, Rule, SourceFile } from "./source-file.ts";

const documentPath = "docs/dependencies.md";
const exactVersion = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;
const reasonCharsMin = 15;
const dependencyFields = ["dependencies", "devDependencies", "optionalDependencies"] as const;

interface Dependency {
  readonly path: string;
  readonly name: string;
  readonly version: string;
}

export const checkVersions: Rule = (files) =>
  dependenciesOf(files)
    .filter(({ name, version }) => !isOurs(name) && !exactVersion.test(version))
    .map(({ path, name, version }) => ({
      path,
      line: 0,
      message: `${name} is "${version}"; state one exact version`,
    }));

export const checkReasons: Rule = (files) => {
  const document = files.find(({ path }) => path === documentPath)?.text ?? "";
  const rows = [...document.matchAll(/^\| `([^`]+)` *\| (.*?) *\|$/gm)];
  const reasons = new Map(rows.map((row) => [row[1] ?? "", row[2] ?? ""]));
  const named = dependenciesOf(files).filter(({ name }) => !isOurs(name));
  const known = new Set(named.map(({ name }) => reasonKey(name, reasons)));
  const missing = named.filter(
    ({ name }) => (reasons.get(reasonKey(name, reasons))?.length ?? 0) < reasonCharsMin,
  );
  const stale = [...reasons.keys()].filter((name) => !known.has(name));
  return [
    ...missing.map(({ path, name }) => problem(path, `${name} has no reason in ${documentPath}`)),
    ...stale.map((name) => problem(documentPath, `${name} is no dependency any more`)),
  ];
};

/** `@scope/*` gives one reason for all packages of a scope. */
function reasonKey(name: string, reasons: ReadonlyMap<string, string>): string {
  const scope = `${name.split("/")[0]}/*`;
  return name.includes("/") && reasons.has(scope) ? scope : name;
}

function dependenciesOf(files: readonly SourceFile[]): readonly Dependency[] {
  const manifests = files.filter(({ path }) => /^(packages\/[a-z]+\/)?package\.json$/.test(path));
  return manifests.flatMap(({ path, text }) => {
    const manifest: unknown = JSON.parse(text);
    return dependencyFields.flatMap((field) =>
      entriesOf(manifest, field).map(([name, version]) => ({ path, name, version })),
    );
  });
}

function entriesOf(manifest: unknown, field: string): readonly (readonly [string, string])[] {
  if (typeof manifest !== "object" || manifest === null) return [];
  const value: unknown = new Map<string, unknown>(Object.entries(manifest)).get(field);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).map(([name, version]) => [name, String(version)] as const);
}

function isOurs(name: string): boolean {
  return name.startsWith("@loci/");
}

function problem(path: string, message: string): Problem {
  return { path, line: 0, message };
}
