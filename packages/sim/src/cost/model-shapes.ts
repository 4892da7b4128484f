// Models as their papers and model cards describe them; a shape is all that the roofline needs.

/** Sizes of a decoder-only transformer in 16-bit weights and cache. */
export interface ModelShape {
  readonly name: string;
  readonly parameters: number;
  readonly layers: number;
  /** Width of all query heads together. */
  readonly queryWidth: number;
  /** Width of all key heads together; values have the same. */
  readonly keyWidth: number;
  readonly vocabularySize: number;
  readonly contextTokensMax: number;
  readonly source: string;
}

const bytesPerNumber = 2;

export const modelShapes: Readonly<Record<string, ModelShape>> = {
  "gpt-j-6b": {
    name: "GPT-J 6B",
    parameters: 6_053_381_344,
    layers: 28,
    queryWidth: 4096,
    keyWidth: 4096,
    vocabularySize: 50_400,
    contextTokensMax: 2048,
    source: "model card EleutherAI/gpt-j-6b: 28 layers, d_model 4096, 16 heads, 2048 context",
  },
  "llama-7b": {
    name: "LLaMA 7B",
    parameters: 6.738e9,
    layers: 32,
    queryWidth: 4096,
    keyWidth: 4096,
    vocabularySize: 32_000,
    contextTokensMax: 2048,
    source: "LLaMA paper (arXiv 2302.13971), table 2: 6.7B, dimension 4096, 32 layers",
  },
  "llama-13b": {
    name: "LLaMA 13B",
    parameters: 13.016e9,
    layers: 40,
    queryWidth: 5120,
    keyWidth: 5120,
    vocabularySize: 32_000,
    contextTokensMax: 2048,
    source: "LLaMA paper (arXiv 2302.13971), table 2: 13.0B, dimension 5120, 40 layers",
  },
  "llama-33b": {
    name: "LLaMA 33B",
    parameters: 32.529e9,
    layers: 60,
    queryWidth: 6656,
    keyWidth: 6656,
    vocabularySize: 32_000,
    contextTokensMax: 2048,
    source: "LLaMA paper (arXiv 2302.13971), table 2: 32.5B, dimension 6656, 60 layers",
  },
  "llama3-8b": {
    name: "Llama 3.1 8B",
    parameters: 8.03e9,
    layers: 32,
    queryWidth: 4096,
    keyWidth: 1024,
    vocabularySize: 128_256,
    contextTokensMax: 131_072,
    source: "model card meta-llama/Llama-3.1-8B: 32 layers, hidden 4096, 32 heads, 8 key heads",
  },
  "llama3-70b": {
    name: "Llama 3.1 70B",
    parameters: 70.55e9,
    layers: 80,
    queryWidth: 8192,
    keyWidth: 1024,
    vocabularySize: 128_256,
    contextTokensMax: 131_072,
    source: "model card meta-llama/Llama-3.1-70B: 80 layers, hidden 8192, 64 heads, 8 key heads",
  },
};

/** Bytes of all weights. */
export function weightBytes(shape: ModelShape): number {
  return shape.parameters * bytesPerNumber;
}

/** Bytes of one token's keys and values over all layers. */
export function kvBytesPerToken(shape: ModelShape): number {
  return 2 * shape.layers * shape.keyWidth * bytesPerNumber;
}
