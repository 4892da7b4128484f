// Takes blocks from another worker into the own cache before a request starts, on the router's
// advice. It is only ever a saving: whatever goes wrong, the blocks are computed.

import type { Clock, GenerationRequest, WorkerService } from "@loci/core";
import type { Pool } from "undici";
import type { AddressPolicy } from "../address/address-policy.ts";
import type { WorkerAddress } from "../address/worker-address.ts";
import type { ClusterKey } from "../cluster-key.ts";
import { openPool } from "../link/open-pool.ts";
import type { FetchOrder } from "../link/worker-link.ts";
import { readBlockFrames } from "../wire/block-frames.ts";
import { encodeBlocksBody } from "../wire/blocks-body.ts";
import { TransferPace } from "./transfer-pace.ts";

/** Other workers with open connections; the one unused for longest is closed for a new one. */
const peersMax = 64;

/** Whose blocks: a tenant's, of a sequence of tokens. */
export type FetchedPrompt = Pick<GenerationRequest, "tenant" | "promptTokens">;

export interface BlockFetcherParts {
  readonly service: WorkerService;
  /** Blocks are only asked for from workers of this fingerprint. */
  readonly fingerprint: string;
  /** Which addresses may be dialled; null: nothing is fetched. */
  readonly peers: AddressPolicy | null;
  readonly key: ClusterKey | null;
  readonly clock: Clock;
  readonly fetchMsMax: number;
}

export class BlockFetcher {
  readonly #parts: BlockFetcherParts;
  readonly #pools = new Map<string, Pool>();
  readonly #pace = new TransferPace();
  #fetchedBlocks = 0;
  #failedFetches = 0;

  constructor(parts: BlockFetcherParts) {
    this.#parts = parts;
  }

  /** Since the start: blocks taken over, and fetches that brought nothing. */
  get counts(): { readonly fetchedBlocks: number; readonly failedFetches: number } {
    return { fetchedBlocks: this.#fetchedBlocks, failedFetches: this.#failedFetches };
  }

  /** As transfers went lately; null before the first. */
  get secondsPerBlock(): number | null {
    return this.#pace.secondsPerBlock;
  }

  /** Resolves with the number of blocks that are in the cache now because of it. Never rejects. */
  async fetch(prompt: FetchedPrompt, order: FetchOrder, signal: AbortSignal): Promise<number> {
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const { clock, fetchMsMax } = this.#parts;
    const cancelTimer = clock.after(fetchMsMax, abort);
    const sinceMs = clock.nowMs();
    signal.addEventListener("abort", abort, { once: true });
    try {
      const blocks = await this.#import(prompt, order, controller.signal);
      this.#pace.moved(blocks, (clock.nowMs() - sinceMs) / 1000);
      this.#fetchedBlocks += blocks;
      if (blocks === 0) this.#failedFetches++;
      return blocks;
    } catch {
      // A worker that left, a damaged block, an address that is not allowed: nothing was gained.
      this.#failedFetches++;
      return 0;
    } finally {
      cancelTimer();
      signal.removeEventListener("abort", abort);
    }
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  async #import(
    { tenant, promptTokens }: FetchedPrompt,
    order: FetchOrder,
    signal: AbortSignal,
  ): Promise<number> {
    const { service, fingerprint, peers, key } = this.#parts;
    const { exchange } = service;
    if (exchange === null || peers === null || fingerprint === "") return 0;
    const { blockStart, blockEnd } = order;
    const pool = this.#poolOf(peers.check(order.url));
    const { statusCode, body } = await pool.request({
      method: "POST",
      path: "/worker/blocks",
      headers: {
        ...(key && { authorization: key.authorization }),
        "content-type": "application/json",
      },
      body: encodeBlocksBody({ tenant, promptTokens, blockStart, blockEnd, fingerprint }),
      signal,
    });
    try {
      if (statusCode !== 200) return 0;
      const contents = readBlockFrames(body, exchange.blockBytes);
      return await exchange.importBlocks(tenant, promptTokens, blockStart, contents);
    } finally {
      body.on("error", () => undefined).destroy();
    }
  }

  #poolOf(address: WorkerAddress): Pool {
    const known = this.#pools.get(address.url);
    const pool = known ?? openPool(address, { connectionsMax: 8 });
    // Last used last.
    this.#pools.delete(address.url);
    this.#pools.set(address.url, pool);
    const [oldest] = this.#pools;
    if (this.#pools.size > peersMax && oldest !== undefined) {
      this.#pools.delete(oldest[0]);
      void oldest[1].destroy();
    }
    return pool;
  }
}
