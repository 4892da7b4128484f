// A device other than the CPU. One turn at a time: ggml's devices promise nothing to two threads that
// use them at once, so a step and the copies of blocks go one after the other.

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
  #turns: Promise<unknown> = Promise.resolve();
  #turnsWaiting = 0;

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
    assert(this.#turnsWaiting > 0, "whoever computes has the device for itself");
    const { base } = loadGgml();
    checkComputed(await callAsync(base.backendGraphCompute, this.#backend, graph));
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    this.#turnsWaiting++;
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#turnsWaiting--;
    }
  }

  [Symbol.dispose](): void {
    assert(this.#turnsWaiting === 0, "the device is idle");
    loadGgml().base.backendFree(this.#backend);
  }
}
