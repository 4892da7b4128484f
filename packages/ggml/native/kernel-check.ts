// Builds and runs the programs in check/: the kernel against double precision, and transfers of blocks,
// without JavaScript.
//
//   node packages/ggml/native/kernel-check.ts sanitize   address and undefined-behaviour sanitizers
//   node packages/ggml/native/kernel-check.ts neon       cross-compiled for arm64, run under qemu

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

export type CheckMode = "sanitize" | "neon";

const sourceDirectory = import.meta.dirname;
const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"];
const commonFlags = ["-std=c++17", "-O2", "-ffp-contract=fast", "-w", "-pthread"];

interface CheckTarget {
  readonly compiler: string;
  /** Runs the program; empty = the machine itself. */
  readonly emulator: readonly string[];
  readonly linkFlags: readonly string[];
  /** Translation units per instruction set, with their flags. */
  readonly isas: Readonly<Record<string, readonly string[]>>;
  readonly runs: number;
}

/** Sets that the machine cannot run are compiled, but not run. */
const targets: Readonly<Record<CheckMode, CheckTarget>> = {
  sanitize: {
    compiler: "g++",
    emulator: [],
    linkFlags: sanitizers,
    isas: {
      avx512: ["avx512f", "avx512bw", "avx512vl", "avx512dq", "avx2", "fma", "f16c"].map(
        (name) => `-m${name}`,
      ),
      avx2: ["-mavx2", "-mfma", "-mf16c"],
      baseline: [],
    },
    runs: 20,
  },
  neon: {
    compiler: "aarch64-linux-gnu-g++",
    emulator: ["qemu-aarch64"],
    linkFlags: ["-static"],
    isas: { neon: [], baseline: [] },
    runs: 8,
  },
};

const packages: Readonly<Record<string, string>> = {
  "g++": "g++",
  "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
  "qemu-aarch64": "qemu-user",
};

/** What has to be installed for `mode`, as one line; null when all is there. */
export function missingTools(mode: CheckMode): string | null {
  const target = targets[mode];
  const missing = [target.compiler, ...target.emulator].filter(
    (tool) => spawnSync(tool, ["--version"], { stdio: "ignore" }).status !== 0,
  );
  if (missing.length === 0) return null;
  return `apt-get install ${missing.map((tool) => packages[tool] ?? tool).join(" ")}`;
}

/** One line per instruction set that ran; throws when one is off or does not compile. */
export function runKernelCheck(mode: CheckMode): readonly string[] {
  const target = targets[mode];
  const folder = mkdtempSync(join(tmpdir(), "loci-kernel-check-"));
  try {
    const objects = compileObjects(target, folder);
    const program = linkProgram(target, objects, join(folder, "kernel-check"));
    const transfers = linkProgram(target, objects, join(folder, "transfer-check"));
    const lines: string[] = [runTransfers(target, transfers)];
    for (const isa of Object.keys(target.isas)) {
      const command = [...target.emulator, program, isa, String(target.runs)];
      const result = spawnSync(command[0] ?? "", command.slice(1), { encoding: "utf8" });
      if (result.status === cannotRun) continue;
      if (result.status !== 0) throw new Error(`${isa}: ${result.stdout}${result.stderr}`);
      lines.push(result.stdout.trim());
    }
    return lines;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Exit code of the program when the processor lacks the instruction set. */
const cannotRun = 2;

function runTransfers(target: CheckTarget, program: string): string {
  const command = [...target.emulator, program, String(target.runs * 10)];
  const result = spawnSync(command[0] ?? "", command.slice(1), { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${result.stdout}${result.stderr}`);
  return result.stdout.trim();
}

function compileObjects(target: CheckTarget, folder: string): readonly string[] {
  const { compiler, isas, linkFlags } = target;
  const shared = readdirSync(sourceDirectory).filter(
    (name) => name.endsWith(".cpp") && !name.startsWith("isa-"),
  );
  return [
    ...shared.map((name) => [name, []] as const),
    ...Object.entries(isas).map(([isa, flags]) => [`isa-${isa}.cpp`, flags] as const),
  ].map(([name, flags]) => {
    const object = join(folder, name.replace(".cpp", ".o"));
    const source = join(sourceDirectory, name);
    const all = [...commonFlags, ...linkFlags, ...flags, "-c", source, "-o", object];
    execFileSync(compiler, all, { stdio: ["ignore", "ignore", "inherit"] });
    return object;
  });
}

/** Links the program whose source in check/ has the same name. */
function linkProgram(target: CheckTarget, objects: readonly string[], program: string): string {
  const { compiler, linkFlags } = target;
  const main = join(sourceDirectory, "check", `${basename(program)}.cpp`);
  const all = [...commonFlags, ...linkFlags, main, ...objects, "-o", program];
  execFileSync(compiler, all, { stdio: ["ignore", "ignore", "inherit"] });
  return program;
}

if (import.meta.main) {
  const mode = process.argv[2];
  if (mode !== "sanitize" && mode !== "neon") throw new Error("which? sanitize or neon");
  const missing = missingTools(mode);
  if (missing !== null) {
    process.stderr.write(`kernel-check ${mode} needs: ${missing}\n`);
    process.exitCode = 1;
  } else {
    process.stdout.write(`${runKernelCheck(mode).join("\n")}\n`);
  }
}
