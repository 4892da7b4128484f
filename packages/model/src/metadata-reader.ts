// Typed, bounded access to a GGUF file's metadata: a model file is not trusted, so every number
// has a range and every error names the key.

import { LociError } from "@loci/core";
import type { GgufFile, GgufValue } from "@loci/ggml";

export interface NumberBounds {
  readonly low: number;
  readonly high: number;
  readonly fallback?: number;
}

export class MetadataReader {
  readonly #metadata: ReadonlyMap<string, GgufValue>;
  readonly architecture: string;

  constructor(file: GgufFile) {
    this.#metadata = file.metadata;
    const architecture = file.metadata.get("general.architecture");
    if (typeof architecture !== "string") {
      throw invalid("general.architecture", "must be a text");
    }
    this.architecture = architecture;
  }

  /** An integer within bounds; `key` is relative to the architecture. */
  integer(key: string, bounds: NumberBounds): number {
    const value = this.number(key, bounds);
    if (!Number.isInteger(value)) throw invalid(this.#full(key), "must be an integer");
    return value;
  }

  number(key: string, { low, high, fallback }: NumberBounds): number {
    const full = this.#full(key);
    const value = this.#metadata.get(full) ?? fallback;
    if (value === undefined) throw invalid(full, "is missing");
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw invalid(full, "must be one number");
    }
    if (value < low || value > high) {
      throw invalid(full, `is ${value}; it must be from ${low} to ${high}`);
    }
    return value;
  }

  text(key: string, fallback: string): string {
    const value = this.#metadata.get(this.#full(key)) ?? fallback;
    if (typeof value !== "string") throw invalid(this.#full(key), "must be a text");
    return value;
  }

  has(key: string): boolean {
    return this.#metadata.has(this.#full(key));
  }

  /** The value as it is, for keys that may be a number or a list. */
  raw(key: string): GgufValue | undefined {
    return this.#metadata.get(this.#full(key));
  }

  #full(key: string): string {
    return `${this.architecture}.${key}`;
  }
}

function invalid(key: string, what: string): LociError {
  return new LociError("model_file_invalid", `The model file's ${key} ${what}.`);
}
