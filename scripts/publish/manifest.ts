// The published package's manifest: exactly the versions that were tested here.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Workspace } from "./workspace.ts";

export interface PublishedManifest {
  readonly name: string;
  readonly version: string;
  readonly type: "module";
  readonly dependencies: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** Needed for one setting each, and large: whoever uses it installs it beside the package. */
const onRequest: ReadonlySet<string> = new Set(["@kubernetes/client-node", "zeromq"]);

/** Throws for an outside package whose version no manifest states. */
export function publishedManifest(
  workspace: Workspace,
  outside: ReadonlySet<string>,
): PublishedManifest {
  const { version, license, description, versions } = workspace;
  const always = [...outside].filter((name) => !onRequest.has(name));
  const seldom = [...outside].filter((name) => onRequest.has(name));
  return {
    name: "loci",
    version,
    description,
    license,
    keywords: ["llm", "inference", "serving", "openai", "gguf", "llama.cpp", "kv-cache"],
    type: "module",
    engines: { node: ">=24.6" },
    bin: { loci: "bin/loci.js" },
    exports: {
      ".": {
        types: "./packages/loci/src/index.d.ts",
        default: "./packages/loci/src/index.js",
      },
      "./package.json": "./package.json",
    },
    scripts: { postinstall: "node packages/ggml/native/build.js" },
    dependencies: versionsOf(always, versions),
    ...peers(versionsOf(seldom, versions)),
    optionalDependencies: Object.fromEntries(workspace.optional),
  };
}

export function writeManifest(output: string, manifest: PublishedManifest): void {
  write(output, manifest);
  // Where the command line reads its version.
  const { name, version, type } = manifest;
  write(join(output, "packages", "cli"), { name, version, type });
}

function write(folder: string, manifest: object): void {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

function versionsOf(
  names: readonly string[],
  versions: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const entries = names.toSorted().map((name) => {
    const version = versions.get(name);
    if (version === undefined) throw new Error(`no manifest states a version of ${name}`);
    return [name, version];
  });
  return Object.fromEntries(entries);
}

function peers(versions: Readonly<Record<string, string>>): object {
  const wanted = Object.entries(versions).map(([name, version]) => [name, `^${version}`]);
  const meta = Object.keys(versions).map((name) => [name, { optional: true }]);
  return {
    peerDependencies: Object.fromEntries(wanted),
    peerDependenciesMeta: Object.fromEntries(meta),
  };
}
