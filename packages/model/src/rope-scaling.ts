// How positions are scaled beyond the context a model was trained on, as GGUF metadata states it:
// none, linear, YaRN (Peng et al. 2023), or per-frequency factors (LongRoPE, Llama 3).

import { LociError } from "@loci/core";
import type { MetadataReader } from "./metadata-reader.ts";

export interface RopeScaling {
  readonly type: "none" | "linear" | "yarn" | "longrope";
  /** Leading dimensions of a head that rotate. */
  readonly dimensions: number;
  readonly frequencyBase: number;
  readonly frequencyScale: number;
  readonly contextOriginal: number;
  readonly extFactor: number;
  readonly attentionFactor: number;
  readonly betaFast: number;
  readonly betaSlow: number;
}

export function readRopeScaling(
  reader: MetadataReader,
  shape: { readonly headSize: number; readonly contextTrained: number },
): RopeScaling {
  const type = readType(reader);
  const dimensions = reader.integer("rope.dimension_count", {
    low: 2,
    high: shape.headSize,
    fallback: shape.headSize,
  });
  if (dimensions % 2 !== 0) {
    throw new LociError("model_file_invalid", "The model file's rope.dimension_count is odd.");
  }
  const factor =
    reader.number("rope.scaling.factor", { low: 0, high: 1e6, fallback: 0 }) ||
    reader.number("rope.scale_linear", { low: 0, high: 1e6, fallback: 0 }) ||
    1;
  const extFactor =
    type === "yarn"
      ? reader.number("rope.scaling.yarn_ext_factor", { low: 0, high: 1e3, fallback: 1 })
      : 0;
  return {
    type,
    dimensions,
    frequencyBase: reader.number("rope.freq_base", { low: 1, high: 1e12, fallback: 10_000 }),
    frequencyScale: type === "none" ? 1 : 1 / factor,
    contextOriginal: reader.integer("rope.scaling.original_context_length", {
      low: 1,
      high: 1 << 30,
      fallback: shape.contextTrained,
    }),
    extFactor,
    attentionFactor: attentionFactor(reader, extFactor, factor),
    betaFast: reader.number("rope.scaling.yarn_beta_fast", { low: 0, high: 1e6, fallback: 32 }),
    betaSlow: reader.number("rope.scaling.yarn_beta_slow", { low: 0, high: 1e6, fallback: 1 }),
  };
}

function readType(reader: MetadataReader): RopeScaling["type"] {
  const type = reader.text("rope.scaling.type", "linear");
  if (type === "none" || type === "linear" || type === "yarn" || type === "longrope") return type;
  throw new LociError("model_file_invalid", "The model file's rope.scaling.type is unknown.", {
    remedy: "Known are none, linear, yarn and longrope.",
  });
}

/**
 * YaRN scales queries and keys by a magnitude that ggml's operator applies itself when its
 * extrapolation is on, so only what the file adds remains here (llama.cpp does the same).
 */
function attentionFactor(reader: MetadataReader, extFactor: number, factor: number): number {
  const own = reader.number("rope.scaling.attn_factor", { low: 0, high: 1e3, fallback: 1 });
  if (extFactor === 0) return own;
  const multiplier = reader.number("rope.scaling.yarn_log_multiplier", {
    low: 0,
    high: 1e3,
    fallback: 0,
  });
  const magnitude = (weight: number): number =>
    factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
  const wanted = multiplier === 0 ? magnitude(1) : magnitude(1) / magnitude(multiplier);
  return (own * wanted) / (1 + 0.1 * Math.log(factor));
}
