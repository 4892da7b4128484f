// Compiles the GPU kernels: machine code for each kind of card and PTX, which the driver compiles for later ones,
// in one file that the driver chooses from. Needs CUDA's nvcc (12.8 or later), but no card.
//
//   npm run build:cuda            into build/, which git ignores
//   npm run build:cuda -- 90      for one kind of card only, with registers and spills of every kernel

import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";

const sourceDirectory = import.meta.dirname;
const outputDirectory = join(sourceDirectory, "build");
const outputPath = join(outputDirectory, "loci-attention.fatbin");

/** A100; RTX 30; RTX 40 and L4; H100. */
const cards = ["80", "86", "89", "90"];
const flags = ["-std=c++17", "-O3", "-fatbin", "--threads", "0", "--compress-mode=size"];

function targetsOf(card: string | undefined): readonly string[] {
  if (card !== undefined) return [`arch=compute_${card},code=sm_${card}`];
  const machineCode = cards.map((kind) => `arch=compute_${kind},code=sm_${kind}`);
  return [...machineCode, "arch=compute_80,code=compute_80"];
}

function build(card: string | undefined): void {
  const nvcc = process.env["NVCC"] ?? "nvcc";
  if (spawnSync(nvcc, ["--version"], { stdio: "ignore" }).status !== 0) {
    process.stderr.write(`build:cuda needs CUDA's compiler; "${nvcc}" does not run. Set NVCC.\n`);
    process.exitCode = 1;
    return;
  }
  mkdirSync(outputDirectory, { recursive: true });
  const verbose = card === undefined ? [] : ["-Xptxas", "-v"];
  const targets = targetsOf(card).flatMap((target) => ["-gencode", target]);
  const source = join(sourceDirectory, "kernels.cu");
  const all = [...flags, ...verbose, "--expt-relaxed-constexpr", ...targets, source];
  const { status } = spawnSync(nvcc, [...all, "-o", outputPath], { stdio: "inherit" });
  process.exitCode = status ?? 1;
  if (status !== 0) return;
  const megabytes = (statSync(outputPath).size / 1e6).toFixed(1);
  process.stdout.write(
    `build:cuda: ${megabytes} MB for ${card ?? `${cards.join(", ")} and PTX`}\n`,
  );
}

build(process.argv[2]);
