// A device other than the CPU.

import { LociError, assert } from "@loci/core";
import { callAsync } from "../bind.ts";
import { loadGgml } from "../load-ggml.ts";
import type { Pointer } from "../pointer.ts";
import type { Backend } from "./backend.ts";
import { checkComputed } from "./compute-status.ts";
import type { Device } from "./device.ts";

export class DeviceBackend implements Backend {
  readonly device: Device;
  /** The one that waits. */
  readonly threads = 1;
  readonly #backend: Pointer;
  #busy = false;

  /** LociError out_of_memory when the device cannot be started. */
  constructor(device: Device) {
    const backend = loadGgml().base.deviceInit(device.pointer, null);
    if (backend === null) {
      throw new LociError("out_of_memory", `The device ${device.name} could not be started.`, {
        remedy: "Free some of its memory, or use --device cpu.",
      });
    }
    this.device = device;
    this.#backend = backend;
  }

  async compute(graph: Pointer): Promise<void> {
    assert(!this.#busy, "one computation at a time");
    this.#busy = true;
    try {
      checkComputed(await callAsync(loadGgml().base.backendGraphCompute, this.#backend, graph));
    } finally {
      this.#busy = false;
    }
  }

  [Symbol.dispose](): void {
    assert(!this.#busy, "the backend is idle");
    loadGgml().base.backendFree(this.#backend);
  }
}
