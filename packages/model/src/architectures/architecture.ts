// What an architecture is to the rest: which weights it needs and how a batch flows through them.
// One file each; supported-architectures.ts is the only list.

import type { Graph, Pointer } from "@loci/ggml";
import type { GraphAttention } from "../attention/attention.ts";
import type { Hyperparameters } from "../hyperparameters.ts";
import type { Weights } from "../weights.ts";

/** The inputs of one forward pass. */
export interface ForwardInputs {
  /** Token ids, i32 [tokens]. */
  readonly tokens: Pointer;
  /** Positions, i32 [tokens]. */
  readonly positions: Pointer;
  /** Rows whose logits are wanted, i32 [outputs]. */
  readonly outputRows: Pointer;
  readonly tokenCount: number;
  readonly outputCount: number;
  /** Receives the state that enters `layer` [embedding, tokens]; null = nobody wants it. */
  readonly tap: LayerTap | null;
}

/** Looks at a forward pass between two layers, without changing it. */
export interface LayerTap {
  readonly layer: number;
  take(state: Pointer): void;
}

export interface Architecture {
  readonly name: string;
  /** Finds and checks all weights, once. The result builds graphs. */
  load(params: Hyperparameters, weights: Weights, contextTokens: number): LoadedArchitecture;
}

export interface LoadedArchitecture {
  /** Adds a whole forward pass; returns the logits [vocabulary, outputs]. */
  build(graph: Graph, inputs: ForwardInputs, attention: GraphAttention): Pointer;
}
