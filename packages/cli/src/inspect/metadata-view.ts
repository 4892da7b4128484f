// Metadata read with an expectation: a value of another type counts as absent, because a report
// is not the place to refuse a file.

import type { GgufFile, GgufValue } from "@loci/ggml";

export class MetadataView {
  readonly #values: GgufFile["metadata"];

  constructor(file: GgufFile) {
    this.#values = file.metadata;
  }

  text(key: string): string | null {
    const value = this.#values.get(key);
    return typeof value === "string" ? value : null;
  }

  number(key: string): number | null {
    const value = this.#values.get(key);
    return typeof value === "number" ? value : null;
  }

  /** A number, or the list of them when they differ. */
  numberOrList(key: string): number | readonly number[] | null {
    const value = this.#values.get(key);
    if (typeof value === "number") return value;
    const list = numbersIn(value);
    if (list === null) return null;
    return new Set(list).size === 1 ? (list[0] ?? null) : list;
  }

  texts(key: string): readonly string[] {
    const value = this.#values.get(key);
    return Array.isArray(value) && isTexts(value) ? value : [];
  }
}

function numbersIn(value: GgufValue | undefined): readonly number[] | null {
  const isList = value instanceof Int32Array || value instanceof Uint32Array;
  return isList ? [...value] : null;
}

function isTexts(values: readonly unknown[]): values is readonly string[] {
  return typeof values[0] === "string";
}
