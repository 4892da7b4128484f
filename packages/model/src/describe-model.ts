// What the API says of a model.

import { basename } from "node:path";

import type { Clock, ModelInfo } from "@loci/core";
import type { Hyperparameters } from "./hyperparameters.ts";
import type { ModelCodec } from "./model-codec.ts";

export function describeModel(
  options: { readonly path: string; readonly name?: string | undefined; readonly clock: Clock },
  params: Hyperparameters,
  codec: ModelCodec,
  contextTokensMax: number,
): ModelInfo {
  return {
    id: options.name ?? basename(options.path).replace(/\.gguf$/i, ""),
    createdUnixSeconds: options.clock.unixSeconds(),
    contextTokensMax,
    vocabularySize: params.vocabularySize,
    architecture: params.architecture,
    toolCallFormat: codec.toolCallFormat,
  };
}
