// What is said of a model and its cache when they are ready.

import { approximateBytes } from "@loci/core";
import type { ModelInfo } from "@loci/core";
import type { ModelFacts } from "@loci/model";

import type { BackendFact } from "./backend.ts";

export function modelFacts(
  info: ModelInfo,
  facts: Pick<ModelFacts, "attention" | "fileBytes" | "kvMemoryBytes" | "kvTokensMax" | "threads">,
): readonly BackendFact[] {
  return [
    ["model", `${info.architecture}, ${approximateBytes(facts.fileBytes)} file`],
    ["context", `${info.contextTokensMax} tokens`],
    ["cache", `${facts.kvTokensMax} tokens in ${approximateBytes(facts.kvMemoryBytes)}`],
    ["compute", `${facts.threads} threads, ${facts.attention} attention`],
  ];
}
