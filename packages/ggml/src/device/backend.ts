// What computes graphs: the CPU's threads, or a device of its own. Tensors of a graph lie in the
// memory of the device that computes it.

import type { Pointer } from "../pointer.ts";
import type { Device } from "./device.ts";

export interface Backend extends Disposable {
  readonly device: Device;
  /** Of this process, that take part in a computation. */
  readonly threads: number;
  /**
   * Computes a graph, on the first `threads` threads; the event loop stays free. One at a time. Other
   * tensors of the device may be read and written meanwhile (`readTensor`, `writeTensor`).
   */
  compute(graph: Pointer, threads?: number): Promise<void>;
}
