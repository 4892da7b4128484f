// Where a model's weights are while it runs: in the mapped file and beside it, or on a device.

import type { Pointer } from "./pointer.ts";

/** Where a tensor lies in the file; checked against the file's size by the GGUF reader. */
export interface WeightLocation {
  readonly name: string;
  readonly type: number;
  readonly dimensions: readonly number[];
  readonly fileOffset: number;
  readonly byteLength: number;
}

export interface WeightStore extends Disposable {
  /** Bytes held besides the file's own pages. */
  readonly copiedBytes: number;
  /** A tensor whose rows are looked up, or a vector. */
  map(location: WeightLocation): Pointer;
  /** A matrix for products. */
  matrix(location: WeightLocation): Pointer;
  /** After the last tensor was named: brings their contents to where they are used. */
  load(): Promise<void>;
}
