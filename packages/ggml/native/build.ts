// Builds the attention kernel with the machine's C++ compiler; part of `npm ci`. Plain shared
// library, one translation unit per instruction set with that set's flags, chosen at run time.
// Without a compiler the engine computes attention with ggml alone: a notice, not a failure.
//
//   node packages/ggml/native/build.ts

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const sourceDirectory = import.meta.dirname;
const outputDirectory = join(sourceDirectory, "build", `${process.platform}-${process.arch}`);
const suffix = { darwin: "dylib", win32: "dll" }[process.platform as string] ?? "so";
const libraryPath = join(outputDirectory, `libloci-kernel.${suffix}`);

const commonFlags = ["-std=c++17", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-w"];
const hiddenFlags = ["-fvisibility=hidden", "-fvisibility-inlines-hidden"];
const positionFlags = process.platform === "win32" ? [] : ["-fPIC"];

/** Flags of each instruction set's translation unit, by architecture. */
const isaFlags: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  x64: {
    "isa-avx512.cpp": ["avx512f", "avx512bw", "avx512vl", "avx512dq", "avx2", "fma", "f16c"].map(
      (name) => `-m${name}`,
    ),
    "isa-avx2.cpp": ["-mavx2", "-mfma", "-mf16c"],
    "isa-baseline.cpp": [],
  },
  arm64: { "isa-neon.cpp": [], "isa-baseline.cpp": [] },
};

const sharedSources = [
  "block-copy.cpp",
  "file-io.cpp",
  "gates.cpp",
  "isas.cpp",
  "mapping-guard.cpp",
  "memory.cpp",
  "objects.cpp",
  "operators.cpp",
  "test-driver.cpp",
  "transfer.cpp",
];

function build(): void {
  const hashPath = `${libraryPath}.hash`;
  const hash = hashSources();
  if (existsSync(libraryPath) && existsSync(hashPath) && readFileSync(hashPath, "utf8") === hash) {
    return;
  }
  const compiler = findCompiler();
  if (compiler === null) return notice("no C++ compiler was found");
  mkdirSync(outputDirectory, { recursive: true });
  try {
    compile(compiler);
    writeFileSync(hashPath, hash);
  } catch (error) {
    notice(`${compiler} failed: ${firstError(error)}`);
  }
}

/** Another flag, source or architecture gives another hash. */
function hashSources(): string {
  const names = readdirSync(sourceDirectory).filter((name) => /\.(cpp|h)$|^build\.ts$/.test(name));
  const hash = createHash("sha256").update(process.env["CXX"] ?? "");
  for (const name of names.toSorted()) {
    hash.update(`${name}\0`).update(readFileSync(join(sourceDirectory, name)));
  }
  return hash.digest("hex");
}

function findCompiler(): string | null {
  const candidates = [process.env["CXX"], "c++", "g++", "clang++"];
  for (const candidate of candidates) {
    if (!candidate) continue;
    try {
      execFileSync(candidate, ["--version"], { stdio: "ignore" });
      return candidate;
    } catch (error) {
      // Not this one; the next may be there.
      void error;
    }
  }
  return null;
}

function compile(compiler: string): void {
  const sources: Record<string, readonly string[]> = { ...isaFlags[process.arch] };
  if (Object.keys(sources).length === 0) sources["isa-baseline.cpp"] = [];
  for (const name of sharedSources) sources[name] = [];
  const objects: string[] = [];
  for (const [name, flags] of Object.entries(sources)) {
    const object = join(outputDirectory, name.replace(".cpp", ".o"));
    const all = [...commonFlags, ...hiddenFlags, ...positionFlags, ...flags];
    run(compiler, [...all, "-c", join(sourceDirectory, name), "-o", object]);
    objects.push(object);
  }
  // Linked under another name first: a process that has the old library open keeps it whole.
  const unfinished = `${libraryPath}.new`;
  run(compiler, ["-shared", ...objects, "-o", unfinished, ...linkFlags()]);
  renameSync(unfinished, libraryPath);
}

function linkFlags(): readonly string[] {
  return process.platform === "win32" ? ["-static"] : ["-pthread"];
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** The compiler's first line that names an error, or the error's own. */
function firstError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split("\n");
  return (lines.slice(1).find((line) => line.includes("error")) ?? lines[0] ?? "").trim();
}

/** What an earlier build left would not match these sources. */
function notice(reason: string): void {
  rmSync(libraryPath, { force: true });
  process.stderr.write(
    `loci: the attention kernel was not built (${reason}); ggml's slower path is used.\n`,
  );
}

build();
