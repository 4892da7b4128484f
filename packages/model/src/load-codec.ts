// The text side of a model alone: its vocabulary and template, without weights, for a process that
// turns texts into tokens while others compute.

import { checkVocabulary, readGguf, Vocabulary } from "@loci/ggml";
import type { ModelInfo } from "@loci/core";
import { describeModel } from "./describe-model.ts";
import { readHyperparameters } from "./hyperparameters.ts";
import type { LoadModelOptions } from "./load-model.ts";
import { makeTemplate } from "./make-template.ts";
import { ModelCodec } from "./model-codec.ts";

export interface LoadedCodec {
  /** `contextTokensMax` is what the model was trained for; who computes may allow less. */
  readonly info: ModelInfo;
  readonly codec: ModelCodec;
  readonly fileBytes: number;
  close(): Promise<void>;
}

/** LociError names what is wrong with the file. */
export async function loadCodec(
  options: Pick<LoadModelOptions, "path" | "name" | "clock" | "chatTemplateSource">,
): Promise<LoadedCodec> {
  const file = readGguf(options.path);
  const params = readHyperparameters(file);
  checkVocabulary(file);
  const vocabulary = new Vocabulary(options.path);
  const template = await makeTemplate(file, vocabulary, options);
  const codec = new ModelCodec(vocabulary, template);
  return {
    info: describeModel(options, params, codec, params.contextTrained),
    codec,
    fileBytes: file.fileBytes,
    close: async () => {
      await template?.close();
      vocabulary[Symbol.dispose]();
    },
  };
}
