// Graphs by batch shape, least recently used out first: decoding repeats few shapes, prefill
// chunks repeat one or two. Bounded by count and by the memory they hold.

import { LociError } from "@loci/core";
import type { ForwardGraph } from "./forward-graph.ts";

const graphsMax = 32;
const computeBytesMax = 1024 ** 3;

export class GraphCache implements Disposable {
  readonly #graphs = new Map<string, ForwardGraph>();
  #computeBytes = 0;

  /** The graph of `key`, made by `make` when it is not there. */
  get(key: string, make: () => ForwardGraph): ForwardGraph {
    const known = this.#graphs.get(key);
    if (known !== undefined) {
      // A Map keeps insertion order: moving to the end marks the latest use.
      this.#graphs.delete(key);
      this.#graphs.set(key, known);
      return known;
    }
    const graph = this.#make(make);
    this.#computeBytes += graph.computeBytes;
    this.#graphs.set(key, graph);
    this.#evict(key);
    return graph;
  }

  [Symbol.dispose](): void {
    for (const graph of this.#graphs.values()) graph[Symbol.dispose]();
    this.#graphs.clear();
    this.#computeBytes = 0;
  }

  /** Where memory is short, as on a device, the graphs kept are worth less than the one needed. */
  #make(make: () => ForwardGraph): ForwardGraph {
    try {
      return make();
    } catch (error) {
      const isShort = error instanceof LociError && error.code === "out_of_memory";
      if (!isShort || this.#graphs.size === 0) throw error;
      this[Symbol.dispose]();
      return make();
    }
  }

  #evict(keep: string): void {
    for (const [key, graph] of this.#graphs) {
      const fits = this.#graphs.size <= graphsMax && this.#computeBytes <= computeBytesMax;
      if (fits || key === keep) return;
      this.#graphs.delete(key);
      this.#computeBytes -= graph.computeBytes;
      graph[Symbol.dispose]();
    }
  }
}
