// Builds and runs the check of the GPU's kernels against float64, without JavaScript: on a card, or on the
// emulation, which needs a C++ compiler and nothing of NVIDIA's.
//
//   npm run check:cuda                 on this machine's card, with what build:cuda made
//   npm run check:cuda -- emulated     on the emulation

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const sourceDirectory = import.meta.dirname;
/** What `npm run build:cuda` makes. */
export const kernelsPath: string = join(sourceDirectory, "build", "loci-attention.fatbin");
const flags = ["-std=c++17", "-O1", "-Wall", "-Wno-unknown-pragmas"];
const compiler = process.env["CXX"] ?? "g++";
const runsOnCard = 20;

/** What has to be installed for the emulation, as one line; null when all is there. */
export function missingTools(): string | null {
  const there = spawnSync(compiler, ["--version"], { stdio: "ignore" }).status === 0;
  return there ? null : "apt-get install g++";
}

/** A folder with the check's program and the emulated driver; the caller removes it. */
export interface CudaCheck extends Disposable {
  /** Stands in for libcuda.so.1. */
  readonly emulatedDriver: string;
  /** One line; throws when a result is off. */
  run(driver: string, kernels: string, runs: number): string;
}

export function buildCudaCheck(): CudaCheck {
  const folder = mkdtempSync(join(tmpdir(), "loci-cuda-check-"));
  const emulatedDriver = join(folder, "libcuda-emulated.so");
  const program = join(folder, "attention-check");
  const emulated = ["driver.cpp", "block.cpp"].map((name) => join("emulated", name));
  compile(["-shared", "-fPIC", "-pthread", ...emulated, "-o", emulatedDriver]);
  compile([join("check", "attention-check.cpp"), "-o", program, "-ldl"]);
  return {
    emulatedDriver,
    run: (driver, kernels, runs) => runProgram(program, [driver, kernels, String(runs)]),
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true });
    },
  };
}

function compile(args: readonly string[]): void {
  execFileSync(compiler, [...flags, ...args], { cwd: sourceDirectory, stdio: "inherit" });
}

function runProgram(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  return stdout.trim();
}

function main(emulated: boolean): void {
  const missing = missingTools();
  if (missing !== null || (!emulated && !existsSync(kernelsPath))) {
    process.stderr.write(`check:cuda needs: ${missing ?? "npm run build:cuda"}\n`);
    process.exitCode = 1;
    return;
  }
  using check = buildCudaCheck();
  const [driver, kernels] = emulated
    ? [check.emulatedDriver, check.emulatedDriver]
    : ["libcuda.so.1", kernelsPath];
  process.stdout.write(`${check.run(driver, kernels, emulated ? 2 : runsOnCard)}\n`);
}

if (import.meta.main) main(process.argv[2] === "emulated");
