// What each worker offers for the request at hand, in columns by its index among the decision's
// workers: made once and rewritten by every decision.

import type { CostTerms, FetchAdvice } from "../placement.ts";

type Column = Float64Array<ArrayBuffer>;

const countFirst = 16;

export class Offers {
  /** The terms of its cost, in seconds. */
  queue: Column = new Float64Array(countFirst);
  prefill: Column = new Float64Array(countFirst);
  slowdown: Column = new Float64Array(countFirst);
  eviction: Column = new Float64Array(countFirst);
  memory: Column = new Float64Array(countFirst);
  replica: Column = new Float64Array(countFirst);
  move: Column = new Float64Array(countFirst);
  /** Of the device: the prompt, and what the worker's own blocks save of it. */
  promptSeconds: Column = new Float64Array(countFirst);
  savedSeconds: Column = new Float64Array(countFirst);
  /** Tokens that get new blocks. */
  missedTokens: Column = new Float64Array(countFirst);
  /** What it should fetch first, and how long that takes. */
  fetchSeconds: Column = new Float64Array(countFirst);
  readonly fetch: (FetchAdvice | null)[] = [];

  /** Makes room for so many workers; what was written is lost. */
  begin(count: number): void {
    this.fetch.length = count;
    if (this.queue.length >= count) return;
    this.queue = new Float64Array(count);
    this.prefill = new Float64Array(count);
    this.slowdown = new Float64Array(count);
    this.eviction = new Float64Array(count);
    this.memory = new Float64Array(count);
    this.replica = new Float64Array(count);
    this.move = new Float64Array(count);
    this.promptSeconds = new Float64Array(count);
    this.savedSeconds = new Float64Array(count);
    this.missedTokens = new Float64Array(count);
    this.fetchSeconds = new Float64Array(count);
  }

  /** What is compared. */
  cost(index: number): number {
    return (
      at(this.queue, index) +
      at(this.prefill, index) +
      at(this.slowdown, index) +
      at(this.eviction, index) +
      at(this.memory, index) +
      at(this.move, index) -
      at(this.replica, index)
    );
  }

  terms(index: number): CostTerms {
    return {
      queue: at(this.queue, index),
      prefill: at(this.prefill, index),
      slowdown: at(this.slowdown, index),
      eviction: at(this.eviction, index),
      memory: at(this.memory, index),
      replica: at(this.replica, index),
      move: at(this.move, index),
    };
  }
}

function at(column: Column, index: number): number {
  return column[index] ?? 0;
}
