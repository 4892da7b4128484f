// The peer's server, built from the sources that belong to the very binaries loci computes with:
// the npm package node-llama-cpp of the same version carries llama.cpp as a git bundle.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { LociError } from "@loci/core";

/** The version of the binary packages; the bundle in the package has the same llama.cpp. */
const packageName = "node-llama-cpp@3.22.1";
const defaultFolder = join("results", "peer");
const targets = ["llama-server", "llama-bench", "llama-batched-bench"] as const;

export function registerBuildPeer(program: Command): void {
  program
    .command("build-peer")
    .description("build llama-server of the same llama.cpp; needs git, cmake and a C++ compiler")
    .option("--folder <folder>", "where to build", defaultFolder)
    .action((options: { readonly folder: string }) => {
      buildPeer(resolve(options.folder));
      process.stdout.write(`${binaryIn(options.folder)}\n`);
    });
}

/** The binary named, or the one that `build-peer` made. */
export function findPeerBinary(path: string | undefined): string {
  const binary = path ?? binaryIn(defaultFolder);
  if (existsSync(binary)) return resolve(binary);
  throw new LociError("file_unreadable", `There is no llama-server at ${binary}.`, {
    remedy: "Run `npm run bench -- build-peer`, or name one with --peer-binary.",
  });
}

function binaryIn(folder: string): string {
  return join(folder, "llama.cpp", "build", "bin", "llama-server");
}

function buildPeer(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const archive = (): string | undefined =>
    readdirSync(folder).find((name) => name.startsWith("node-llama-cpp-"));
  if (archive() === undefined) step("npm", ["pack", packageName, "--silent"], folder);
  const source = join(folder, "llama.cpp");
  if (!existsSync(source)) {
    const packed = archive();
    if (packed === undefined) throw new LociError("download_failed", "npm pack left no archive.");
    step("tar", ["-xzf", packed], folder);
    step("git", ["clone", "package/llama/gitRelease.bundle", "llama.cpp"], folder);
  }
  const build = join(source, "build");
  // Options of a release build; the microarchitecture is this machine's, as the packages choose.
  const options = [
    "-DCMAKE_BUILD_TYPE=Release",
    "-DGGML_NATIVE=ON",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DLLAMA_OPENSSL=OFF",
  ];
  step("cmake", ["-S", source, "-B", build, ...options], folder);
  const jobs = String(availableParallelism());
  step("cmake", ["--build", build, "-j", jobs, "--target", ...targets], folder);
}

function step(command: string, args: readonly string[], folder: string): void {
  process.stderr.write(`${command} ${args.slice(0, 2).join(" ")} ...\n`);
  const result = spawnSync(command, args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  if (result.status === 0) return;
  const reason = result.error?.message ?? `exit code ${result.status}`;
  throw new LociError("unavailable", `${command} failed: ${reason}.`, {
    remedy: "build-peer needs npm, tar, git, cmake and a C++ compiler.",
  });
}
