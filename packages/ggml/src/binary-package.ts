// Finds the prebuilt ggml and llama.cpp binaries: one optional npm package per platform, pinned to
// one version because its C interface is stable only within a release.

import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { LociError } from "@loci/core";

/** The release whose struct layouts and functions this package was written against. */
export const binaryPackageVersion = "3.22.1";
export const ggmlVersion = "0.25.1";

const packageByPlatform: Readonly<Record<string, string>> = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "darwin-arm64": "mac-arm64-metal",
  "darwin-x64": "mac-x64",
  "win32-x64": "win-x64",
};

export interface BinaryPackage {
  readonly directory: string;
  readonly ggmlBase: string;
  readonly ggml: string;
  readonly llama: string;
}

/** Paths of this platform's libraries; native_library_missing when npm did not install them. */
export function findBinaryPackage(platform = `${process.platform}-${process.arch}`): BinaryPackage {
  const name = packageByPlatform[platform];
  if (name === undefined) {
    throw new LociError("native_library_missing", `There are no ggml binaries for ${platform}.`, {
      remedy: `Supported: ${Object.keys(packageByPlatform).join(", ")}.`,
    });
  }
  const directory = binaryDirectory(name);
  const files = readdirSync(directory);
  const find = (pattern: RegExp): string => {
    const file = files.find((candidate) => pattern.test(candidate));
    if (file === undefined) throw missing(name, `it holds no file like ${pattern}`);
    return join(directory, file);
  };
  return {
    directory,
    ggmlBase: find(/^(lib)?ggml-base\.(so|dylib|dll)$/),
    ggml: find(/^(lib)?ggml(\.v[\d.]+)?\.(so|dylib|dll)$/),
    llama: find(/^(lib)?llama(\.v[\d.]+)?\.(so|dylib|dll)$/),
  };
}

function binaryDirectory(name: string): string {
  const require = createRequire(import.meta.url);
  const root = packageDirectory(require, name, "Run npm ci with optional dependencies.");
  const bins = join(root, "bins");
  const variant = readdirSync(bins).find((entry) => entry.startsWith(name)) ?? name;
  return join(bins, variant);
}

/**
 * Folder of the package of binaries called `name`, as `require` finds it. LociError
 * native_library_missing, or native_library_mismatch when it is another release.
 */
export function packageDirectory(
  require: Pick<NodeJS.Require, "resolve">,
  name: string,
  remedy: string,
): string {
  let root: string;
  try {
    root = dirname(dirname(require.resolve(`@node-llama-cpp/${name}`)));
  } catch (cause) {
    throw new LociError(
      "native_library_missing",
      `The package @node-llama-cpp/${name} is not installed.`,
      { remedy, cause },
    );
  }
  const manifest = readFileSync(join(root, "package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  if (version === binaryPackageVersion) return root;
  throw new LociError(
    "native_library_mismatch",
    `@node-llama-cpp/${name} is version ${version}; ${binaryPackageVersion} is needed.`,
    { remedy },
  );
}

function missing(name: string, why: string): LociError {
  return new LociError(
    "native_library_missing",
    `The package @node-llama-cpp/${name} cannot be used: ${why}.`,
    { remedy: "Run npm ci with optional dependencies." },
  );
}
