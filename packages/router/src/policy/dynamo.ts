// As NVIDIA Dynamo's KV router: blocks to compute there, this prompt's included, less a credit for
// what each memory holds of it, plus the blocks in use there, this prompt's included. Blocks in use
// are counted once however many requests share them.

import { assert, type BlockName } from "@loci/core";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { LiveRequest } from "../requests/live-request.ts";
import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

/** Credits for the lower memories; published as settings, the values are ours. */
const hostCredit = 0.75;
const diskCredit = 0.25;

const noNames = new Float64Array(0);

export class Dynamo implements PlacementPolicy {
  readonly name = "dynamo";
  readonly tieWidth = 0;
  /** By block name: live requests that use it, by worker. */
  readonly #users = new Map<BlockName, Map<RoutedWorker, number>>();
  /** Blocks in use, each once. */
  readonly #inUse = new Map<RoutedWorker, number>();
  readonly #names = new Map<LiveRequest, Float64Array>();

  score({ tokens, workers, hits, scores }: PlacementView): void {
    const shared = new Map<number, Map<RoutedWorker, number>>();
    for (const [index, worker] of workers.entries()) {
      const { blockTokens } = worker.facts;
      const names = hits.names(worker) ?? noNames;
      const sharing = shared.get(blockTokens) ?? this.#sharing(names);
      shared.set(blockTokens, sharing);
      const { device, host, disk } = hits.blocks(worker);
      const credit = device + hostCredit * host + diskCredit * disk;
      const pending = (worker.pendingTokensPresent + tokens.length) / blockTokens;
      const used = (this.#inUse.get(worker) ?? 0) + names.length - (sharing.get(worker) ?? 0);
      // The answers' blocks: about one for each request.
      scores[index] = Math.max(0, pending - credit) + used + worker.requests.size;
    }
  }

  placed({ live, hits }: PlacementView): void {
    const { worker } = live;
    if (worker === null) return;
    const names = hits.names(worker) ?? noNames;
    this.#names.set(live, names);
    for (const name of names) this.#use(worker, name, 1);
  }

  ended(live: LiveRequest): void {
    const { worker } = live;
    const names = this.#names.get(live);
    this.#names.delete(live);
    if (worker === null || names === undefined) return;
    for (const name of names) this.#use(worker, name, -1);
  }

  checkIntegrity(): void {
    const inUse = new Map<RoutedWorker, number>();
    let uses = 0;
    for (const users of this.#users.values()) {
      for (const [worker, count] of users) {
        assert(count > 0, "who uses a block uses it");
        uses += count;
        inUse.set(worker, (inUse.get(worker) ?? 0) + 1);
      }
    }
    let named = 0;
    for (const names of this.#names.values()) named += names.length;
    assert(uses === named, "blocks in use are those of live requests");
    assert(inUse.size === this.#inUse.size, "workers with blocks in use are known");
    for (const [worker, count] of inUse) assert(this.#inUse.get(worker) === count, "by number");
  }

  /** Of these blocks, the ones in use at each worker. */
  #sharing(names: Float64Array): Map<RoutedWorker, number> {
    const sharing = new Map<RoutedWorker, number>();
    for (const name of names) {
      const users = this.#users.get(name);
      if (users === undefined) continue;
      for (const worker of users.keys()) sharing.set(worker, (sharing.get(worker) ?? 0) + 1);
    }
    return sharing;
  }

  #use(worker: RoutedWorker, name: BlockName, change: 1 | -1): void {
    const users = this.#users.get(name) ?? new Map<RoutedWorker, number>();
    const before = users.get(worker) ?? 0;
    const after = before + change;
    if (after > 0) users.set(worker, after);
    else users.delete(worker);
    if (users.size > 0) this.#users.set(name, users);
    else this.#users.delete(name);
    const blocks = (this.#inUse.get(worker) ?? 0) + (before === 0 ? 1 : 0) - (after === 0 ? 1 : 0);
    if (blocks > 0) this.#inUse.set(worker, blocks);
    else this.#inUse.delete(worker);
  }
}
