// What the workspace's manifests say: public names of our packages, versions of all others.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Workspace {
  readonly version: string;
  readonly license: string;
  readonly description: string;
  /** `@loci/core` or `@loci/cli/find-model` → `packages/core/src/index.ts`. */
  readonly sources: ReadonlyMap<string, string>;
  /** Outside packages → their exact version. */
  readonly versions: ReadonlyMap<string, string>;
  /** Outside packages that are only there on some platforms. */
  readonly optional: ReadonlyMap<string, string>;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly description?: string;
  readonly exports?: string | Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Throws where two packages of ours want different versions of one dependency. */
export function readWorkspace(root: string): Workspace {
  const { version, license = "", description = "" } = readManifest(root);
  const sources = new Map<string, string>();
  const versions = new Map<string, string>();
  const optional = new Map<string, string>();
  for (const folder of readdirSync(join(root, "packages"))) {
    const manifest = readManifest(join(root, "packages", folder));
    for (const [name, path] of exportsOf(manifest)) {
      sources.set(name, `packages/${folder}/${path.replace(/^\.\//, "")}`);
    }
    for (const [name, wanted] of Object.entries(manifest.dependencies ?? {})) {
      if (name.startsWith("@loci/")) continue;
      const known = versions.get(name) ?? wanted;
      if (known !== wanted) throw new Error(`${name} is wanted as ${known} and as ${wanted}`);
      versions.set(name, wanted);
    }
    for (const entry of Object.entries(manifest.optionalDependencies ?? {})) optional.set(...entry);
  }
  return { version, license, description, sources, versions, optional };
}

function exportsOf({ name, exports }: Manifest): readonly (readonly [string, string])[] {
  if (exports === undefined) return [];
  if (typeof exports === "string") return [[name, exports]];
  return Object.entries(exports).map(([key, path]) => [name + key.slice(1), path]);
}

function readManifest(folder: string): Manifest {
  const manifest: Manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return manifest;
}
