// The flags of `bench cluster`.

import { InvalidArgumentError, type Command } from "commander";
import { policyNames, type PolicyName } from "@loci/router";
import { withOutputOptions } from "../measure/common-options.ts";
import { positiveInteger } from "../measure/flag-values.ts";
import type { OutputOptions } from "../measure/output.ts";

export const partNames = ["shared", "multiturn", "llama", "failover", "stall", "wfail"] as const;

export type PartName = (typeof partNames)[number];

export interface ClusterOptions extends OutputOptions {
  readonly model?: string;
  readonly parts?: readonly PartName[];
  readonly policies: readonly PolicyName[];
  readonly workers: number;
  readonly pairs: number;
  readonly kills: number;
  readonly stalls: number;
  readonly peerBinary?: string;
  readonly seed: number;
  /** The smallest form that takes every path; its times mean nothing. */
  readonly quick?: boolean;
}

/** What is compared, and with what; `--policies` may name more for information. */
export const measuredPolicy: PolicyName = "seconds";
export const baselinePolicy: PolicyName = "round-robin";

/** Adds them to a command. */
export function withClusterOptions(command: Command): Command {
  const own = command
    .option("-m, --model <file>", "GGUF file; default a small generated model in Q8_0")
    .option(
      "--parts <list>",
      `some of ${partNames.join(", ")}; default all (--quick: without llama)`,
      parts,
    )
    .option("--policies <list>", "policies compared with round-robin", policies, [measuredPolicy])
    .option("--workers <n>", "workers of one thread each", positiveInteger, 3)
    .option("--pairs <n>", "runs of each policy", positiveInteger, 5)
    .option("--kills <n>", "workers killed in the midst of answers", positiveInteger, 100)
    .option("--stalls <n>", "workers stopped in the midst of answers", positiveInteger, 20)
    .option("--peer-binary <file>", "llama-server; default the one that build-peer made")
    .option("--seed <n>", "seed of tokens, order and moments", positiveInteger, 1)
    .option("--quick", "a tiny form that ends in seconds: counts are right, times mean nothing");
  return withOutputOptions(own);
}

function parts(text: string): readonly PartName[] {
  return namesIn(text, partNames);
}

function policies(text: string): readonly PolicyName[] {
  return namesIn(text, policyNames);
}

function namesIn<Name extends string>(text: string, known: readonly Name[]): readonly Name[] {
  const wanted = text.split(",").map((name) => name.trim());
  const wrong = wanted.find((name) => !known.some((each) => each === name));
  if (wrong === undefined) return known.filter((name) => wanted.includes(name));
  throw new InvalidArgumentError(`There is no ${wrong}; there are ${known.join(", ")}.`);
}
