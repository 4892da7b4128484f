// Blocks on their way from worker to worker: the lines of both ends carry one transfer after the other,
// and the blocks are cache at the other end when all of them have come.

import type { GenerationRequest } from "@loci/core";
import type { FetchAdvice } from "@loci/router";
import type { SimWorker } from "./sim-worker.ts";

/** What a worker fetches for a request before it begins. */
export interface BlockFetch {
  readonly source: SimWorker;
  readonly target: SimWorker;
  readonly request: GenerationRequest;
  readonly advice: FetchAdvice;
}

export interface Transfer extends BlockFetch {
  /** Blocks that the source had: some may have gone since the advice. */
  readonly blocks: number;
  readonly endMs: number;
  readonly loanId: number;
}

export class BlockLinks {
  readonly #msPerBlock: number;
  /** When the line of a worker is free. */
  readonly #freeAtMs = new Map<SimWorker, number>();

  constructor(secondsPerBlock: number) {
    this.#msPerBlock = 1000 * secondsPerBlock;
  }

  /** The source is asked: it lends what it has; null when that is nothing. */
  begin(fetch: BlockFetch, nowMs: number): Transfer | null {
    const { source, target, request, advice } = fetch;
    const { exchange } = source.server.engine;
    exchange.setNow(nowMs);
    const { blockStart, blockEnd } = advice;
    const range = { blockStart, blockEnd, host: true };
    const lent = exchange.lend(request.tenant, request.promptTokens, range);
    if (lent === null) return null;
    const startMs = Math.max(nowMs, this.#freeAt(source), this.#freeAt(target));
    const endMs = startMs + lent.sources.length * this.#msPerBlock;
    this.#freeAtMs.set(source, endMs);
    this.#freeAtMs.set(target, endMs);
    return { ...fetch, blocks: lent.sources.length, endMs, loanId: lent.id };
  }

  /** All has come: it joins the target's cache as far as there is room. */
  end({ source, target, request, advice, blocks, loanId }: Transfer, nowMs: number): void {
    const from = source.server.engine.exchange;
    from.setNow(nowMs);
    from.end(loanId);
    const { exchange } = target.server.engine;
    exchange.setNow(nowMs);
    for (let place = 0; place < blocks; place++) {
      const index = advice.blockStart + place;
      const reserved = exchange.reserve(request.tenant, request.promptTokens, index);
      if (reserved === null) return;
      if (reserved !== "held") exchange.publish(reserved);
    }
  }

  #freeAt(worker: SimWorker): number {
    return this.#freeAtMs.get(worker) ?? 0;
  }
}
