// One CPU backend with a thread pool of its own that lives as long as the backend: between the
// steps of a decode the threads wait instead of being created anew.

import koffi from "koffi";
import { LociError, assert } from "@loci/core";
import { callAsync } from "./bind.ts";
import type { Backend } from "./device/backend.ts";
import { checkComputed } from "./device/compute-status.ts";
import { type Device, cpuDevice } from "./device/device.ts";
import { loadGgml } from "./load-ggml.ts";
import type { Pointer } from "./pointer.ts";

/** sizeof(ggml_threadpool_params), and where `poll` stands in it. */
const threadpoolParamsBytes = 528;
const pollOffset = 520;

/** How long a waiting thread spins before it sleeps: 0 = not at all, 100 = long. */
const pollLevel = 50;

export class CpuBackend implements Backend {
  readonly device: Device = cpuDevice();
  readonly threads: number;
  readonly #backend: Pointer;
  readonly #threadpool: Pointer;
  readonly #freeThreadpool: (threadpool: Pointer) => void;
  readonly #setThreads: (threads: number) => void;
  #busy = false;

  constructor(threads: number) {
    const { base, device } = loadGgml();
    assert(Number.isInteger(threads) && threads >= 1 && threads <= 512, "1 to 512 threads");
    this.threads = threads;
    const backend = base.deviceInit(device, null);
    if (backend === null) throw new LociError("out_of_memory", "ggml could not start its backend.");
    this.#backend = backend;
    const params = new Uint8Array(threadpoolParamsBytes);
    base.threadpoolParamsInit(params, threads);
    new DataView(params.buffer).setUint32(pollOffset, pollLevel, true);
    const newThreadpool = cpuFunction("void * ggml_threadpool_new(void * params)");
    this.#freeThreadpool = cpuFunction("void ggml_threadpool_free(void * pool)");
    const threadpool = newThreadpool(params) as Pointer | null;
    if (threadpool === null) throw new LociError("out_of_memory", "No threads for ggml.");
    this.#threadpool = threadpool;
    cpuFunction("void ggml_backend_cpu_set_threadpool(void * backend, void * pool)")(
      backend,
      threadpool,
    );
    const setThreads = cpuFunction("void ggml_backend_set_n_threads(void * backend, int n)");
    this.#setThreads = (count) => void setThreads(backend, count);
  }

  /**
   * Computes a graph on the first `threads` of this backend's threads; the event loop stays free.
   * One at a time.
   */
  async compute(graph: Pointer, threads: number = this.threads): Promise<void> {
    assert(!this.#busy, "one computation at a time");
    assert(threads >= 1 && threads <= this.threads, "no more threads than there are");
    this.#busy = true;
    this.#setThreads(threads);
    try {
      checkComputed(await callAsync(loadGgml().base.backendGraphCompute, this.#backend, graph));
    } finally {
      this.#busy = false;
    }
  }

  /** Computes on the calling thread; for start-up, tests and benchmarks. */
  computeSync(graph: Pointer): void {
    assert(!this.#busy, "one computation at a time");
    this.#setThreads(this.threads);
    checkComputed(loadGgml().base.backendGraphCompute(this.#backend, graph));
  }

  [Symbol.dispose](): void {
    assert(!this.#busy, "the backend is idle");
    loadGgml().base.backendFree(this.#backend);
    this.#freeThreadpool(this.#threadpool);
  }
}

/** A function that only the CPU backend's own library has, by its C prototype. */
export function cpuFunction(prototype: string): (...args: unknown[]) => unknown {
  const { base, device } = loadGgml();
  const name = /(\w+)\s*\(/.exec(prototype)?.[1] ?? "";
  const address = base.registryProcAddress(base.deviceRegistry(device), name);
  if (address === null) {
    throw new LociError("native_library_mismatch", `The CPU backend lacks ${name}.`);
  }
  const type = koffi.proto(prototype.replace(name, `${name}_t${nextTypeNumber++}`));
  return (...args) => koffi.call(address, type, ...args) as unknown;
}

let nextTypeNumber = 0;
