// Finds the prebuilt library of a kind of device. Those packages are large and of use on few machines,
// so loci does not depend on them: whoever has the device installs the one of the same release.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { LociError } from "@loci/core";
import { binaryPackageVersion, packageDirectory } from "../binary-package.ts";

/** Kinds whose library is a package of its own. */
export const packagedKinds = ["cuda", "vulkan"] as const;
export type PackagedKind = (typeof packagedKinds)[number];

const platformPrefixes: Readonly<Record<string, string>> = {
  "linux-x64": "linux-x64",
  "win32-x64": "win-x64",
};

/**
 * Path of the kind's library. Looked for beside loci's own packages, or in the `node_modules` of
 * `folder`. LociError native_library_missing with the command that installs it, or
 * native_library_mismatch when it is of another release than the CPU's.
 */
export function findDeviceLibrary(
  kind: PackagedKind,
  folder: string | null,
  platform = `${process.platform}-${process.arch}`,
): string {
  const prefix = platformPrefixes[platform];
  if (prefix === undefined) {
    throw new LociError("native_library_missing", `There is no ${kind} library for ${platform}.`, {
      remedy: "Use --device cpu.",
    });
  }
  const name = `${prefix}-${kind}`;
  const from = folder === null ? import.meta.url : join(folder, "package.json");
  const root = packageDirectory(createRequire(from), name, installCommand(name));
  const file = platform.startsWith("win32") ? `ggml-${kind}.dll` : `libggml-${kind}.so`;
  const path = join(root, "bins", name, file);
  if (existsSync(path)) return path;
  throw new LociError("native_library_missing", `@node-llama-cpp/${name} holds no ${file}.`, {
    remedy: installCommand(name),
  });
}

function installCommand(name: string): string {
  return `Run npm install --no-save @node-llama-cpp/${name}@${binaryPackageVersion}.`;
}
