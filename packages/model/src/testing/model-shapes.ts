// The dimensions of generated models: tiny ones of every architecture for tests, and the real
// dimensions of known models for speed measurements. Tiny rows are multiples of 256, so that
// every quantised type fits, and differ where architectures differ in reality.

export type RandomModelArchitecture = "llama" | "qwen2" | "qwen3" | "gemma3" | "phi3" | "qwen3moe";

/** All of them, for tests. */
export const randomModelArchitectures: readonly RandomModelArchitecture[] = [
  "llama",
  "qwen2",
  "qwen3",
  "gemma3",
  "phi3",
  "qwen3moe",
];

/** A RoPE scaling as GGUF metadata (and, for two of them, factor tensors) states it. */
export type RopeScaling =
  | { readonly type: "none" }
  | { readonly type: "linear"; readonly factor: number }
  | { readonly type: "yarn"; readonly factor: number; readonly contextTokensOriginal: number }
  /** Llama 3: a factor per frequency, in a tensor of its own. */
  | { readonly type: "llama3" }
  /** Phi 3: one set of factors within the original context, one beyond it. */
  | { readonly type: "longrope"; readonly contextTokensOriginal: number };

export interface ModelShape {
  readonly layers: number;
  readonly width: number;
  /** Width of the feed-forward part; of one expert where there are experts. */
  readonly feedForward: number;
  readonly heads: number;
  readonly headsKv: number;
  readonly headWidth: number;
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly ropeBase: number;
  readonly ropeScaling: RopeScaling;
  /** The output matrix is the embedding matrix. */
  readonly tiedEmbeddings: boolean;
  /** Positions a windowed layer sees; 0 = no window. */
  readonly slidingWindow: number;
  /** 0 = dense. */
  readonly experts: number;
  readonly expertsUsed: number;
}

export interface NamedShape {
  readonly architecture: RandomModelArchitecture;
  readonly shape: ModelShape;
}

const tinyBase: ModelShape = {
  layers: 3,
  width: 256,
  feedForward: 512,
  heads: 4,
  headsKv: 2,
  headWidth: 64,
  vocabularySize: 1024,
  contextTokens: 4096,
  ropeBase: 10_000,
  ropeScaling: { type: "none" },
  tiedEmbeddings: false,
  slidingWindow: 0,
  experts: 0,
  expertsUsed: 0,
};

/** One small shape per architecture, a few hundred thousand to a few million weights each. */
export const tinyShapes: Readonly<Record<RandomModelArchitecture, ModelShape>> = {
  llama: tinyBase,
  qwen2: { ...tinyBase, tiedEmbeddings: true, ropeBase: 1_000_000 },
  // Heads wider than width / heads, as in the real small Qwen 3 models.
  qwen3: { ...tinyBase, headWidth: 128, tiedEmbeddings: true, ropeBase: 1_000_000 },
  // Five windowed layers, then a full one; the window is short enough for tests to leave it.
  gemma3: {
    ...tinyBase,
    layers: 7,
    headsKv: 1,
    headWidth: 256,
    tiedEmbeddings: true,
    ropeBase: 1_000_000,
    slidingWindow: 48,
  },
  phi3: { ...tinyBase, headsKv: 4 },
  qwen3moe: { ...tinyBase, feedForward: 256, headWidth: 128, experts: 8, expertsUsed: 2 },
};

/** Shapes by the name that commands and tests use. */
export const namedShapes: Readonly<Record<string, NamedShape>> = {
  "tiny-llama": { architecture: "llama", shape: tinyShapes.llama },
  "tiny-qwen2": { architecture: "qwen2", shape: tinyShapes.qwen2 },
  "tiny-qwen3": { architecture: "qwen3", shape: tinyShapes.qwen3 },
  "tiny-gemma3": { architecture: "gemma3", shape: tinyShapes.gemma3 },
  "tiny-phi3": { architecture: "phi3", shape: tinyShapes.phi3 },
  "tiny-qwen3moe": { architecture: "qwen3moe", shape: tinyShapes.qwen3moe },
  "qwen2.5-0.5b": {
    architecture: "qwen2",
    shape: {
      ...tinyBase,
      layers: 24,
      width: 896,
      feedForward: 4864,
      heads: 14,
      headsKv: 2,
      vocabularySize: 151_936,
      contextTokens: 32_768,
      ropeBase: 1_000_000,
      tiedEmbeddings: true,
    },
  },
  "llama-3-8b": {
    architecture: "llama",
    shape: {
      ...tinyBase,
      layers: 32,
      width: 4096,
      feedForward: 14_336,
      heads: 32,
      headsKv: 8,
      headWidth: 128,
      vocabularySize: 128_256,
      contextTokens: 8192,
      ropeBase: 500_000,
    },
  },
};
