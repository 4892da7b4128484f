// The flags that say what is simulated: a workload, a device, a server's settings.

import { admissionNames, retentionPolicyNames, schedulingNames } from "@loci/engine";
import type { Command } from "commander";

import { integerWithin, numberWithin, oneOf } from "./simulate-flags.ts";

export const requestsMax = 5_000_000;
const tokensMax = 16_777_216;

/** Adds the flags of `run`. */
export function addRunOptions(command: Command): Command {
  return addServerOptions(addDeviceOptions(addWorkloadOptions(command)))
    .option("--ttft-ms <number>", "limit of the first token, for goodput", positive, 2000)
    .option("--tpot-ms <number>", "limit of each further token", positive, 100)
    .option("--raw <path>", "write one line of JSON for each request");
}

const positive = numberWithin(1e-9, 1e12);

function addWorkloadOptions(command: Command): Command {
  return command
    .option("--trace <path>", "requests of a trace: Azure's (.csv) or Mooncake's (.jsonl)")
    .option("--lengths <path>", "instructions with recorded answer lengths (.jsonl)")
    .option("--answers-of <name>", "with --lengths: the answers of one model")
    .option("--fixed <sizes>", "prompts and answers of fixed size, as in 1024:128", parseSizes)
    .option("--requests <integer>", "so many requests", integerWithin(1, requestsMax))
    .option("--rate <number>", "requests per second", numberWithin(1e-6, 1e6))
    .option("--variation <number>", "of the gaps; 1 = Poisson", numberWithin(0, 100), 1)
    .option("--clients <integer>", "each asks again when answered", integerWithin(1, 1_000_000))
    .option("--speed <number>", "a trace's time runs so much faster", numberWithin(1e-6, 1e6), 1)
    .option("--divide <number>", "a trace's prompts by this", numberWithin(1, 512), 1)
    .option("--divide-answers <number>", "a trace's answers", numberWithin(1, 512))
    .addHelpText("after", workloadHelp);
}

const workloadHelp = `
Without --trace, --lengths or --fixed, requests have the shape of chats (ShareGPT's first turns).
Without --rate or --clients, they all come at once; a trace comes at its own times.`;

function addDeviceOptions(command: Command): Command {
  return command
    .option("--device <name>", "a100-40, a100-80 or h100", "a100-80")
    .option("--devices <integer>", "tensor parallel", integerWithin(1, 64), 1)
    .option("--model <name>", "a published shape, such as llama3-8b", "llama3-8b")
    .option("--coefficients <path>", "instead: a real server's costs, from loci simulate calibrate")
    .option("--calibrate <url>", "instead: the costs of a server that runs now")
    .option("--kv-tokens <integer>", "room for so many cached tokens", integerWithin(1, 1e9));
}

function addServerOptions(command: Command): Command {
  return command
    .option("--block-tokens <integer>", "tokens of a block", integerWithin(1, 4096), 32)
    .option("--context <integer>", "longest sequence", integerWithin(2, tokensMax))
    .option("--step-tokens <integer>", "tokens of a step at most", integerWithin(1, 65_536), 2048)
    .option("--sequences <integer>", "requests that run at once", integerWithin(1, 16_384), 256)
    .option("--queue <integer>", "requests that wait at most", integerWithin(1, requestsMax))
    .option("--host-gib <number>", "host memory below the device", numberWithin(0, 65_536), 0)
    .option(
      "--eviction <policy>",
      retentionPolicyNames.join(", "),
      oneOf(retentionPolicyNames),
      "retention",
    )
    .option("--admission <policy>", admissionNames.join(", "), oneOf(admissionNames), "predicted")
    .option("--scheduling <policy>", schedulingNames.join(", "), oneOf(schedulingNames), "fair")
    .option("--predictor <name>", predictors.join(", "), oneOf(predictors), "combined");
}

export const predictors = [
  "combined",
  "history",
  "text",
  "buckets",
  "worst-case",
  "oracle",
  "none",
] as const;

function parseSizes(text: string): readonly [number, number] {
  const [prompt, answer] = text.split(":");
  const size = integerWithin(1, tokensMax);
  return [size(prompt ?? ""), size(answer ?? "")];
}
