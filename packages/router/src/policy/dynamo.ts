// As NVIDIA Dynamo's KV router: blocks to compute there, this prompt's included, less a credit for
// what each memory holds of it, plus the blocks in use there, this prompt's included. Blocks in use
// are counted once however many requests share them.

import { assert } from "@loci/core";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { LiveRequest } from "../requests/live-request.ts";
import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

/** Credits for the lower memories; published as settings, the values are ours. */
const hostCredit = 0.75;
const diskCredit = 0.25;

export class Dynamo implements PlacementPolicy {
  readonly name = "dynamo";
  readonly tieWidth = 0;
  /** By worker: block name → live requests that use it. */
  readonly #inUse = new Map<RoutedWorker, Map<number, number>>();
  readonly #names = new Map<LiveRequest, Float64Array>();

  score({ tokens, workers, hits, scores }: PlacementView): void {
    for (const [index, worker] of workers.entries()) {
      const { blockTokens } = worker.facts;
      const { device, host, disk } = hits.blocks(worker);
      const credit = device + hostCredit * host + diskCredit * disk;
      const blocks = tokens.length / blockTokens;
      const pending = worker.pendingTokensPresent / blockTokens;
      const prefill = Math.max(0, pending + blocks - credit);
      const answering = worker.requests.size;
      scores[index] = prefill + this.#blocksWith(worker, hits.names(worker)) + answering;
    }
  }

  placed({ live, hits }: PlacementView): void {
    const { worker } = live;
    if (worker === null) return;
    const names = hits.names(worker) ?? new Float64Array(0);
    const counts = this.#inUse.get(worker) ?? new Map<number, number>();
    this.#inUse.set(worker, counts);
    this.#names.set(live, names);
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  }

  ended(live: LiveRequest): void {
    const { worker } = live;
    const names = this.#names.get(live);
    const counts = worker === null ? undefined : this.#inUse.get(worker);
    this.#names.delete(live);
    if (worker === null || names === undefined || counts === undefined) return;
    for (const name of names) {
      const left = (counts.get(name) ?? 0) - 1;
      if (left > 0) counts.set(name, left);
      else counts.delete(name);
    }
    if (counts.size === 0) this.#inUse.delete(worker);
  }

  checkIntegrity(): void {
    let uses = 0;
    let named = 0;
    for (const counts of this.#inUse.values()) for (const count of counts.values()) uses += count;
    for (const names of this.#names.values()) named += names.length;
    assert(uses === named, "blocks in use are those of live requests");
  }

  /** Blocks in use there once a request with these names is, too. */
  #blocksWith(worker: RoutedWorker, names: Float64Array | null): number {
    const counts = this.#inUse.get(worker);
    let blocks = counts?.size ?? 0;
    for (const name of names ?? []) if (counts?.has(name) !== true) blocks++;
    return blocks;
  }
}
