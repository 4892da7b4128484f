// Numbers to a tensor type's blocks, by ggml's own reference quantiser; for making model files.

import { assert } from "@loci/core";
import { loadGgml } from "./load-ggml.ts";

/** `values` as rows of `rowLength` in ggml type `type`; rowLength is a multiple of its block. */
export function quantizeRows(type: number, values: Float32Array, rowLength: number): Uint8Array {
  const { base } = loadGgml();
  const rows = values.length / rowLength;
  assert(Number.isInteger(rows), "whole rows");
  assert(rowLength % base.blockSize(type) === 0, "whole blocks in a row");
  const bytes = new Uint8Array(base.rowSize(type, rowLength) * rows);
  const written = base.quantizeChunk(type, values, bytes, 0, rows, rowLength, null);
  assert(written === bytes.length, "every block written");
  return bytes;
}
