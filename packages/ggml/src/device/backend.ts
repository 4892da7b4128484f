// What computes graphs: the CPU's threads, or a device of its own. Tensors of a graph lie in the
// memory of the device that computes it.

import type { Pointer } from "../pointer.ts";
import type { Device } from "./device.ts";

export interface Backend extends Disposable {
  readonly device: Device;
  /** Of this process, that take part in a computation. */
  readonly threads: number;
  /** Computes a graph, on the first `threads` threads; the event loop stays free. One at a time. */
  compute(graph: Pointer, threads?: number): Promise<void>;
  /**
   * Runs `work` while nobody else touches the device: whoever reads or writes its memory, or computes
   * a graph, does so in here. Memory of the process needs no such turn: there, `work` runs at once.
   */
  alone<T>(work: () => Promise<T>): Promise<T>;
}
