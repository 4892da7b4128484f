// Writes model files with random weights: valid in every respect but sense. Norms are about 1 and
// matrices keep activations at about 1, so that logits are well spread and a numeric comparison
// means something. Tests of arithmetic and measurements of speed need no more of a model.

import { assert, defined, LociError } from "@loci/core";
import { ggmlTypesByName, quantizeRows, writeGguf, type GgmlType } from "@loci/ggml";
import { tinyShapes, type ModelShape, type RandomModelArchitecture } from "./model-shapes.ts";
import { planMetadata, planTensors, type PlannedTensor } from "./random-model-layout.ts";
import { randomVocabulary } from "./random-vocabulary.ts";
import { randomRowBytes } from "./random-weights.ts";

export interface RandomModelOptions {
  readonly architecture: RandomModelArchitecture;
  /** What differs from the tiny shape of the architecture. */
  readonly shape?: Partial<ModelShape>;
  /** ggml's name of the type that matrices get, e.g. `q8_0`; in any case. */
  readonly weightType: string;
  /** The same seed writes the same file. */
  readonly seed: number;
}

export interface RandomModelFacts {
  readonly parameters: number;
  readonly shape: ModelShape;
  /** Ids of ordinary tokens are in [0, this). */
  readonly ordinaryTokens: number;
}

/** Writes the file, replacing what is there. Throws unsupported_tensor_type. */
export function writeRandomModel(path: string, options: RandomModelOptions): RandomModelFacts {
  const { architecture, seed } = options;
  const shape: ModelShape = { ...tinyShapes[architecture], ...options.shape };
  const matrixType = typeNamed(options.weightType);
  const vocabulary = randomVocabulary(shape.vocabularySize);
  const planned = planTensors(architecture, shape, vocabulary);
  const metadata = planMetadata(architecture, shape, vocabulary);
  writeGguf(path, {
    metadata: new Map(metadata.map(({ key, type, value }) => [key, { type, value }])),
    tensors: planned.map((tensor, index) => {
      const type = tensor.exact ? typeNamed("f32") : matrixType;
      return {
        name: tensor.name,
        type: type.id,
        dimensions: tensor.dimensions,
        data: () => tensorData(tensor, type, seed * 1_000_003 + index),
      };
    }),
  });
  const parameters = planned.reduce((sum, tensor) => sum + elements(tensor), 0);
  return { parameters, shape, ordinaryTokens: vocabulary.endOfTextId };
}

function typeNamed(name: string): GgmlType {
  const wanted = name.toLowerCase();
  for (const [known, type] of ggmlTypesByName) if (known.toLowerCase() === wanted) return type;
  throw new LociError("unsupported_tensor_type", `There is no tensor type ${name}.`);
}

function elements(tensor: PlannedTensor): number {
  return tensor.dimensions.reduce((product, extent) => product * extent, 1);
}

function tensorData(tensor: PlannedTensor, type: GgmlType, seed: number): Uint8Array {
  const rowLength = defined(tensor.dimensions[0], "a tensor has rows");
  const rows = {
    rowLength,
    rowCount: elements(tensor) / rowLength,
    mean: tensor.mean,
    deviation: tensor.deviation,
    dampedRows: new Set(tensor.dampedRows),
    seed,
  };
  const bytes = new Uint8Array((elements(tensor) / type.blockElements) * type.blockBytes);
  let at = 0;
  for (const slice of randomRowBytes(type.name, rows, quantize)) {
    bytes.set(slice, at);
    at += slice.byteLength;
  }
  assert(at === bytes.byteLength, "every row was written");
  return bytes;
}

function quantize(typeName: string, values: Float32Array, rowLength: number): Uint8Array {
  return quantizeRows(typeNamed(typeName).id, values, rowLength);
}
