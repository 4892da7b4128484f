// `bench make-model`: a model file with random weights.

import type { Command } from "commander";
import { namedShapes } from "@loci/model";
import { positiveInteger } from "../measure/flag-values.ts";
import { makeModel } from "./bench-models.ts";

interface MakeModelOptions {
  readonly shape: string;
  readonly type: string;
  readonly out: string;
  readonly seed: number;
}

export function registerMakeModel(program: Command): void {
  program
    .command("make-model")
    .description("write a GGUF file of a named shape with random weights")
    .requiredOption("--shape <name>", `one of ${Object.keys(namedShapes).join(", ")}`)
    .requiredOption("--type <name>", "tensor type of the matrices: q8_0, q4_0, f16, q4_K, ...")
    .requiredOption("--out <file>", "where to write it")
    .option("--seed <n>", "the same seed writes the same file", positiveInteger, 1)
    .action((options: MakeModelOptions) => {
      const { shape, type, out, seed } = options;
      const parameters = makeModel(shape, type, out, seed);
      process.stdout.write(`${out}: ${(parameters / 1e6).toFixed(1)} M parameters\n`);
    });
}
