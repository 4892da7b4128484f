// What cached keys and values depend on besides tokens: the model file, how positions rotate, and
// how the cache lays them out. Blocks on disk carry the fingerprint of what computed them, and are
// nothing to a process with another one.
//
// A file is known by its header (metadata, tokenizer and tensor table, byte for byte), its size and
// evenly spaced samples of its weights: reading all of a large file would delay the start by seconds.

import { createHash, type Hash } from "node:crypto";
import { LociError } from "@loci/core";
import { FileSource, type GgufFile } from "@loci/ggml";
import type { Hyperparameters } from "./hyperparameters.ts";

/** Changes whenever the same tokens would be given other keys or values than before. */
const computationVersion = 1;

const samplesMax = 256;
const sampleBytes = 4096;
const digits = 32;

export interface FingerprintParts {
  readonly params: Hyperparameters;
  /** Order and number format of keys and values within a block. */
  readonly layout: string;
  readonly blockTokens: number;
  /** Decides between the long and the short factors of LongRoPE. */
  readonly contextTokensMax: number;
}

/** 32 hex digits. LociError model_file_changed when the file is not the one that was read. */
export function cacheFingerprint(file: GgufFile, parts: FingerprintParts): string {
  const { params, layout, blockTokens, contextTokensMax } = parts;
  const hash = createHash("sha256");
  const isLong = contextTokensMax > params.rope.contextOriginal;
  hash.update(JSON.stringify([computationVersion, params, layout, blockTokens, isLong]));
  hashFile(hash, file);
  return hash.digest("hex").slice(0, digits);
}

function hashFile(hash: Hash, { path, fileBytes, dataOffset, identity }: GgufFile): void {
  using source = new FileSource(path);
  if (identity !== null && source.identity !== identity) {
    throw new LociError("model_file_changed", "The model file changed after it was loaded.", {
      remedy: "Restart the server.",
    });
  }
  const headerBytes = Math.min(dataOffset, fileBytes);
  hash.update(`${fileBytes} ${headerBytes}`);
  const header = Buffer.allocUnsafe(headerBytes);
  hash.update(header.subarray(0, source.read(header, 0)));
  const sample = Buffer.allocUnsafe(sampleBytes);
  for (const position of samplePositions(headerBytes, fileBytes)) {
    hash.update(sample.subarray(0, source.read(sample, position)));
  }
}

/** Starts of at most `samplesMax` samples, the last of which ends with the file. */
function samplePositions(start: number, end: number): number[] {
  const last = Math.max(start, end - sampleBytes);
  const count = Math.min(samplesMax, Math.ceil((last - start) / sampleBytes) + 1);
  return Array.from({ length: count }, (_, index) =>
    count === 1 ? start : start + Math.floor(((last - start) * index) / (count - 1)),
  );
}
