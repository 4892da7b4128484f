// What is said of a model and its cache when they are ready.

import { approximateBytes } from "@loci/core";
import type { ModelInfo } from "@loci/core";
import type { ModelFacts } from "@loci/model";

/** A name and what is to be said of it, e.g. `context`, `4096 tokens`. */
export type ModelFact = readonly [name: string, text: string];

export function modelFacts(
  info: ModelInfo,
  facts: Omit<ModelFacts, "hyperparameters" | "copiedBytes">,
): readonly ModelFact[] {
  return [
    ["model", `${info.architecture}, ${approximateBytes(facts.fileBytes)} file`],
    ["context", `${info.contextTokensMax} tokens`],
    ["cache", `${facts.kvTokensMax} tokens in ${approximateBytes(facts.kvMemoryBytes)}`],
    ["compute", `${computeText(facts)}, ${facts.attention} attention`],
  ];
}

function computeText({ device, threads }: Pick<ModelFacts, "device" | "threads">): string {
  return device.kind === "cpu" ? `${threads} threads` : `${device.name} (${device.description})`;
}
