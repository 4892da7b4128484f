// What is asked of the cache, asked of all workers. Erasing is a promise, kept in erasure-rounds.ts;
// so is forgetting for a worker that cannot be asked now.

import { LociError } from "@loci/core";
import type { CachedChain, CacheMatch, CachedTokensByTier } from "@loci/core";
import type { ErasureRounds } from "./erasure-rounds.ts";
import type { KnownWorker, WorkerTable } from "./worker-table.ts";

export class CacheCalls {
  readonly #table: WorkerTable;
  readonly #erasures: ErasureRounds;

  constructor(table: WorkerTable, erasures: ErasureRounds) {
    this.#table = table;
    this.#erasures = erasures;
  }

  async cachedChains(tenant: string, limit: number): Promise<readonly CachedChain[]> {
    const answers = await this.#askAll(({ link }) => link.cachedChains(tenant, limit));
    const chains = new Map<string, CachedChain>();
    for (const chain of answers.flat()) {
      const { buffer, byteOffset, byteLength } = chain.tokens;
      const name = Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
      const known = chains.get(name);
      if (known === undefined || heldTokens(chain.byTier) > heldTokens(known.byTier)) {
        chains.set(name, chain);
      }
    }
    return [...chains.values()].toSorted((a, b) => a.idleMs - b.idleMs).slice(0, limit);
  }

  async matchPrompt(tenant: string, promptTokens: Int32Array): Promise<CacheMatch> {
    const answers = await this.#askAll(({ link }) => link.matchPrompt(tenant, promptTokens));
    const [first, ...others] = answers;
    if (first === undefined) throw nobodyAnswers();
    return others.reduce((best, match) => (isBetter(match, best) ? match : best), first);
  }

  async forgetCached(tenant: string, tokens: Int32Array | null): Promise<number> {
    const asked = this.#table.size;
    const answers = await this.#askAll(({ link }) => link.forgetCached(tenant, tokens));
    if (answers.length < asked || (await this.#erasures.isSomebodyAway())) {
      await this.#erasures.erase(tenant, tokens && { tokens, sharedTokens: 0 });
    }
    return answers.reduce((total, blocks) => total + blocks, 0);
  }

  /** Answers of those who answer. Throws when there are workers and none does. */
  async #askAll<T>(ask: (worker: KnownWorker) => Promise<T>): Promise<readonly T[]> {
    const workers = [...this.#table.all()];
    const results = await Promise.allSettled(workers.map(ask));
    const answers: T[] = [];
    let failure: unknown = null;
    for (const result of results) {
      if (result.status === "fulfilled") answers.push(result.value);
      else failure = result.reason;
    }
    if (answers.length === 0 && failure !== null) throw failure;
    return answers;
  }
}

function isBetter(match: CacheMatch, than: CacheMatch): boolean {
  const [held, heldThan] = [heldTokens(match.byTier), heldTokens(than.byTier)];
  return held > heldThan || (held === heldThan && match.knownTokens > than.knownTokens);
}

function heldTokens({ device, host, disk }: CachedTokensByTier): number {
  return device + host + disk;
}

function nobodyAnswers(): LociError {
  return new LociError("unavailable", "No worker is there to answer.", { retryAfterSeconds: 5 });
}
